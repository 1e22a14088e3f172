package middlewaretest

import (
	"encoding/json"
	"log/slog"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// admission is the middleware under test. Where the case does not look at its log, it
// has none.
func admission(cfg Config) Middleware {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return Middleware{Admit: &cfg}
}

// around is a middleware of the application.
func around(f func(x Exchange, next func() error) error) Middleware { return Middleware{Around: f} }

// whoami answers with the slug of the tenant that it runs as, or "none".
func whoami(x Exchange) error { return x.Send(200, []byte(running(x))) }

// running names the tenant of the native context, as the accessor must too.
func running(x Exchange) string {
	t, err := core.FromContext(x.Context())
	mine, mineErr := x.Tenant()
	switch {
	case (err == nil) != (mineErr == nil):
		return "one of the context and the accessor has a tenant"
	case err != nil:
		return "none"
	case t.ID != mine.ID || t.Slug != mine.Slug:
		return "one tenant in the context and another from the accessor"
	}
	return t.Slug
}

// wantTenant wants an answer of whoami; "none" for a handler without a tenant.
func (e *env) wantTenant(r reply, slug string) {
	e.Helper()
	if r.status != 200 || r.body != slug {
		e.broken("want the answer of a handler that runs as %s, got %v", slug, r)
	}
}

// wantRefusal wants the error envelope for the code of want.
func (e *env) wantRefusal(r reply, want *core.Error) {
	e.Helper()
	var got struct {
		Error struct {
			Code    core.Code      `json:"code"`
			Message string         `json:"message"`
			Details map[string]any `json:"details"`
		} `json:"error"`
	}
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	err := d.Decode(&got)
	if err != nil || d.More() || r.status != want.Code.Status() || got.Error.Code != want.Code || got.Error.Message == "" {
		e.broken("want %d with the envelope of %s, got %v", want.Code.Status(), want.Code, r)
		return
	}
	if kind := r.header.Get("Content-Type"); kind != "application/json; charset=utf-8" {
		e.broken("a refusal is JSON, not %q", kind)
	}
	if cache := r.header["Cache-Control"]; len(cache) != 1 || cache[0] != "no-store" {
		e.broken("a refusal is not to be stored, and says Cache-Control: %q", cache)
	}
}

// wantTenantOrRefusal is for requests that a framework or server may refuse by
// itself: the tenant that is named, a refusal or a redirection, but nothing else.
func (e *env) wantTenantOrRefusal(r reply, slug string) {
	e.Helper()
	if r.status != 200 || r.body != slug {
		e.wantUnserved(r)
	}
}

// wantUnserved wants a refusal of the request, whoever refuses it: the parser, the
// router, or the middleware. A redirection counts too: what it leads to is another
// request.
func (e *env) wantUnserved(r reply) {
	e.Helper()
	if r.status >= 500 || r.status > 0 && r.status < 300 {
		e.broken("want a refusal, got %v", r)
	}
}
