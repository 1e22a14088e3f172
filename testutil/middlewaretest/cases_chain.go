package middlewaretest

import (
	"errors"
	"strings"
	"sync"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// trail notes who saw which tenant, in order.
type trail struct {
	mu    sync.Mutex
	notes []string
}

func (t *trail) note(name string, x Exchange) {
	s := name + " " + strings.Clone(running(x))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.notes = append(t.notes, s)
}

// observer notes the tenant before and after what is behind it.
func (t *trail) observer(name string) Middleware {
	return around(func(x Exchange, next func() error) error {
		t.note(name+" before", x)
		err := next()
		t.note(name+" after", x)
		return err
	})
}

func (t *trail) handler(x Exchange) error { t.note("handler", x); return whoami(x) }

// want compares what was noted, and forgets it.
func (t *trail) want(e *env, want ...string) {
	e.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	if got := strings.Join(t.notes, ", "); got != strings.Join(want, ", ") {
		e.broken("\n got %s\nwant %s", got, strings.Join(want, ", "))
	}
	t.notes = nil
}

// chainCases are about other middlewares, groups and routes.
var chainCases = []testCase{
	{
		name: "middleware_behind", rule: "a middleware behind ours sees the tenant in the native context, before and after the handler",
		check: func(e *env) {
			var tr trail
			s := e.start(Setup{Root: Group{Use: []Middleware{admission(Config{}), tr.observer("behind")}}, Fallback: tr.handler})
			e.wantTenant(s.get("/", asBrazil), "brazil")
			tr.want(e, "behind before brazil", "handler brazil", "behind after brazil")
		},
	},
	{
		name: "middleware_in_front", rule: "a middleware in front of ours has its own context again once ours is through",
		check: func(e *env) {
			var tr trail
			s := e.start(Setup{Root: Group{Use: []Middleware{tr.observer("front"), admission(Config{})}}, Fallback: tr.handler})
			e.wantTenant(s.get("/", asBrazil), "brazil")
			tr.want(e, "front before none", "handler brazil", "front after none")
			e.wantRefusal(s.get("/", "X-Tenant-ID: nobody"), core.ErrTenantNotFound)
			tr.want(e, "front before none", "front after none")
		},
	},
	{
		name: "accessor_without_tenant", rule: "without a tenant, context and accessor say core.ErrNoTenant",
		check: func(e *env) {
			handle := func(x Exchange) error {
				_, err := core.FromContext(x.Context())
				_, mine := x.Tenant()
				if !errors.Is(err, core.ErrNoTenant) || !errors.Is(mine, core.ErrNoTenant) {
					e.broken("the context says %v, the accessor %v", err, mine)
				}
				return whoami(x)
			}
			e.wantTenant(e.admitting(Config{Optional: true}, handle).get("/"), "none")
			e.wantTenant(e.admitting(Config{Observe: true}, handle).get("/", "X-Tenant-ID: nobody"), "none")
			e.wantTenant(e.start(Setup{Fallback: handle}).get("/", asBrazil), "none")
		},
	},
	{
		name: "mounted_twice", rule: "an inner middleware replaces the tenant of an outer one, which is back afterwards",
		check: func(e *env) {
			var tr trail
			s := e.start(Setup{
				Root: Group{Use: []Middleware{
					tr.observer("front"), admission(Config{Extract: extract.Query("outer")}), tr.observer("between"), admission(Config{}),
				}},
				Fallback: tr.handler,
			})
			e.wantTenant(s.get("/?outer=stranger", asBrazil), "brazil")
			tr.want(e, "front before none", "between before stranger", "handler brazil", "between after stranger", "front after none")
			e.wantRefusal(s.get("/?outer=stranger"), core.ErrMissingTenant)
			tr.want(e, "front before none", "between before stranger", "between after stranger", "front after none")
		},
	},
	{
		name: "inner_without_tenant", rule: "an inner middleware that admits without a tenant does not leave the outer one's in place",
		check: func(e *env) {
			for _, inner := range []Config{{Optional: true}, {Observe: true}} {
				s := e.start(Setup{
					Root:     Group{Use: []Middleware{admission(Config{Extract: extract.Query("outer")}), admission(inner)}},
					Fallback: whoami,
				})
				e.wantTenant(s.get("/?outer=stranger"), "none")
			}
		},
	},
	{
		name: "groups", rule: "a middleware guards its group and the groups in it, and no others",
		check: func(e *env) {
			inner := Group{Prefix: "/deep", Routes: []Route{{Method: "GET", Path: "/{name}", Handle: whoami}}}
			s := e.start(Setup{Root: Group{
				Routes: []Route{{Method: "GET", Path: "/open", Handle: whoami}},
				Groups: []Group{
					{Prefix: "/api", Use: []Middleware{admission(Config{})}, Routes: []Route{{Method: "GET", Path: "/x", Handle: whoami}}, Groups: []Group{inner}},
					{Prefix: "/public", Routes: []Route{{Method: "GET", Path: "/x", Handle: whoami}}},
				},
			}})
			for _, path := range []string{"/open", "/public/x"} {
				e.wantTenant(s.get(path, asBrazil), "none")
			}
			for _, path := range []string{"/api/x", "/api/deep/y"} {
				e.wantTenant(s.get(path, asBrazil), "brazil")
				e.wantRefusal(s.get(path), core.ErrMissingTenant)
			}
		},
	},
	{
		name: "group_narrows", rule: "a middleware on an inner group replaces the tenant for that group alone",
		check: func(e *env) {
			byParam := admission(Config{Extract: extract.Param("tenant")})
			s := e.start(Setup{Root: Group{
				Use:    []Middleware{admission(Config{})},
				Routes: []Route{{Method: "GET", Path: "/x", Handle: whoami}},
				Groups: []Group{{
					Prefix: "/of",
					Routes: []Route{{Method: "GET", Path: "/{tenant}/x", Use: []Middleware{byParam}, Handle: whoami}},
				}},
			}})
			e.wantTenant(s.get("/x", "X-Tenant-ID: north_star"), "north_star")
			e.wantTenant(s.get("/of/rio/x", "X-Tenant-ID: north_star"), "rio")
			e.wantRefusal(s.get("/of/rio/x"), core.ErrMissingTenant)
			e.wantRefusal(s.get("/of/nobody/x", "X-Tenant-ID: north_star"), core.ErrTenantNotFound)
		},
	},
	{
		name: "no_route", rule: "what no route matches is 404 for admitted requests, and no way around the middleware",
		check: func(e *env) {
			s := e.start(Setup{Root: Group{Use: []Middleware{admission(Config{})}, Routes: []Route{{Method: "GET", Path: "/x", Handle: whoami}}}})
			e.wantTenant(s.get("/x", asBrazil), "brazil")
			if r := s.get("/y", asBrazil); r.status != 404 {
				e.broken("want 404, got %v", r)
			}
			for _, r := range []reply{s.get("/y"), s.get("/x/y"), s.get("/X"), s.get("/y", "X-Tenant-ID: nobody")} {
				e.wantUnserved(r)
			}
			e.wantUnserved(s.raw(request("DELETE", "/x", s.addr, asBrazil)))
		},
	},
}
