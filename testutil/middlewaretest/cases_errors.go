package middlewaretest

import (
	"errors"
	"strings"
	"sync/atomic"

	"github.com/stratum-hq/stratum-go/core"
)

// errorHandlerCases are about whoever answers in place of the middleware.
var errorHandlerCases = []testCase{
	{
		name: "on_error", rule: "OnError gets the error and answers alone, Cache-Control: no-store being set already",
		check: func(e *env) {
			s := e.admitting(Config{OnError: func(x Exchange, err error) error {
				var ours *core.Error
				if !errors.As(err, &ours) {
					e.broken("OnError got %v, which has no code", err)
					return x.Send(500, nil)
				}
				return x.Send(418, []byte("mine: "+string(ours.Code)))
			}}, whoami)
			r := s.get("/", "X-Tenant-ID: nobody")
			if r.status != 418 || r.body != "mine: TENANT_NOT_FOUND" || r.header.Get("Cache-Control") != "no-store" {
				e.broken("want the answer of OnError, got %v", r)
			}
			e.wantTenant(s.get("/", asBrazil), "brazil")
		},
	},
	{
		name: "on_error_headers", rule: "what OnError says about caches and content wins",
		check: func(e *env) {
			s := e.admitting(Config{OnError: func(x Exchange, _ error) error {
				x.SetHeader("Cache-Control", "max-age=1")
				x.SetHeader("Content-Type", "text/x-mine")
				return x.Send(404, []byte("mine"))
			}}, whoami)
			r := s.get("/")
			if r.status != 404 || r.header.Get("Cache-Control") != "max-age=1" || r.header.Get("Content-Type") != "text/x-mine" {
				e.broken("want the headers of OnError, got %v", r)
			}
		},
	},
	{
		name: "on_error_tenantless", rule: "OnError runs with the context of the request as it was, without the tenant that was refused",
		check: func(e *env) {
			s := e.admitting(Config{OnError: func(x Exchange, _ error) error { return whoami(x) }}, whoami)
			for _, slug := range []string{"sleeper", "nobody", "a,b"} {
				e.wantTenant(s.get("/", "X-Tenant-ID: "+slug), "none")
			}
		},
	},
	{
		name: "default_answer_is_final", rule: "a refusal has one answer: no error handler of the framework adds a second one",
		check: func(e *env) {
			var central atomic.Int64
			s := e.start(Setup{
				Root: Group{Use: []Middleware{admission(Config{})}}, Fallback: whoami,
				Central: func(x Exchange, err error) {
					central.Add(1)
					_ = x.Send(500, []byte(" central"))
				},
			})
			r := s.get("/", "X-Tenant-ID: nobody")
			e.wantRefusal(r, core.ErrTenantNotFound)
			if n := central.Load(); n > 0 || strings.Contains(r.body, "central") {
				e.broken("the central error handler was asked %d times: %v", n, r)
			}
		},
	},
	{
		name: "on_error_to_central", rule: "an error that OnError returns reaches the framework's central error handler, with its code",
		needs: []Capability{CentralErrors},
		check: func(e *env) {
			s := e.start(Setup{
				Root:     Group{Use: []Middleware{admission(Config{OnError: func(_ Exchange, err error) error { return err }})}},
				Fallback: whoami, Central: central,
			})
			if r := s.get("/", "X-Tenant-ID: nobody"); r.status != 417 || r.body != "TENANT_NOT_FOUND" {
				e.broken("want the answer of the central error handler, got %v", r)
			}
		},
	},
	{
		name: "handler_to_central", rule: "an error that a handler returns passes through the middleware as it is",
		needs: []Capability{CentralErrors},
		check: func(e *env) {
			s := e.start(Setup{
				Root:     Group{Use: []Middleware{admission(Config{})}},
				Fallback: func(Exchange) error { return core.ErrTenantMismatch }, Central: central,
			})
			if r := s.get("/", asBrazil); r.status != 417 || r.body != "TENANT_MISMATCH" {
				e.broken("want the answer of the central error handler, got %v", r)
			}
		},
	},
}

// central answers with the code of the error.
func central(x Exchange, err error) {
	var ours *core.Error
	code := "no code"
	if errors.As(err, &ours) {
		code = string(ours.Code)
	}
	_ = x.Send(417, []byte(code))
}
