package main

import (
	"fmt"
	"net"
	"strings"
)

// banner is what standard output gets: where it is, and what to try.
func banner(addr net.Addr, admin string, countries []country) string {
	base := "http://" + addr.String()
	var b strings.Builder
	fmt.Fprintf(&b, "ready %s\nadmin %s\n", base, admin)
	for _, c := range countries[:min(3, len(countries))] {
		label := strings.ReplaceAll(c.slug, "_", "-") // host names have no underscore
		fmt.Fprintf(&b, "curl -sS -H 'Host: %s.localhost' %s/invoices\n", label, base)
		fmt.Fprintf(&b, "curl -sS -H 'X-Tenant-ID: %s' %s/invoices\n", c.slug, base)
		fmt.Fprintf(&b, "curl -sS %s/t/%s/invoices\n", base, c.slug)
	}
	fmt.Fprintf(&b, "curl -sS %s/invoices\n", base) // names no tenant, and is refused
	return b.String()
}
