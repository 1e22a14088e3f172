package middlewaretest

import (
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// byPrecedence asks the host before a header and a query parameter.
func byPrecedence() Config {
	return Config{Extract: extract.First(extract.Subdomain(base), extract.Header("X-Tenant-ID"), extract.Query("tenant"))}
}

// combinedCases are about several extractors together.
var combinedCases = []testCase{
	{
		name: "first", rule: "extract.First takes the first place that names a tenant",
		check: func(e *env) {
			s := e.admitting(byPrecedence(), whoami)
			e.wantTenant(s.get("/?tenant=rio", "Host: brazil.app.example.com", "X-Tenant-ID: stranger"), "brazil")
			e.wantTenant(s.get("/?tenant=rio", "Host: "+base, "X-Tenant-ID: stranger"), "stranger")
			e.wantTenant(s.get("/?tenant=rio", "Host: "+base), "rio")
			e.wantRefusal(s.get("/", "Host: "+base), core.ErrMissingTenant)
		},
	},
	{
		name: "first_is_final", rule: "what is no good in the first place does not give way to the second",
		check: func(e *env) {
			s := e.admitting(byPrecedence(), whoami)
			e.wantRefusal(s.get("/?tenant=rio", "Host: a.b.app.example.com", asBrazil), core.ErrTenantRefInvalid)
			e.wantRefusal(s.get("/?tenant=rio", "Host: nobody.app.example.com", asBrazil), core.ErrTenantNotFound)
			e.wantRefusal(s.get("/?tenant=rio", "Host: "+base, "X-Tenant-ID: a,b"), core.ErrTenantRefInvalid)
			e.wantRefusal(s.get("/?tenant=rio", "Host: "+base, asBrazil, asBrazil), core.ErrTenantAmbiguous)
		},
	},
	{
		name: "agree", rule: "extract.Agree wants all places that name a tenant to mean the same one, by id or slug",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Agree(extract.Query("tenant"), extract.Header("X-Tenant-ID"))}, whoami)
			e.wantTenant(s.get("/?tenant="+brazilID, asBrazil), "brazil")
			e.wantTenant(s.get("/?tenant=brazil"), "brazil")
			e.wantTenant(s.get("/", asBrazil), "brazil")
			e.wantRefusal(s.get("/?tenant=rio", asBrazil), core.ErrTenantAmbiguous)
			e.wantRefusal(s.get("/?tenant=nobody", asBrazil), core.ErrTenantNotFound)
		},
	},
	{
		name: "within", rule: "extract.Within lets a caller choose inside its own subtree, and nowhere else",
		check: func(e *env) {
			// The cookie stands for a session that an earlier middleware has verified.
			cfg := Config{Extract: extract.Within(extract.Cookie("session"), extract.Header("X-Tenant-ID"))}
			s := e.admitting(cfg, whoami)
			e.wantTenant(s.get("/", "Cookie: session=brazil"), "brazil")
			e.wantTenant(s.get("/", "Cookie: session=brazil", "X-Tenant-ID: rio"), "rio")
			e.wantTenant(s.get("/", "Cookie: session=north_star", "X-Tenant-ID: "+rioID), "rio")
			e.wantRefusal(s.get("/", "Cookie: session=brazil", "X-Tenant-ID: stranger"), core.ErrTenantForbidden)
			e.wantRefusal(s.get("/", "Cookie: session=brazil", "X-Tenant-ID: north_star"), core.ErrTenantForbidden)
			e.wantRefusal(s.get("/", "Cookie: session=sleeper", "X-Tenant-ID: rio"), core.ErrTenantSuspended)
			e.wantRefusal(s.get("/", "X-Tenant-ID: rio"), core.ErrTenantForbidden)
		},
	},
}
