package stratumtest_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/testutil"
)

// In a test of the application, with its own handles: db is stratumpgx's DB.SQL, owner
// is the owner of the tables.
func Example() {
	var (
		db, owner *sql.DB
		testIt    = func(t *testing.T) {
			stratumtest.AssertIsolation(t, db, stratumtest.Config{
				Owner:   owner,
				Exclude: []string{"archive"},
				Fill: map[string]func(n int) any{
					"invoice.number": func(n int) any { return fmt.Sprintf("INV-%06d", n) },
				},
			})
		}
	)
	_ = testIt
}

func ExampleTenants() {
	t := exampleT{} // in a test function, its *testing.T
	for _, tenant := range stratumtest.Tenants(t, 2) {
		fmt.Println(tenant.Slug, tenant.Name, tenant.Status)
	}
	// Output:
	// tenant_1 Tenant 1 active
	// tenant_2 Tenant 2 active
}

func ExampleTree() {
	t := exampleT{}
	for _, tenant := range stratumtest.Tree(t, 2, 1) {
		fmt.Println(tenant.Slug, len(tenant.Ancestors))
	}
	// Output:
	// tenant_1 0
	// tenant_1_1 1
	// tenant_1_2 1
	// tenant_1_1_1 2
	// tenant_1_2_1 2
}

func ExampleRunConcurrently() {
	t := exampleT{}
	var sum atomic.Int64
	stratumtest.RunConcurrently(t, 10, func(i int) { sum.Add(int64(i)) })
	fmt.Println(sum.Load())
	// Output: 45
}

func ExampleAssertHTTPIsolation() {
	var handler http.Handler // of the application, with its middleware
	testIt := func(t *testing.T) {
		post, _ := http.NewRequest(http.MethodPost, "/notes", nil)
		list, _ := http.NewRequest(http.MethodGet, "/notes", nil)
		one, _ := http.NewRequest(http.MethodGet, "/notes/{id}", nil)
		stratumtest.AssertHTTPIsolation(t, handler, stratumtest.HTTPConfig{
			Requests: []*http.Request{post, list, one},
			As:       func(r *http.Request, t *core.Tenant) { r.Header.Set("X-Tenant-ID", t.ID.String()) },
		})
	}
	_ = testIt
}
