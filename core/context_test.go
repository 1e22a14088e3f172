package core_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

var nilContext context.Context

func acme() *core.Tenant {
	return &core.Tenant{
		ID: core.MustParseID(canonical), Slug: "acme", Name: "Acme", Status: core.Active,
		Ancestors: []core.ID{{1}, {2}}, Domains: []string{"acme.example.org"},
		Placement: core.Placement{Strategy: core.SchemaPerTenant, Schema: "t_acme"},
	}
}

func mustScope(t *testing.T, ctx context.Context) core.Scope {
	t.Helper()
	s, err := core.ScopeFrom(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantNone(t *testing.T, ctx context.Context) {
	t.Helper()
	if _, err := core.ScopeFrom(ctx); !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("ScopeFrom: %v", err)
	}
	if _, err := core.FromContext(ctx); !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("FromContext: %v", err)
	}
	if _, err := core.TenantID(ctx); !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("TenantID: %v", err)
	}
}

func TestNoTenant(t *testing.T) {
	inner := core.NewContext(t.Context(), acme())
	for name, ctx := range map[string]context.Context{
		"nil":                      nil,
		"background":               context.Background(),
		"nil tenant":               core.NewContext(t.Context(), nil),
		"zero id":                  core.NewContext(t.Context(), &core.Tenant{Slug: "acme", Status: core.Active}),
		"nil tenant over one":      core.NewContext(inner, nil),
		"zero id over one":         core.NewContext(inner, &core.Tenant{}),
		"nil tenant over system":   core.NewContext(core.System(inner, "why"), nil),
		"subtree of nothing":       core.Subtree(t.Context()),
		"detached nothing":         core.Detach(t.Context()),
		"detached nil":             core.Detach(nilContext),
		"detached shadowed tenant": core.Detach(core.NewContext(inner, nil)),
		"subtree of shadowed":      core.Subtree(core.NewContext(inner, nil)),
	} {
		t.Run(name, func(t *testing.T) { wantNone(t, ctx) })
	}
}

func TestHasScope(t *testing.T) {
	if core.HasScope(context.Background()) || core.HasScope(nilContext) {
		t.Error("a plain context says something")
	}
	for _, ctx := range []context.Context{
		core.NewContext(t.Context(), acme()), core.NewContext(t.Context(), nil),
		core.System(t.Context(), ""), core.Subtree(t.Context()),
	} {
		if !core.HasScope(ctx) {
			t.Errorf("%v says nothing: a transaction would inherit", ctx)
		}
	}
}

func TestModes(t *testing.T) {
	base := core.NewContext(t.Context(), acme())
	own := core.Scope{Mode: core.ModeTenant, Tenant: acme().ID, Placement: acme().Placement}
	if got := mustScope(t, base); got != own {
		t.Errorf("scope %+v", got)
	}
	sub := core.Subtree(base)
	if got := mustScope(t, sub); got.Mode != core.ModeSubtree || got.Tenant != own.Tenant || got.Placement != own.Placement {
		t.Errorf("scope of Subtree %+v", got)
	}
	sys := core.System(sub, "month-end report")
	if got := mustScope(t, sys); got != (core.Scope{Mode: core.ModeSystem, Reason: "month-end report"}) {
		t.Errorf("scope of System %+v", got)
	}
	for _, ctx := range []context.Context{sub, sys, core.Subtree(sys), core.Detach(sys)} {
		got, err := core.FromContext(ctx)
		if err != nil || got.ID != own.Tenant || got.Placement != own.Placement || got.Slug != "acme" {
			t.Errorf("the tenant did not stay visible: %v, %v", got, err)
		}
	}
	if got := mustScope(t, core.Subtree(sys)); got.Mode != core.ModeSubtree || got.Tenant != own.Tenant {
		t.Errorf("scope of Subtree under System %+v", got)
	}
	if got := mustScope(t, core.NewContext(sys, acme())); got != own {
		t.Errorf("NewContext left something of System: %+v", got)
	}
	if _, err := core.ScopeFrom(core.System(base, "")); !errors.Is(err, core.ErrSystemReason) {
		t.Errorf("System without a reason: %v", err)
	}
	if _, err := core.FromContext(core.System(t.Context(), "why")); !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("System made up a tenant: %v", err)
	}
}

func TestModeString(t *testing.T) {
	for mode, want := range map[core.Mode]string{
		0: "none", core.ModeTenant: "tenant", core.ModeSubtree: "subtree", core.ModeSystem: "system", 9: "none",
	} {
		if mode.String() != want {
			t.Errorf("mode %d is %q", mode, mode)
		}
	}
}

func TestInnerContextsKeepTheScope(t *testing.T) {
	type k struct{}
	ctx, cancel := context.WithCancel(context.WithValue(core.NewContext(t.Context(), acme()), k{}, 1))
	defer cancel()
	if id, err := core.TenantID(ctx); err != nil || id != acme().ID {
		t.Errorf("TenantID = %v, %v", id, err)
	}
	if ctx.Value(k{}) != 1 {
		t.Error("a value was lost")
	}
}

// What was checked at admission holds, whatever is done to tenants afterwards.
func TestMutationChangesNothing(t *testing.T) {
	original := acme()
	ctx := core.NewContext(t.Context(), original)
	spoil := func(t *core.Tenant) {
		t.ID = core.ID{9}
		t.Placement = core.Placement{Strategy: core.DatabasePerTenant, Database: "theirs"}
	}
	handed, err := core.FromContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	spoil(handed)
	handed.Ancestors[0], handed.Domains[0], handed.Slug = core.ID{9}, "evil", "evil"
	if original.Ancestors[0] != (core.ID{1}) || original.Domains[0] != "acme.example.org" || original.Slug != "acme" {
		t.Error("what FromContext returned shares memory with the original")
	}
	spoil(original)
	for name, c := range map[string]context.Context{
		"itself": ctx, "system": core.System(ctx, "why"), "subtree": core.Subtree(ctx),
		"detached": core.Detach(ctx), "subtree of system": core.Subtree(core.System(ctx, "why")),
	} {
		got, err := core.FromContext(c)
		if err != nil || got.ID != acme().ID || got.Placement != acme().Placement {
			t.Errorf("%s: FromContext = %+v, %v", name, got, err)
		}
		if id, err := core.TenantID(c); err != nil || id != acme().ID {
			t.Errorf("%s: TenantID = %v, %v", name, id, err)
		}
		if s := mustScope(t, c); s.Mode != core.ModeSystem && (s.Tenant != acme().ID || s.Placement != acme().Placement) {
			t.Errorf("%s: scope %+v", name, s)
		}
	}
}

func TestDetach(t *testing.T) {
	type k struct{}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), k{}, "recycled"))
	detached := core.Detach(core.Subtree(core.NewContext(ctx, acme())))
	cancel()
	if detached.Err() != nil || detached.Done() != nil {
		t.Error("a detached context was cancelled with its request")
	}
	if detached.Value(k{}) != nil {
		t.Error("a detached context kept a value")
	}
	if s := mustScope(t, detached); s.Mode != core.ModeSubtree || s.Tenant != acme().ID {
		t.Errorf("a detached context has the scope %+v", s)
	}
}

func TestNilParentPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"NewContext": func() { core.NewContext(nilContext, acme()) },
		"no tenant":  func() { core.NewContext(nilContext, nil) },
		"System":     func() { core.System(nilContext, "why") },
		"Subtree":    func() { core.Subtree(nilContext) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if p, _ := recover().(string); !strings.Contains(p, "nil") {
					t.Errorf("panicked with %q", p)
				}
			}()
			f()
		})
	}
}

func TestContextString(t *testing.T) {
	type k struct{}
	ctx := core.NewContext(context.WithValue(context.Background(), k{}, map[string]string{"password": "hunter2"}), acme())
	got := fmt.Sprintf("%v %+v %s", ctx, ctx, core.System(ctx, "why"))
	if strings.Contains(got, "hunter2") || !strings.Contains(got, "Scope(tenant "+canonical+")") || !strings.Contains(got, "Scope(system)") {
		t.Errorf("the context prints as %s", got)
	}
}

func TestLookupsAllocateNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(core.NewContext(t.Context(), acme()))
	defer cancel()
	if n := testing.AllocsPerRun(100, func() {
		_, _ = core.ScopeFrom(ctx)
		_, _ = core.TenantID(ctx)
		_ = core.HasScope(ctx)
	}); n != 0 {
		t.Errorf("ScopeFrom, TenantID and HasScope allocate %v times", n)
	}
	tenant := acme()
	if n := testing.AllocsPerRun(100, func() { ctx = core.NewContext(context.Background(), tenant) }); n != 1 {
		t.Errorf("NewContext allocates %v times", n)
	}
}

func BenchmarkScopeFrom(b *testing.B) {
	ctx, cancel := context.WithCancel(core.NewContext(b.Context(), acme()))
	defer cancel()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = core.ScopeFrom(ctx)
	}
}

func TestReadOnly(t *testing.T) {
	ctx := core.NewContext(context.Background(), acme())
	only := core.ReadOnly(ctx)
	s := mustScope(t, only)
	if !s.ReadOnly || s.Tenant != acme().ID || s.Mode != core.ModeTenant || mustScope(t, ctx).ReadOnly {
		t.Errorf("%+v", s)
	}
	if !mustScope(t, core.Detach(only)).ReadOnly || !mustScope(t, core.Subtree(only)).ReadOnly || mustScope(t, core.NewContext(only, acme())).ReadOnly {
		t.Error("what derives from the tenant stays, another tenant starts anew")
	}
	if nothing := core.ReadOnly(context.Background()); core.HasScope(nothing) {
		t.Error("a context that says nothing says something")
	}
}
