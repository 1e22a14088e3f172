package middlewaretest

import (
	"context"
	"sync/atomic"

	"github.com/stratum-hq/stratum-go/core"
)

// panicking panics for requests that ask for it.
func panicking(r core.Request) {
	if _, n := r.Header("X-Panic"); n > 0 {
		panic("boom")
	}
}

// optional is an admission that leaves nothing behind for a request without a tenant.
func optional(cfg Config) []Middleware {
	cfg.Optional = true
	return []Middleware{admission(cfg)}
}

// panicCases are about code of the application that panics.
var panicCases = []testCase{
	{
		name: "handler_panics", rule: "a panic of a handler ends its request alone, and leaves nothing of its tenant",
		check: func(e *env) {
			e.survives(Setup{Root: Group{Use: optional(Config{})}}, asBrazil, func(x Exchange) error {
				if x.RequestHeader("X-Panic") != "" {
					panic("boom")
				}
				return whoami(x)
			})
		},
	},
	{
		name: "hook_panics", rule: "a panic of the Authorize hook admits nobody, and ends its request alone",
		check: func(e *env) {
			e.survives(Setup{Root: Group{Use: optional(Config{Authorize: func(_ context.Context, r core.Request, _ *core.Tenant) error {
				panicking(r)
				return nil
			}})}}, asBrazil, whoami)
		},
	},
	{
		name: "extractor_panics", rule: "a panic of an extractor admits nobody, and ends its request alone",
		check: func(e *env) {
			e.survives(Setup{Root: Group{Use: optional(Config{Extract: func(r core.Request) (core.Selection, error) {
				panicking(r)
				name, _ := r.Header("X-Tenant-ID")
				if name == "" {
					return core.Selection{}, nil
				}
				return core.Selection{Ref: core.BySlug(name)}, nil
			}})}}, asBrazil, whoami)
		},
	},
	{
		name: "resolver_panics", rule: "a panic of the resolver admits nobody, and ends its request alone",
		check: func(e *env) {
			resolver := core.ResolverFunc(func(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
				if ref == core.BySlug("rio") {
					panic("boom")
				}
				return everybody().Resolve(ctx, ref)
			})
			e.survives(Setup{Resolver: resolver, Root: Group{Use: optional(Config{})}}, "X-Tenant-ID: rio", whoami)
		},
	},
	{
		name: "on_error_panics", rule: "a panic of OnError serves nobody, and ends its request alone",
		check: func(e *env) {
			cfg := Config{OnError: func(Exchange, error) error { panic("boom") }}
			e.survives(Setup{Root: Group{Use: optional(cfg)}}, "X-Tenant-ID: nobody", whoami)
		},
	},
	{
		name: "panic_passes", rule: "a middleware in front that recovers gets the very value of a panic",
		check: func(e *env) {
			boom := &struct{ int }{}
			var got atomic.Value
			front := around(func(x Exchange, next func() error) (err error) {
				defer func() {
					if v := recover(); v != nil {
						got.Store(v)
						err = x.Send(418, []byte("recovered"))
					}
				}()
				return next()
			})
			s := e.start(Setup{Root: Group{Use: []Middleware{front, admission(Config{})}}, Fallback: func(Exchange) error { panic(boom) }})
			if r := s.get("/", asBrazil); r.status != 418 || got.Load() != any(boom) {
				e.broken("it recovered %v, and the client got %v", got.Load(), r)
			}
		},
	},
}

// survives provokes panics between requests that must go well.
func (e *env) survives(setup Setup, provoke string, handle Handler) {
	e.Helper()
	setup.Fallback = handle
	s := e.start(setup)
	for range 5 {
		e.wantTenant(s.get("/", "X-Tenant-ID: stranger"), "stranger")
		if r := s.get("/", provoke, "X-Panic: yes"); r.status != 0 && r.status < 500 {
			e.broken("a request whose handling panicked is answered with %v", r)
		}
		e.wantTenant(s.get("/"), "none")
	}
}
