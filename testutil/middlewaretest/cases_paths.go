package middlewaretest

import (
	"strings"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// pathCases are about tenants in the path.
var pathCases = []testCase{
	{
		name: "path", rule: "extract.Path finds a segment by its number",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Path(2)}, whoami)
			for _, path := range []string{"/t/brazil", "/other/brazil/x", "/t/brazil/?x=/t/stranger", "/t/" + brazilID + "/x"} {
				e.wantTenant(s.get(path), "brazil")
			}
			e.wantRefusal(s.get("/brazil"), core.ErrMissingTenant)
		},
	},
	{
		name: "path_after", rule: "extract.PathAfter finds the segment after its prefix, before routing too, and nothing in other paths",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.PathAfter("/t/")}, whoami)
			e.wantTenant(s.get("/t/brazil/x"), "brazil")
			e.wantTenant(s.get("/t/brazil/files/a%2Fb"), "brazil")
			for _, path := range []string{"/", "/t", "/T/brazil", "/tt/brazil", "/x/t/brazil", "/x?/t/brazil"} {
				e.wantRefusal(s.get(path), core.ErrMissingTenant)
			}
		},
	},
	{
		name: "path_decoded_once", rule: "a path is percent-decoded once, never twice, and by segment",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.PathAfter("/t/")}, whoami)
			e.wantTenant(s.get("/t/%62razil/x"), "brazil")
			e.wantTenant(s.get("/%74/b%72azil"), "brazil")
			for _, path := range []string{"/t/%2562razil", "/t/brazil%2Fstranger", "/t/brazil+", "/t/br%C3%A9sil"} {
				e.wantRefusal(s.get(path), core.ErrTenantRefInvalid)
			}
		},
	},
	{
		name: "path_tricks", rule: "a path that two servers could read differently is refused, or redirected",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.First(extract.PathAfter("/t/"), extract.Header("X-Tenant-ID"))}, whoami)
			for _, path := range []string{
				"//t/brazil", "/t//brazil", "/t/../t/brazil", "/t/./brazil", "/t/%2e%2e/brazil", "/t/brazil/../stranger", "/t/brazil/..",
				"/t/brazil/%2E%2e/stranger", "/t/brazil/..%2Fstranger", "/t/brazil/x%2F..%2F..%2Fstranger", `/t/brazil/..\stranger`, "/t/brazil/..%5Cstranger",
				"/t/brazil;v=1/x", "/t/brazil%00/x", "/t/brazil%0d%0aX-Evil:1/x", "/x/../t/brazil", "/x%2f../t/brazil", "/t%2Fbrazil", "/t/%zz", "/t/brazil/%zz",
				"/t/" + strings.Repeat("a", 64), "t/brazil",
			} {
				e.wantUnserved(s.get(path, "X-Tenant-ID: stranger"))
			}
			e.wantUnserved(s.get("*", "Host: "+base))
		},
	},
	{
		name: "path_as_routed", rule: "the path that the tenant is read from is the one that the router matches",
		check: func(e *env) {
			handle := func(x Exchange) error { return x.Send(200, []byte(running(x)+" "+x.Param("tenant"))) }
			s := e.start(Setup{Root: Group{
				Use:    []Middleware{admission(Config{Extract: extract.PathAfter("/t/")})},
				Routes: []Route{{Method: "GET", Path: "/t/{tenant}/x", Handle: handle}},
			}})
			e.wantTenant(s.get("/t/brazil/x"), "brazil brazil")
			for _, path := range []string{
				"/t/brazil/../stranger/x", "/t/brazil%2F..%2Fstranger/x", "/t/./stranger/x",
				"//t/stranger/x", "/t/brazil//../stranger/x",
			} {
				e.wantUnserved(s.get(path))
			}
			for _, header := range []string{"X-Original-URL: /t/stranger/x", "X-Rewrite-URL: /t/stranger/x", "X-Forwarded-Prefix: /t/stranger"} {
				e.wantTenant(s.get("/t/brazil/x", header), "brazil brazil")
			}
		},
	},
}
