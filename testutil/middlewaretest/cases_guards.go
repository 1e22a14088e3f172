package middlewaretest

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/stratum-hq/stratum-go/core"
)

// grants answers for permissions and scopes: the tenant brazil has "read", "broken"
// cannot be found out, and "gone" ends in an error of ours.
type grants struct{ asked *atomic.Int64 }

func (g grants) HasPermission(ctx context.Context, key string) (bool, error) {
	g.asked.Add(1)
	switch key {
	case "broken":
		return true, errors.New(secret)
	case "gone":
		return true, core.ErrResolverDown.Wrap(errors.New(secret))
	}
	t, err := core.FromContext(ctx)
	return err == nil && t.Slug == "brazil" && key == "read", nil
}

func (g grants) HasScope(ctx context.Context, scope string) (bool, error) {
	return g.HasPermission(ctx, scope)
}

// guarded serves /p/KEY and /s/KEY behind the guard for the key, and counts what is served.
func (e *env) guarded(onError func(Exchange, error) error, use ...Middleware) (s *service, asked, served *atomic.Int64) {
	e.Helper()
	asked, served = new(atomic.Int64), new(atomic.Int64)
	root := Group{Use: use}
	for _, key := range []string{"read", "write", "broken", "gone"} {
		handle := func(x Exchange) error { served.Add(1); return whoami(x) }
		permission := Middleware{Permission: &Permission{Of: grants{asked}, Key: key, OnError: onError}}
		scope := Middleware{Scope: &Scope{Of: grants{asked}, Name: key, OnError: onError}}
		root.Routes = append(root.Routes,
			Route{Method: "GET", Path: "/p/" + key, Use: []Middleware{permission}, Handle: handle},
			Route{Method: "GET", Path: "/s/" + key, Use: []Middleware{scope}, Handle: handle})
	}
	return e.start(Setup{Root: root}), asked, served
}

// guardCases are about RequirePermission and RequireScope.
var guardCases = []testCase{
	{
		name: "guard_allows", rule: "a guard asks with the context that admission made, and serves whoever has what it requires",
		check: func(e *env) {
			s, asked, _ := e.guarded(nil, admission(Config{}))
			e.wantTenant(s.get("/p/read", asBrazil), "brazil")
			e.wantTenant(s.get("/s/read", asBrazil), "brazil")
			if n := asked.Load(); n != 2 {
				e.broken("two guards asked %d times", n)
			}
		},
	},
	{
		name: "guard_denies", rule: "whoever lacks what a guard requires is 403 FORBIDDEN and not served",
		check: func(e *env) {
			s, _, served := e.guarded(nil, admission(Config{}))
			for _, path := range []string{"/p/", "/s/"} {
				e.wantRefusal(s.get(path+"write", asBrazil), core.ErrForbidden)
				e.wantRefusal(s.get(path+"read", "X-Tenant-ID: stranger"), core.ErrForbidden)
			}
			if n := served.Load(); n > 0 {
				e.broken("%d of the denied requests were served", n)
			}
		},
	},
	{
		name: "guard_error", rule: "a guard that gets an error for an answer refuses, and keeps the cause here",
		check: func(e *env) {
			s, _, served := e.guarded(nil, admission(Config{}))
			for _, path := range []string{"/p/", "/s/"} {
				e.wantSecretKept(s.get(path+"broken", asBrazil), core.ErrInternal)
				e.wantSecretKept(s.get(path+"gone", asBrazil), core.ErrResolverDown)
			}
			if n := served.Load(); n > 0 {
				e.broken("%d of the refused requests were served", n)
			}
		},
	},
	{
		name: "guard_without_tenant", rule: "a permission guard refuses a request without a tenant with 400 MISSING_TENANT, and asks nobody",
		check: func(e *env) {
			for _, use := range [][]Middleware{nil, {admission(Config{Optional: true})}, {admission(Config{Observe: true})}} {
				s, asked, served := e.guarded(nil, use...)
				e.wantRefusal(s.get("/p/read"), core.ErrMissingTenant)
				e.wantRefusal(s.get("/s/read"), core.ErrForbidden)
				if asked.Load() != 1 || served.Load() != 0 {
					e.broken("asked %d times, want once, for the scope; served %d times", asked.Load(), served.Load())
				}
			}
		},
	},
	{
		name: "guard_on_error", rule: "the OnError of a guard answers in place of it, Cache-Control: no-store being set already",
		check: func(e *env) {
			s, _, _ := e.guarded(func(x Exchange, err error) error {
				if !errors.Is(err, core.ErrForbidden) {
					e.broken("OnError of a guard got %v", err)
				}
				return x.Send(418, []byte("mine"))
			}, admission(Config{}))
			for _, path := range []string{"/p/write", "/s/write"} {
				if r := s.get(path, asBrazil); r.status != 418 || r.body != "mine" || r.header.Get("Cache-Control") != "no-store" {
					e.broken("want the answer of OnError, got %v", r)
				}
			}
			e.wantRefusal(s.get("/p/write"), core.ErrMissingTenant)
		},
	},
}
