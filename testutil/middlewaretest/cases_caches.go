package middlewaretest

import (
	"net/http"
	"slices"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// varies lists the header names in all lines of Vary, in order and in one case.
func varies(h http.Header) []string {
	var names []string
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			names = append(names, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	slices.Sort(names)
	return names
}

func (e *env) wantVary(r reply, names ...string) {
	e.Helper()
	if got := varies(r.header); r.status != 200 || !slices.Equal(got, names) {
		e.broken("Vary is %q, want %q, in %v", got, names, r)
	}
}

func (e *env) wantCacheControl(r reply, want string) {
	e.Helper()
	if got := r.header["Cache-Control"]; r.status != 200 || len(got) != 1 || got[0] != want {
		e.broken("Cache-Control is %q, want %q once, in %v", got, want, r)
	}
}

// cacheCases are about what is said to caches.
var cacheCases = []testCase{
	{
		name: "vary", rule: "Vary names what the tenant depends on: three headers by default, those of Config.Vary if set, and that of impersonation",
		check: func(e *env) {
			e.wantVary(e.admitting(Config{}, whoami).get("/", asBrazil), "Authorization", "Cookie", "X-Tenant-Id")
			e.wantVary(e.admitting(Config{Vary: []string{"X-Org"}}, whoami).get("/", asBrazil), "X-Org")
			e.wantVary(e.admitting(Config{Vary: []string{}}, whoami).get("/", asBrazil))
			impersonating := Config{Vary: []string{"X-Org"}, Impersonate: &admit.Impersonation{Authorize: resellers}}
			e.wantVary(e.admitting(impersonating, whoami).get("/", asBrazil), "X-Impersonate-Tenant", "X-Org")
			e.wantVary(e.admitting(Config{Optional: true, Vary: []string{"X-Org"}}, whoami).get("/"), "X-Org")
		},
	},
	{
		name: "vary_of_others", rule: "Vary values of middlewares in front and of handlers stay beside ours, and do not pile up between requests",
		check: func(e *env) {
			front := around(func(x Exchange, next func() error) error { x.AddHeader("Vary", "Origin"); return next() })
			s := e.start(Setup{
				Root:     Group{Use: []Middleware{front, admission(Config{Vary: []string{"X-Org"}})}},
				Fallback: func(x Exchange) error { x.AddHeader("Vary", "Accept-Language"); return whoami(x) },
			})
			for range 3 {
				e.wantVary(s.get("/", asBrazil), "Accept-Language", "Origin", "X-Org")
			}
		},
	},
	{
		name: "cache_control", rule: "a response whose handler says nothing about caches is private, or what Config.CacheControl says",
		check: func(e *env) {
			e.wantCacheControl(e.admitting(Config{}, whoami).get("/", asBrazil), "private")
			e.wantCacheControl(e.admitting(Config{CacheControl: "private, max-age=5"}, whoami).get("/", asBrazil), "private, max-age=5")
			e.wantCacheControl(e.admitting(Config{Observe: true}, whoami).get("/"), "private")
		},
	},
	{
		name: "cache_control_of_others", rule: "the Cache-Control of a handler, or of a middleware in front, is not overwritten",
		check: func(e *env) {
			says := func(x Exchange) error { x.SetHeader("Cache-Control", "public, max-age=60"); return whoami(x) }
			s := e.admitting(Config{}, says)
			for range 2 {
				e.wantCacheControl(s.get("/", asBrazil), "public, max-age=60")
			}
			front := around(func(x Exchange, next func() error) error { x.SetHeader("Cache-Control", "no-cache"); return next() })
			s = e.start(Setup{Root: Group{Use: []Middleware{front, admission(Config{})}}, Fallback: whoami})
			e.wantCacheControl(s.get("/", asBrazil), "no-cache")
		},
	},
	{
		name: "refusals_not_stored", rule: "no refusal may be stored, whatever Config and middlewares in front say about caches",
		check: func(e *env) {
			front := around(func(x Exchange, next func() error) error { x.SetHeader("Cache-Control", "public"); return next() })
			s := e.start(Setup{
				Root:     Group{Use: []Middleware{front, admission(Config{CacheControl: "public, max-age=60"})}},
				Fallback: whoami,
			})
			e.wantRefusal(s.get("/"), core.ErrMissingTenant)
			e.wantRefusal(s.get("/", "X-Tenant-ID: nobody"), core.ErrTenantNotFound)
		},
	},
}
