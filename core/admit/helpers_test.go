package admit_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// config is what a middleware without an error handler of its own would take.
type config = admit.Config[func(error)]

var (
	northStar = &core.Tenant{ID: core.ID{1}, Slug: "north_star", Status: core.Active, Domains: []string{"north.example.org"}}
	brazil    = &core.Tenant{ID: core.ID{2}, Slug: "brazil", Status: core.Active, Ancestors: []core.ID{{1}}}
	rio       = &core.Tenant{ID: core.ID{3}, Slug: "rio", Status: core.Active, Ancestors: []core.ID{{1}, {2}}}
	stranger  = &core.Tenant{ID: core.ID{4}, Slug: "stranger", Status: core.Active}
	suspended = &core.Tenant{ID: core.ID{5}, Slug: "suspended", Status: core.Suspended, Ancestors: []core.ID{{1}}}
	archived  = &core.Tenant{ID: core.ID{6}, Slug: "archived", Status: core.Archived}
	limbo     = &core.Tenant{ID: core.ID{7}, Slug: "limbo"}
	exile     = &core.Tenant{ID: core.ID{8}, Slug: "exile", Status: core.Suspended}
)

func everybody() core.Resolver {
	return core.Static(northStar, brazil, rio, stranger, suspended, archived, limbo, exile)
}

func resolving(t *core.Tenant, err error) core.Resolver {
	return core.ResolverFunc(func(context.Context, core.Ref) (*core.Tenant, error) { return t, err })
}

// selects is an extractor with a fixed answer.
func selects(s core.Selection) core.Extractor {
	return func(core.Request) (core.Selection, error) { return s, nil }
}

func slug(s string) core.Ref { return core.BySlug(s) }

// request names tenants in the default header.
func request(values ...string) core.Request {
	r := httptest.NewRequest("GET", "http://example.com/", nil)
	for _, v := range values {
		r.Header.Add(admit.DefaultHeader, v)
	}
	return admit.HTTP(r)
}

// silent keeps a test's log to itself.
func silent(cfg config) config {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// logTo returns a logger, and what it has written.
func logTo() (*slog.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	return slog.New(slog.NewTextHandler(&out, nil)), &out
}

// wantTenant checks that a request is admitted as the tenant.
func wantTenant(t *testing.T, a *admit.Admission, ctx context.Context, req core.Request, want *core.Tenant) {
	t.Helper()
	got, err := a.Admit(ctx, req)
	if err != nil {
		t.Errorf("refused: %v", err)
		return
	}
	scope, err := core.ScopeFrom(got)
	if err != nil || scope != (core.Scope{Mode: core.ModeTenant, Tenant: want.ID, Placement: want.Placement}) {
		t.Errorf("admitted with the scope %+v, %v; want tenant %s", scope, err, want.Slug)
	}
}

// wantRefusal checks the error, and that no context comes with it.
func wantRefusal(t *testing.T, a *admit.Admission, ctx context.Context, req core.Request, want error) {
	t.Helper()
	got, err := a.Admit(ctx, req)
	if !errors.Is(err, want) || err == nil {
		t.Errorf("error %v, want %v", err, want)
	}
	if got != nil {
		t.Error("a refusal comes with a context to go on with")
	}
}
