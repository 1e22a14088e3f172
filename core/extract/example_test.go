package extract_test

import (
	"fmt"

	"github.com/stratum-hq/stratum-go/core/extract"
)

func ExampleFirst() {
	e := extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID"))

	for _, host := range []string{"north-star.app.example.com", "app.example.com", "a.b.app.example.com"} {
		r := header("brazil")
		r.host = host
		sel, err := e(r)
		fmt.Println(sel.Ref, err)
	}
	// Output:
	// slug north_star <nil>
	// slug brazil <nil>
	// no tenant the host has more than one label in front of the base domain (TENANT_REF_INVALID)
}

func ExamplePathAfter() {
	e := extract.PathAfter("/t/")
	for _, path := range []string{"/t/brazil/invoices", "/health", "/t/brazil/../usa"} {
		sel, err := e(&fake{path: path})
		fmt.Println(sel.Ref, err)
	}
	// Output:
	// slug brazil <nil>
	// no tenant <nil>
	// no tenant the path can be read in more than one way (TENANT_REF_INVALID)
}
