package middlewaretest

import (
	"context"
	"errors"
	"strings"
	"sync"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// resellers lets a tenant run as those below it.
func resellers(_ context.Context, _ core.Request, caller, target *core.Tenant) error {
	if !target.Within(caller.ID) {
		return errors.New(secret)
	}
	return nil
}

// asWhom answers with the tenant that it runs as, and on whose behalf.
func asWhom(x Exchange) error {
	answer := running(x)
	if caller, ok := core.Caller(x.Context()); ok {
		answer += " for " + caller.Slug
	}
	return x.Send(200, []byte(answer))
}

// impersonating lets resellers run as their customers.
func impersonating() Config {
	return Config{Impersonate: &admit.Impersonation{Authorize: resellers}}
}

// impersonationCases are about callers who run as another tenant.
var impersonationCases = []testCase{
	{
		name: "impersonation", rule: "a caller who may runs as the tenant that the header names, by slug or id, and is kept beside it",
		check: func(e *env) {
			s := e.admitting(impersonating(), asWhom)
			e.wantTenant(s.get("/", "X-Tenant-ID: north_star"), "north_star")
			e.wantTenant(s.get("/", "X-Tenant-ID: north_star", "X-Impersonate-Tenant: rio"), "rio for north_star")
			e.wantTenant(s.get("/", asBrazil, "X-Impersonate-Tenant: "+rioID), "rio for brazil")
			e.wantTenant(s.get("/", asBrazil, "X-Impersonate-Tenant: "+brazilID), "brazil")
		},
	},
	{
		name: "impersonation_off", rule: "where impersonation is not configured its header means nothing",
		check: func(e *env) {
			s := e.admitting(Config{}, asWhom)
			e.wantTenant(s.get("/", "X-Tenant-ID: north_star", "X-Impersonate-Tenant: rio"), "north_star")
			e.wantRefusal(s.get("/", "X-Impersonate-Tenant: rio"), core.ErrMissingTenant)
		},
	},
	{
		name: "impersonation_denied", rule: "a target that the caller may not run as, and one that does not exist, are 403 IMPERSONATION_DENIED alike",
		check: func(e *env) {
			s := e.admitting(impersonating(), asWhom)
			denied := s.get("/", "X-Tenant-ID: north_star", "X-Impersonate-Tenant: stranger")
			e.wantSecretKept(denied, core.ErrImpersonationDenied)
			unknown := s.get("/", "X-Tenant-ID: north_star", "X-Impersonate-Tenant: nobody")
			if unknown.body != denied.body || unknown.status != denied.status {
				e.broken("callers can tell who exists: %v and %v", denied, unknown)
			}
			e.wantRefusal(s.get("/", asBrazil, "X-Impersonate-Tenant: north_star"), core.ErrImpersonationDenied)
			e.wantRefusal(s.get("/", "X-Impersonate-Tenant: rio"), core.ErrMissingTenant)
			e.wantRefusal(s.get("/", "X-Tenant-ID: sleeper", "X-Impersonate-Tenant: rio"), core.ErrTenantSuspended)
		},
	},
	{
		name: "impersonation_malformed", rule: "a target that comes twice or can be no tenant is refused, and does not pass for none",
		check: func(e *env) {
			s := e.admitting(impersonating(), asWhom)
			own := "X-Tenant-ID: north_star"
			e.wantRefusal(s.get("/", own, "X-Impersonate-Tenant: rio", "X-Impersonate-Tenant: rio"), core.ErrTenantAmbiguous)
			for _, value := range []string{"rio,brazil", "", "Rio", "rio%00"} {
				e.wantRefusal(s.get("/", own, "X-Impersonate-Tenant: "+value), core.ErrTenantRefInvalid)
			}
		},
	},
	{
		name: "impersonation_notified", rule: "each impersonation is notified before it is served, and logged; a denied one is not",
		check: func(e *env) {
			var mu sync.Mutex
			var trail []string
			note := func(s string) { mu.Lock(); defer mu.Unlock(); trail = append(trail, s) }
			log, out := record()
			s := e.admitting(Config{Logger: log, Impersonate: &admit.Impersonation{
				Header: "X-As", Authorize: resellers,
				Notify: func(ctx context.Context, caller, target *core.Tenant) {
					if id, err := core.TenantID(ctx); err != nil || id != target.ID {
						e.broken("Notify does not run as the target")
					}
					note(strings.Clone(caller.Slug + " as " + target.Slug))
				},
			}}, func(x Exchange) error { note("served"); return asWhom(x) })
			s.get("/", "X-Tenant-ID: north_star", "X-As: rio")
			s.get("/", "X-Tenant-ID: north_star", "X-As: stranger")
			s.get("/", "X-Tenant-ID: north_star", "X-As: north_star")
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(trail, ", "); got != "north_star as rio, served, served" {
				e.broken("it went: %s", got)
			}
			if n := strings.Count(out.String(), "impersonation"); n != 1 || !strings.Contains(out.String(), northStarID) {
				e.broken("want one line of log with the caller, got %s", out)
			}
		},
	},
}
