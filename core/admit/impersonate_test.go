package admit_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// headers is a request whose headers are given as pairs.
func headers(pairs ...string) core.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for i := 0; i < len(pairs); i += 2 {
		r.Header.Add(pairs[i], pairs[i+1])
	}
	return admit.HTTP(r)
}

// resellers may impersonate what lies below them.
func resellers(_ context.Context, _ core.Request, caller, target *core.Tenant) error {
	if !target.Within(caller.ID) {
		return errors.New("not below")
	}
	return nil
}

func TestImpersonation(t *testing.T) {
	log, out := logTo()
	var told []string
	a := admit.New(everybody(), config{Logger: log, Authorize: allow, Impersonate: &admit.Impersonation{
		Authorize: resellers,
		Notify: func(ctx context.Context, caller, target *core.Tenant) {
			if id, _ := core.TenantID(ctx); id != target.ID {
				t.Errorf("the context of Notify runs as %s", id)
			}
			told = append(told, caller.Slug+" as "+target.Slug)
			caller.ID, target.ID = core.ID{9}, core.ID{9}
		},
	}})
	ctx, err := a.Admit(t.Context(), headers("X-Tenant-ID", "north_star", "X-Impersonate-Tenant", "rio"))
	if err != nil {
		t.Fatal(err)
	}
	for _, ctx := range []context.Context{ctx, core.Detach(ctx), core.Subtree(ctx), core.System(ctx, "why")} {
		got, _ := core.FromContext(ctx)
		caller, ok := core.Caller(ctx)
		if got == nil || got.ID != rio.ID || !ok || caller.ID != northStar.ID {
			t.Errorf("runs as %+v on behalf of %+v", got, caller)
		}
	}
	if len(told) != 1 || told[0] != "north_star as rio" {
		t.Errorf("notified of %v", told)
	}
	if !strings.Contains(out.String(), "impersonation") || !strings.Contains(out.String(), rio.ID.String()) {
		t.Errorf("the log says %s", out)
	}
	for _, c := range []struct {
		caller string
		target []string
		want   error
	}{
		{"brazil", []string{"north_star"}, core.ErrImpersonationDenied},
		{"north_star", []string{"nobody"}, core.ErrImpersonationDenied},
		{"north_star", []string{"exile"}, core.ErrImpersonationDenied}, // not: suspended
		{"north_star", []string{"suspended"}, core.ErrTenantSuspended},
		{"north_star", []string{"rio", "rio"}, core.ErrTenantAmbiguous},
		{"north_star", []string{"a,b"}, core.ErrTenantRefInvalid},
		{"north_star", []string{""}, core.ErrTenantRefInvalid},
		{"suspended", []string{"rio"}, core.ErrTenantSuspended},
	} {
		pairs := []string{"X-Tenant-ID", c.caller}
		for _, v := range c.target {
			pairs = append(pairs, "X-Impersonate-Tenant", v)
		}
		wantRefusal(t, a, t.Context(), headers(pairs...), c.want)
	}
	own, err := a.Admit(t.Context(), headers("X-Tenant-ID", "rio", "X-Impersonate-Tenant", rio.ID.String()))
	if _, impersonates := core.Caller(own); err != nil || impersonates {
		t.Errorf("a tenant impersonates itself: %v", err)
	}
	if len(told) != 1 {
		t.Errorf("notified of %v", told)
	}
}

// Where nothing is configured, the header means nothing.
func TestImpersonationIsOffByDefault(t *testing.T) {
	a := admit.New(everybody(), silent(config{}))
	ctx, err := a.Admit(t.Context(), headers("X-Tenant-ID", "north_star", "X-Impersonate-Tenant", "rio"))
	if id, _ := core.TenantID(ctx); err != nil || id != northStar.ID {
		t.Errorf("runs as %s: %v", id, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("an Impersonation without Authorize was accepted")
		}
	}()
	admit.New(everybody(), config{Impersonate: &admit.Impersonation{}})
}

func TestImpersonationHook(t *testing.T) {
	for _, c := range []struct{ hook, want error }{
		{errors.New("x"), core.ErrImpersonationDenied},
		{core.ErrUnauthorized, core.ErrUnauthorized},
		{(*core.Error)(nil), core.ErrImpersonationDenied},
	} {
		a := admit.New(everybody(), silent(config{Impersonate: &admit.Impersonation{
			Header:    "x-as",
			Authorize: func(context.Context, core.Request, *core.Tenant, *core.Tenant) error { return c.hook },
		}}))
		wantRefusal(t, a, t.Context(), headers("X-Tenant-ID", "north_star", "X-As", "rio"), c.want)
	}
}
