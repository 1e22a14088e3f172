package admit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
	"github.com/stratum-hq/stratum-go/core/extract"
)

func TestZeroConfig(t *testing.T) {
	a := admit.New(everybody(), silent(config{}))
	ctx := t.Context()
	wantTenant(t, a, ctx, request("brazil"), brazil)
	wantTenant(t, a, ctx, request(brazil.ID.String()), brazil)
	wantRefusal(t, a, ctx, request(), core.ErrMissingTenant)
	wantRefusal(t, a, ctx, request(""), core.ErrMissingTenant)
	wantRefusal(t, a, ctx, request("brazil", "brazil"), core.ErrTenantAmbiguous)
	wantRefusal(t, a, ctx, request("brazil,rio"), core.ErrTenantRefInvalid)
	wantRefusal(t, a, ctx, request("nobody"), core.ErrTenantNotFound)
	wantRefusal(t, a, ctx, request(core.NewID().String()), core.ErrTenantNotFound)
	wantRefusal(t, a, ctx, request("suspended"), core.ErrTenantSuspended)
	wantRefusal(t, a, ctx, request("archived"), core.ErrTenantArchived)
	wantRefusal(t, a, ctx, request("limbo"), core.ErrTenantNotFound)
}

func TestNewPanicsOnNilResolver(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a nil resolver was accepted")
		}
	}()
	admit.New(nil, config{})
}

func TestAnOuterTenantIsReplaced(t *testing.T) {
	a := admit.New(everybody(), silent(config{}))
	for name, outer := range map[string]context.Context{
		"tenant":  core.NewContext(t.Context(), stranger),
		"subtree": core.Subtree(core.NewContext(t.Context(), stranger)),
		"system":  core.System(t.Context(), "outer"),
	} {
		t.Run(name, func(t *testing.T) {
			wantTenant(t, a, outer, request("brazil"), brazil)
			wantRefusal(t, a, outer, request(), core.ErrMissingTenant)
			for mode, cfg := range map[string]config{"optional": {Optional: true}, "observe": {Observe: true}} {
				ctx, err := admit.New(everybody(), silent(cfg)).Admit(outer, request())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := core.ScopeFrom(ctx); !errors.Is(err, core.ErrNoTenant) {
					t.Errorf("%s: a request without a tenant kept the outer scope", mode)
				}
			}
		})
	}
}

func TestSkip(t *testing.T) {
	asked := 0
	a := admit.New(everybody(), silent(config{
		Skip: func(r core.Request) bool { return r.Path() == "/" },
		Extract: func(core.Request) (core.Selection, error) {
			asked++
			return core.Selection{}, core.ErrTenantAmbiguous
		},
	}))
	outer := core.NewContext(t.Context(), stranger)
	if ctx, err := a.Admit(outer, request("brazil")); err != nil || ctx != outer || asked != 0 {
		t.Errorf("a skipped request: %v, %v, %d extractions", ctx, err, asked)
	}
}

func TestOptional(t *testing.T) {
	a := admit.New(everybody(), silent(config{Optional: true}))
	ctx := t.Context()
	if got, err := a.Admit(ctx, request()); err != nil || got != ctx {
		t.Errorf("a request without a tenant: %v, %v", got, err)
	}
	wantTenant(t, a, ctx, request("brazil"), brazil)
	wantRefusal(t, a, ctx, request("nobody"), core.ErrTenantNotFound)
	wantRefusal(t, a, ctx, request("a,b"), core.ErrTenantRefInvalid)
	wantRefusal(t, a, ctx, request("suspended"), core.ErrTenantSuspended)
	wantRefusal(t, a, ctx, request("", "brazil"), core.ErrTenantAmbiguous)
}

func TestObserve(t *testing.T) {
	log, out := logTo()
	a := admit.New(everybody(), config{Observe: true, Logger: log, Authorize: allow})
	wantTenant(t, a, t.Context(), request("brazil"), brazil)
	if out.Len() > 0 {
		t.Errorf("an admitted request was reported: %s", out)
	}
	for _, name := range []string{"nobody", "suspended", "a,b", ""} {
		out.Reset()
		ctx, err := a.Admit(t.Context(), request(name))
		if err != nil {
			t.Fatalf("%q was refused: %v", name, err)
		}
		if _, err := core.TenantID(ctx); !errors.Is(err, core.ErrNoTenant) {
			t.Errorf("%q got a tenant", name)
		}
		if !strings.Contains(out.String(), "would have been refused") {
			t.Errorf("%q was not reported: %s", name, out)
		}
	}
}

func allow(context.Context, core.Request, *core.Tenant) error { return nil }

func TestAuthorize(t *testing.T) {
	plain := errors.New("not a member")
	var slip *core.Error
	for _, c := range []struct {
		name string
		hook error
		want error
	}{
		{"plain error", plain, core.ErrTenantForbidden},
		{"plain error keeps its cause", plain, plain},
		{"core error", core.ErrUnauthorized, core.ErrUnauthorized},
		{"wrapped core error", fmt.Errorf("x: %w", core.ErrUnauthorized), core.ErrUnauthorized},
		{"nil pointer", slip, core.ErrTenantForbidden},
		{"cancellation", context.Canceled, core.ErrTenantForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := admit.New(everybody(), silent(config{Authorize: func(context.Context, core.Request, *core.Tenant) error { return c.hook }}))
			wantRefusal(t, a, t.Context(), request("brazil"), c.want)
		})
	}
	asked := false
	a := admit.New(everybody(), silent(config{Authorize: func(ctx context.Context, r core.Request, tenant *core.Tenant) error {
		asked = true
		if _, err := core.TenantID(ctx); err == nil {
			t.Error("the hook runs as a tenant that is not authorized yet")
		}
		if v, _ := r.Header(admit.DefaultHeader); v != tenant.Slug {
			t.Errorf("the hook is asked about %s for a request to %s", tenant.Slug, v)
		}
		return nil
	}}))
	wantTenant(t, a, t.Context(), request("brazil"), brazil)
	if !asked {
		t.Error("the hook was not asked")
	}
	asked = false
	wantRefusal(t, a, t.Context(), request("suspended"), core.ErrTenantSuspended)
	if asked {
		t.Error("the hook was asked about a suspended tenant")
	}
}

// A hook that spoils its tenant spoils neither the request's scope nor the resolver's copy.
func TestAuthorizeCannotCorrupt(t *testing.T) {
	owned := brazil.Clone()
	for name, resolver := range map[string]core.Resolver{"shared": everybody(), "owned": resolving(owned, nil)} {
		t.Run(name, func(t *testing.T) {
			a := admit.New(resolver, silent(config{Authorize: func(_ context.Context, _ core.Request, t *core.Tenant) error {
				t.ID, t.Slug, t.Placement.Schema, t.Ancestors[0] = stranger.ID, "evil", "theirs", core.ID{9}
				return nil
			}}))
			for range 2 {
				wantTenant(t, a, t.Context(), request("brazil"), brazil)
			}
			ctx, _ := a.Admit(t.Context(), request("brazil"))
			if got, err := core.FromContext(ctx); err != nil || got.Slug != "brazil" || got.Ancestors[0] != northStar.ID {
				t.Errorf("the hook corrupted %+v, %v", got, err)
			}
		})
	}
}

func TestAgree(t *testing.T) {
	for _, c := range []struct {
		name string
		sel  core.Selection
		want error
	}{
		{"slug and id of one", core.Selection{Ref: slug("brazil"), Also: []core.Ref{core.ByID(brazil.ID)}}, nil},
		{"id, slug, slug", core.Selection{Ref: core.ByID(brazil.ID), Also: []core.Ref{slug("brazil"), slug("brazil")}}, nil},
		{"domain and slug", core.Selection{Ref: core.ByDomain("north.example.org"), Also: []core.Ref{slug("north_star")}}, nil},
		{"two tenants", core.Selection{Ref: slug("brazil"), Also: []core.Ref{core.ByID(rio.ID)}}, core.ErrTenantAmbiguous},
		{"the last differs", core.Selection{Ref: slug("brazil"), Also: []core.Ref{core.ByID(brazil.ID), slug("rio")}}, core.ErrTenantAmbiguous},
		{"parent and child", core.Selection{Ref: slug("brazil"), Also: []core.Ref{slug("north_star")}}, core.ErrTenantAmbiguous},
		{"an unknown one", core.Selection{Ref: slug("brazil"), Also: []core.Ref{slug("nobody")}}, core.ErrTenantNotFound},
		{"a zero one", core.Selection{Ref: slug("brazil"), Also: []core.Ref{{}}}, core.ErrTenantNotFound},
		{"suspended twice", core.Selection{Ref: slug("suspended"), Also: []core.Ref{core.ByID(suspended.ID)}}, core.ErrTenantSuspended},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := admit.New(everybody(), silent(config{Extract: selects(c.sel)}))
			if c.want != nil {
				wantRefusal(t, a, t.Context(), request(), c.want)
				return
			}
			ctx, err := a.Admit(t.Context(), request())
			if id, _ := core.TenantID(ctx); err != nil || id.IsZero() {
				t.Errorf("refused: %v", err)
			}
		})
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		chosen, root string
		also         []core.Ref
		want         error
	}{
		{chosen: "brazil", root: "north_star"},
		{chosen: "rio", root: "north_star"},
		{chosen: "rio", root: "brazil"},
		{chosen: "brazil", root: "brazil"},
		{chosen: "brazil", root: "north_star", also: []core.Ref{core.ByID(northStar.ID)}},
		{chosen: "brazil", root: "north_star", also: []core.Ref{slug("stranger")}, want: core.ErrTenantAmbiguous},
		{chosen: "north_star", root: "brazil", want: core.ErrTenantForbidden},
		{chosen: "stranger", root: "north_star", want: core.ErrTenantForbidden},
		{chosen: "exile", root: "north_star", want: core.ErrTenantForbidden}, // its status is nobody's business
		{chosen: "suspended", root: "north_star", want: core.ErrTenantSuspended},
		{chosen: "nobody", root: "north_star", want: core.ErrTenantNotFound},
		{chosen: "brazil", root: "nobody", want: core.ErrTenantNotFound},
		{chosen: "brazil", root: "suspended", want: core.ErrTenantSuspended},
		{chosen: "brazil", root: "archived", want: core.ErrTenantArchived},
	} {
		t.Run(c.chosen+" in "+c.root, func(t *testing.T) {
			sel := core.Selection{Ref: slug(c.chosen), Within: slug(c.root), WithinAlso: c.also}
			a := admit.New(everybody(), silent(config{Extract: selects(sel)}))
			if c.want != nil {
				wantRefusal(t, a, t.Context(), request(), c.want)
				return
			}
			ctx, err := a.Admit(t.Context(), request())
			if got, _ := core.FromContext(ctx); err != nil || got.Slug != c.chosen {
				t.Errorf("admitted %v, %v", got, err)
			}
		})
	}
	token := selects(core.Selection{Ref: slug("north_star"), Verified: true})
	a := admit.New(everybody(), silent(config{Extract: extract.Within(token, extract.Header(admit.DefaultHeader))}))
	wantTenant(t, a, t.Context(), request(), northStar)
	wantTenant(t, a, t.Context(), request("rio"), rio)
	wantRefusal(t, a, t.Context(), request("stranger"), core.ErrTenantForbidden)
}

func TestResolverFailures(t *testing.T) {
	broken := errors.New("password authentication failed for user stratum_lib")
	var slip *core.Error
	for _, c := range []struct {
		name     string
		resolver core.Resolver
		want     []error
	}{
		{"any error", resolving(nil, broken), []error{core.ErrResolverDown, broken}},
		{"an error and a tenant", resolving(brazil, broken), []error{core.ErrResolverDown}},
		{"cancelled", resolving(nil, context.Canceled), []error{core.ErrResolverDown, context.Canceled}},
		{"deadline", resolving(nil, context.DeadlineExceeded), []error{core.ErrResolverDown, context.DeadlineExceeded}},
		{"nil pointer", resolving(nil, slip), []error{core.ErrResolverDown}},
		{"not found", resolving(nil, core.ErrTenantNotFound), []error{core.ErrTenantNotFound}},
		{"wrapped not found", resolving(nil, fmt.Errorf("x: %w", core.ErrTenantNotFound)), []error{core.ErrTenantNotFound}},
		{"nothing at all", resolving(nil, nil), []error{core.ErrTenantNotFound}},
		{"zero id", resolving(&core.Tenant{Status: core.Active}, nil), []error{core.ErrTenantNotFound}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, optional := range []bool{false, true} {
				a := admit.New(c.resolver, silent(config{Optional: optional}))
				for _, want := range c.want {
					wantRefusal(t, a, t.Context(), request("brazil"), want)
				}
			}
		})
	}
	another := admit.New(resolving(stranger, nil), silent(config{}))
	wantRefusal(t, another, t.Context(), request(brazil.ID.String()), core.ErrInternal)
}

func TestResolverPanicGoesThrough(t *testing.T) {
	a := admit.New(core.ResolverFunc(func(context.Context, core.Ref) (*core.Tenant, error) { panic("boom") }), silent(config{}))
	defer func() {
		if recover() != "boom" {
			t.Error("the panic did not go through")
		}
	}()
	_, _ = a.Admit(t.Context(), request("brazil"))
}

func TestExtractorErrors(t *testing.T) {
	for _, want := range []error{core.ErrUnauthorized, io.ErrUnexpectedEOF} {
		a := admit.New(everybody(), silent(config{
			Optional: true,
			Extract:  func(core.Request) (core.Selection, error) { return core.Selection{Ref: slug("brazil")}, want },
		}))
		wantRefusal(t, a, t.Context(), request(), want)
	}
}

func TestSharedResolverIsUsed(t *testing.T) {
	r := &both{}
	wantTenant(t, admit.New(r, silent(config{})), t.Context(), request("brazil"), brazil)
	if r.copies != 0 || r.shared != 1 {
		t.Errorf("%d copies, %d shared", r.copies, r.shared)
	}
}

type both struct{ copies, shared int }

func (b *both) Resolve(context.Context, core.Ref) (*core.Tenant, error) {
	b.copies++
	return brazil.Clone(), nil
}

func (b *both) ResolveShared(context.Context, core.Ref) (*core.Tenant, error) {
	b.shared++
	return brazil, nil
}
