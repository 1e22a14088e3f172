package middlewaretest

import (
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// valueCases are about headers, query parameters, cookies and route parameters.
var valueCases = []testCase{
	{
		name: "zero_config", rule: "the zero Config reads the header X-Tenant-ID, a slug or an id",
		check: func(e *env) {
			s := e.admitting(Config{}, whoami)
			e.wantTenant(s.get("/", asBrazil), "brazil")
			e.wantTenant(s.get("/", "X-Tenant-ID: "+brazilID), "brazil")
		},
	},
	{
		name: "header", rule: "extract.Header reads the header that it names and no other, whatever the case of its name",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Header("x-ORG")}, whoami)
			for _, name := range []string{"X-Org", "x-org", "X-ORG"} {
				e.wantTenant(s.get("/", name+": brazil", "X-Tenant-ID: stranger"), "brazil")
			}
			e.wantRefusal(s.get("/", "X-Tenant-ID: stranger"), core.ErrMissingTenant)
		},
	},
	{
		name: "header_spaces", rule: "spaces around a value do not count, and an empty value names no tenant",
		check: func(e *env) {
			s := e.admitting(Config{}, whoami)
			e.wantTenant(s.get("/", "X-Tenant-ID:    brazil  "), "brazil")
			e.wantRefusal(s.get("/", "X-Tenant-ID:"), core.ErrMissingTenant)
			e.wantRefusal(s.get("/", "X-Tenant-ID:   "), core.ErrMissingTenant)
		},
	},
	{
		name: "query", rule: "extract.Query decodes name and value of the parameter once, plus signs included",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Query("the tenant")}, whoami)
			for _, query := range []string{"a=b&the+tenant=brazil", "the%20tenant=%62razil&c", "th%65+tenant=+brazil+", "&&the+tenant=brazil&="} {
				e.wantTenant(s.get("/?"+query), "brazil")
			}
			e.wantRefusal(s.get("/?the+tenant=%2562razil"), core.ErrTenantRefInvalid)
			for _, query := range []string{"", "?tenant=brazil", "?the+tenant=", "?the+tenant"} {
				e.wantRefusal(s.get("/"+query), core.ErrMissingTenant)
			}
		},
	},
	{
		name: "query_undecodable", rule: "a query parameter that cannot be decoded is refused, and does not pass for a missing one",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Query("tenant"), Optional: true}, whoami)
			for _, value := range []string{"%zz", "brazil%", "%2"} {
				e.wantRefusal(s.get("/?tenant="+value), core.ErrTenantRefInvalid)
			}
		},
	},
	{
		name: "query_separator", rule: "only the ampersand separates query parameters: a semicolon belongs to a value",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Query("tenant"), Optional: true}, whoami)
			e.wantTenant(s.get("/?a=1;tenant=brazil"), "none")
			e.wantRefusal(s.get("/?tenant=brazil;a=1"), core.ErrTenantRefInvalid)
		},
	},
	{
		name: "cookie", rule: "extract.Cookie finds the cookie among others, with or without quotes",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Cookie("tenant")}, whoami)
			for _, cookie := range []string{
				"tenant=brazil", "a=b; tenant=brazil",
				`c=tenant; tenant="brazil"; d=e`, "xtenant=stranger;tenant=brazil",
			} {
				e.wantTenant(s.get("/", "Cookie: "+cookie), "brazil")
			}
			e.wantRefusal(s.get("/", "Cookie: a=b"), core.ErrMissingTenant)
			e.wantRefusal(s.get("/", "Cookie: Tenant=brazil"), core.ErrMissingTenant)
			e.wantRefusal(s.get("/?tenant=brazil"), core.ErrMissingTenant)
		},
	},
	{
		name: "cookie_malformed", rule: "a cookie whose value is malformed is refused, and does not pass for a missing one",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Cookie("tenant"), Optional: true}, whoami)
			for _, value := range []string{`bra"zil`, `brazil\`, "bra,zil", "br\xc3\xa9sil"} {
				e.wantRefusal(s.get("/", "Cookie: tenant="+value), core.ErrTenantRefInvalid)
			}
		},
	},
	{
		name: "param", rule: "extract.Param finds a parameter of the route that the middleware is mounted on, decoded unless the router refuses to",
		check: func(e *env) {
			handle := func(x Exchange) error { return x.Send(200, []byte(running(x)+" "+x.Param("tenant"))) }
			s := e.byParam("/t/{tenant}/x", handle)
			e.wantTenant(s.get("/t/brazil/x"), "brazil brazil")
			e.wantTenant(s.get("/t/"+brazilID+"/x"), "brazil "+brazilID)
			e.wantTenantOrRefusal(e.byParam("/t/{tenant}/x", whoami).get("/t/%62razil/x"), "brazil")
			e.wantRefusal(s.get("/t/nobody/x"), core.ErrTenantNotFound)
		},
	},
	{
		name: "param_tricks", rule: "a route parameter that decodes to more than a reference is refused",
		check: func(e *env) {
			s := e.byParam("/t/{tenant}/x", whoami)
			for _, segment := range []string{
				"brazil%2Fx", "%2562razil", "brazil%00", "..%2Fbrazil",
				"brazil;a=1", "brazil%0d%0a", "br%C3%A9sil", "brazil%3F",
			} {
				e.wantUnserved(s.get("/t/" + segment + "/x"))
			}
		},
	},
	{
		name: "param_elsewhere", rule: "a route without the parameter names no tenant",
		check: func(e *env) {
			byParam := admission(Config{Extract: extract.Param("tenant")})
			s := e.start(Setup{Root: Group{Routes: []Route{
				{Method: "GET", Path: "/other/{name}", Use: []Middleware{byParam}, Handle: whoami},
				{Method: "GET", Path: "/t/{tenant}", Use: []Middleware{byParam}, Handle: whoami},
			}}})
			e.wantTenant(s.get("/t/brazil"), "brazil")
			e.wantRefusal(s.get("/other/brazil"), core.ErrMissingTenant)
			e.wantRefusal(s.get("/other/x?tenant=brazil"), core.ErrMissingTenant)
		},
	},
}

// byParam serves one route, on which the middleware is mounted.
func (e *env) byParam(path string, handle Handler) *service {
	e.Helper()
	byParam := admission(Config{Extract: extract.Param("tenant")})
	return e.start(Setup{Root: Group{Routes: []Route{{Method: "GET", Path: path, Use: []Middleware{byParam}, Handle: handle}}}})
}
