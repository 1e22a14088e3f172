package middlewaretest

import (
	"strings"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// spellingCases are about requests that are spelled to deceive.
var spellingCases = []testCase{
	{
		name: "duplicate_headers", rule: "a header that comes twice is refused, even if both lines say the same",
		check: func(e *env) {
			s := e.admitting(Config{Optional: true}, whoami)
			for _, second := range []string{asBrazil, "x-tenant-id: stranger", "X-TENANT-ID:", "X-Tenant-Id: a,b"} {
				e.wantRefusal(s.get("/", asBrazil, "X-Between: x", second), core.ErrTenantAmbiguous)
			}
			e.wantRefusal(s.get("/", "X-Tenant-ID:", asBrazil), core.ErrTenantAmbiguous)
		},
	},
	{
		name: "duplicate_query", rule: "a query parameter that comes twice is refused, in any spelling of its name",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Query("tenant"), Optional: true}, whoami)
			for _, query := range []string{
				"tenant=brazil&tenant=brazil", "tenant=brazil&x&tenant=stranger", "tenant=&tenant=brazil",
				"tenant=brazil&%74enant=stranger", "tenant&tenant=brazil",
			} {
				e.wantRefusal(s.get("/?"+query), core.ErrTenantAmbiguous)
			}
		},
	},
	{
		name: "duplicate_cookies", rule: "a cookie that comes twice is refused, in one Cookie header or in two",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Cookie("tenant"), Optional: true}, whoami)
			e.wantRefusal(s.get("/", "Cookie: tenant=brazil; tenant=stranger"), core.ErrTenantAmbiguous)
			e.wantRefusal(s.get("/", "Cookie: tenant=brazil; a=b; tenant=brazil"), core.ErrTenantAmbiguous)
			e.wantRefusal(s.get("/", "Cookie: tenant=brazil", "Cookie: tenant=stranger"), core.ErrTenantAmbiguous)
		},
	},
	{
		name: "comma_joined", rule: "values that a proxy has joined with a comma are refused, never split",
		check: func(e *env) {
			s := e.admitting(Config{Optional: true}, whoami)
			for _, value := range []string{"brazil,stranger", "brazil, brazil", "brazil,", ",brazil", ","} {
				e.wantRefusal(s.get("/", "X-Tenant-ID: "+value), core.ErrTenantRefInvalid)
			}
		},
	},
	{
		name: "not_ascii", rule: "a reference is ASCII: letters that look like others, and bytes that are no UTF-8, are refused",
		check: func(e *env) {
			header := e.admitting(Config{Optional: true}, whoami)
			for _, value := range []string{"br\u00e9sil", "br\u0430zil", "\uff42razil", "brazil\u200b", "\u00a0brazil", "br\xffzil"} {
				e.wantUnserved(header.get("/", "X-Tenant-ID: "+value))
			}
			query := e.admitting(Config{Extract: extract.Query("tenant"), Optional: true}, whoami)
			for _, value := range []string{
				"br%C3%A9sil", "br%D0%B0zil", "br%FFzil", "%EF%BB%BFbrazil",
				"brazil%00", "brazil%00stranger", "%09brazil", "BRAZIL",
			} {
				e.wantRefusal(query.get("/?tenant="+value), core.ErrTenantRefInvalid)
			}
		},
	},
	{
		name: "control_characters", rule: "a header with NUL, a bare line end or a folded line is refused, or names nobody else",
		check: func(e *env) {
			s := e.admitting(Config{}, whoami)
			for _, line := range []string{
				"X-Tenant-ID: brazil\x00", "X-Tenant-ID: brazil\x00stranger", "X-Tenant-ID: bra\x01zil",
				"X-Tenant-ID : brazil", "X-Tenant-ID\t: brazil",
			} {
				e.wantUnserved(s.get("/", line))
			}
			e.wantTenantOrRefusal(s.get("/", "X-Tenant-ID: brazil\r\n stranger"), "brazil")
			e.wantTenantOrRefusal(s.get("/", "X-Tenant-ID: brazil\rX-Tenant-ID: stranger"), "brazil")
		},
	},
	{
		name: "line_injection", rule: "an encoded line end in a value adds no header to the response",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.First(extract.Query("tenant"), extract.PathAfter("/t/"))}, whoami)
			for _, target := range []string{
				"/?tenant=brazil%0d%0aX-Evil:%201", "/?tenant=%0d%0a%0d%0aX-Evil:%201",
				"/t/brazil%0d%0aX-Evil:%201", "/?tenant=brazil%0aX-Evil:1",
			} {
				r := s.get(target)
				e.wantUnserved(r)
				if r.header.Get("X-Evil") != "" || strings.Contains(r.body, "X-Evil") {
					e.broken("the value got into the response: %v", r)
				}
			}
		},
	},
	{
		name: "oversized", rule: "a value that is too long is refused, by the server or by us, and the service lives on",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.First(extract.Header("X-Tenant-ID"), extract.Query("tenant"), extract.PathAfter("/t/"))}, whoami)
			spellings := func(n int) []reply {
				long := strings.Repeat("a", n)
				return []reply{s.get("/", "X-Tenant-ID: "+long), s.get("/?tenant=" + long), s.get("/t/" + long)}
			}
			for _, r := range append(spellings(64), spellings(2<<10)...) {
				e.wantRefusal(r, core.ErrTenantRefInvalid)
			}
			for _, r := range append(spellings(2<<20), s.get("/", "Host: "+strings.Repeat("a.", 1<<20)+base)) {
				e.wantUnserved(r)
			}
			e.wantTenant(s.get("/", asBrazil), "brazil")
		},
	},
}
