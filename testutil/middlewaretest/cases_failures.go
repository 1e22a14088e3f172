package middlewaretest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// secret stands for what must never reach a client.
const secret = "hunter2 at 10.0.0.7:5432"

func failing(err error) core.Resolver {
	return core.ResolverFunc(func(context.Context, core.Ref) (*core.Tenant, error) { return nil, err })
}

// failureCases are about each way to be refused.
var failureCases = []testCase{
	{
		name: "missing", rule: "a request that names no tenant is 400 MISSING_TENANT",
		check: func(e *env) {
			e.wantRefusal(e.admitting(Config{}, whoami).get("/"), core.ErrMissingTenant)
		},
	},
	{
		name: "invalid", rule: "a reference that can be no tenant's is 400 TENANT_REF_INVALID",
		check: func(e *env) {
			s := e.admitting(Config{}, whoami)
			for _, value := range []string{"Brazil", "a-b", "../x", "00000000-0000-0000-0000-000000000000", "{" + brazilID + "}", "1brazil", "a b"} {
				e.wantRefusal(s.get("/", "X-Tenant-ID: "+value), core.ErrTenantRefInvalid)
			}
		},
	},
	{
		name: "ambiguous", rule: "a request that names several tenants is 400 TENANT_AMBIGUOUS",
		check: func(e *env) {
			s := e.admitting(Config{}, whoami)
			e.wantRefusal(s.get("/", asBrazil, "X-Tenant-ID: stranger"), core.ErrTenantAmbiguous)
		},
	},
	{
		name: "not_found", rule: "a tenant that does not exist is 404 TENANT_NOT_FOUND",
		check: func(e *env) {
			s := e.admitting(Config{}, whoami)
			e.wantRefusal(s.get("/", "X-Tenant-ID: nobody"), core.ErrTenantNotFound)
			e.wantRefusal(s.get("/", "X-Tenant-ID: "+core.NewID().String()), core.ErrTenantNotFound)
		},
	},
	{
		name: "suspended", rule: "a suspended tenant is 403 TENANT_SUSPENDED, by whatever name",
		check: func(e *env) {
			s := e.admitting(Config{}, whoami)
			e.wantRefusal(s.get("/", "X-Tenant-ID: sleeper"), core.ErrTenantSuspended)
			r := s.get("/", "X-Tenant-ID: "+sleeperID)
			e.wantRefusal(r, core.ErrTenantSuspended)
			if !strings.Contains(r.body, `"details":{"tenant_id":"`+sleeperID+`"}`) {
				e.broken("the details of the error are lost: %v", r)
			}
		},
	},
	{
		name: "archived", rule: "an archived tenant is 410 TENANT_ARCHIVED",
		check: func(e *env) {
			e.wantRefusal(e.admitting(Config{}, whoami).get("/", "X-Tenant-ID: relic"), core.ErrTenantArchived)
		},
	},
	{
		name: "forbidden", rule: "what the Authorize hook refuses is 403 TENANT_FORBIDDEN, and its reason stays here",
		check: func(e *env) {
			s := e.admitting(Config{Authorize: func(_ context.Context, r core.Request, t *core.Tenant) error {
				if user, _ := r.Header("X-User"); user == "ana" && t.Slug == "brazil" {
					return nil
				}
				return errors.New(secret)
			}}, whoami)
			e.wantTenant(s.get("/", asBrazil, "X-User: ana"), "brazil")
			e.wantSecretKept(s.get("/", asBrazil, "X-User: eve"), core.ErrTenantForbidden)
			e.wantSecretKept(s.get("/", "X-Tenant-ID: rio", "X-User: ana"), core.ErrTenantForbidden)
		},
	},
	{
		name: "unauthorized", rule: "an error of ours from a hook or an extractor keeps its code: 401 UNAUTHORIZED",
		check: func(e *env) {
			hook := func(context.Context, core.Request, *core.Tenant) error {
				return core.ErrUnauthorized.Wrap(errors.New(secret))
			}
			s := e.admitting(Config{Authorize: hook}, whoami)
			e.wantSecretKept(s.get("/", asBrazil), core.ErrUnauthorized)
			s = e.admitting(Config{Optional: true, Extract: func(core.Request) (core.Selection, error) {
				return core.Selection{}, core.ErrUnauthorized.Wrap(errors.New(secret))
			}}, whoami)
			e.wantSecretKept(s.get("/"), core.ErrUnauthorized)
		},
	},
	{
		name: "resolver_down", rule: "while tenants cannot be looked up it is 503 RESOLVER_UNAVAILABLE with Retry-After, and the cause stays here",
		check: func(e *env) {
			for want, err := range map[string]error{
				"1": errors.New(secret),
				"7": &core.Error{Code: core.ResolverDown, Message: secret, RetryAfter: 6500 * time.Millisecond, Details: map[string]any{"dsn": secret}},
			} {
				s := e.start(Setup{Resolver: failing(err), Root: Group{Use: []Middleware{admission(Config{})}}, Fallback: whoami})
				r := s.get("/", asBrazil)
				e.wantSecretKept(r, core.ErrResolverDown)
				if r.header.Get("Retry-After") != want {
					e.broken("Retry-After is %q, not %s seconds", r.header.Get("Retry-After"), want)
				}
			}
		},
	},
	{
		name: "internal", rule: "an error of no known code is 500 INTERNAL_SERVER_ERROR, and says nothing else",
		check: func(e *env) {
			liar := core.ResolverFunc(func(ctx context.Context, _ core.Ref) (*core.Tenant, error) {
				return everybody().Resolve(ctx, core.BySlug("stranger"))
			})
			extracted := func(core.Request) (core.Selection, error) { return core.Selection{}, errors.New(secret) }
			made := func(context.Context, core.Request, *core.Tenant) error {
				return &core.Error{Code: "MADE_UP", Message: secret}
			}
			for _, c := range []struct {
				resolver core.Resolver
				cfg      Config
			}{{liar, Config{}}, {nil, Config{Extract: extracted}}, {nil, Config{Authorize: made}}} {
				s := e.start(Setup{Resolver: c.resolver, Root: Group{Use: []Middleware{admission(c.cfg)}}, Fallback: whoami})
				e.wantSecretKept(s.get("/", "X-Tenant-ID: "+brazilID), core.ErrInternal)
			}
		},
	},
	{
		name: "problem_json", rule: "a client that accepts application/problem+json gets refusals in the form of RFC 9457",
		check: func(e *env) {
			s := e.admitting(Config{}, whoami)
			r := s.get("/", "X-Tenant-ID: sleeper", "Accept: text/html, application/problem+json;q=0.9")
			var p struct {
				Type, Title, Detail string
				Status              int
				Code                core.Code
			}
			if err := json.Unmarshal([]byte(r.body), &p); err != nil || r.status != 403 || p.Status != 403 || p.Type != "about:blank" ||
				p.Title != "Forbidden" || p.Detail == "" || p.Code != core.TenantSuspended {
				e.broken("want a problem details object, got %v", r)
			}
			if r.header.Get("Content-Type") != "application/problem+json" || r.header.Get("Cache-Control") != "no-store" {
				e.broken("want the headers of a problem, got %v", r)
			}
			e.wantRefusal(s.get("/", "X-Tenant-ID: sleeper", "Accept: application/problem+json;q=0"), core.ErrTenantSuspended)
			e.wantRefusal(s.get("/", "X-Tenant-ID: sleeper", "Accept: */*"), core.ErrTenantSuspended)
		},
	},
	{
		name: "values_not_repeated", rule: "a refusal does not repeat what stood in the wrong place: it may be a secret",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.First(extract.Header("Authorization"), extract.Cookie("sid"), extract.Query("key"))}, whoami)
			for _, r := range []reply{
				s.get("/", "Authorization: Bearer "+secret), s.get("/", "Cookie: sid="+strings.ReplaceAll(secret, " ", ".")), s.get("/?key=hunter2:x"),
			} {
				e.wantSecretKept(r, core.ErrTenantRefInvalid)
			}
		},
	},
	{
		name: "refused_is_not_served", rule: "nothing behind the middleware runs for a refused request",
		check: func(e *env) {
			var ran atomic.Int64
			behind := around(func(_ Exchange, next func() error) error { ran.Add(1); return next() })
			handle := func(x Exchange) error { ran.Add(1); return whoami(x) }
			s := e.start(Setup{Fallback: handle, Root: Group{
				Use:    []Middleware{admission(Config{}), behind},
				Routes: []Route{{Method: "GET", Path: "/x", Handle: handle}},
			}})
			for _, path := range []string{"/x", "/elsewhere"} {
				for _, header := range []string{"X-Tenant-ID: nobody", "X-Tenant-ID: sleeper", "X-Tenant-ID: a,b", "X-Nothing: x"} {
					if r := s.get(path, header); r.status < 400 {
						e.broken("want a refusal, got %v", r)
					}
				}
			}
			if n := ran.Load(); n > 0 {
				e.broken("handlers and middlewares behind it ran %d times", n)
			}
		},
	},
}

// wantSecretKept is wantRefusal with nothing in it that was meant for the log.
func (e *env) wantSecretKept(r reply, want *core.Error) {
	e.Helper()
	e.wantRefusal(r, want)
	if s := r.String(); strings.Contains(s, "hunter2") || strings.Contains(s, "10.0.0.7") {
		e.broken("the response tells what it must not: %v", r)
	}
}
