package admit_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

func TestMissingAuthorizationIsLoggedOnce(t *testing.T) {
	const words = "NOT AUTHORIZED"
	log, out := logTo()
	a := admit.New(everybody(), config{Logger: log})
	wantRefusal(t, a, t.Context(), request("nobody"), core.ErrTenantNotFound)
	if out.Len() > 0 {
		t.Errorf("logged before anybody was admitted: %s", out)
	}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := a.Admit(t.Context(), request("brazil")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := strings.Count(out.String(), words); n != 1 || !strings.Contains(out.String(), "level=WARN") {
		t.Errorf("logged %d times: %s", n, out)
	}

	log, out = logTo()
	hook := admit.New(everybody(), config{Logger: log, Authorize: allow})
	wantTenant(t, hook, t.Context(), request("brazil"), brazil)
	verified := admit.New(everybody(), config{Logger: log, Extract: selects(core.Selection{Ref: slug("brazil"), Verified: true})})
	wantTenant(t, verified, t.Context(), request(), brazil)
	if out.Len() > 0 {
		t.Errorf("logged although there is an authorization: %s", out)
	}
}

func TestFailuresOfOursAreLogged(t *testing.T) {
	log, out := logTo()
	down := admit.New(resolving(nil, errors.New("connection refused")), config{Logger: log})
	wantRefusal(t, down, t.Context(), request("brazil"), core.ErrResolverDown)
	if s := out.String(); !strings.Contains(s, "level=ERROR") || !strings.Contains(s, "connection refused") {
		t.Errorf("the cause is not in the log: %s", s)
	}
	out.Reset()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	wantRefusal(t, down, gone, request("brazil"), core.ErrResolverDown)
	wantRefusal(t, admit.New(everybody(), config{Logger: log}), t.Context(), request("nobody"), core.ErrTenantNotFound)
	if out.Len() > 0 {
		t.Errorf("what is no failure of ours was logged: %s", out)
	}
}

func TestTrace(t *testing.T) {
	type k struct{}
	var ids []core.ID
	var errs []error
	trace := func(ctx context.Context) (context.Context, func(core.ID, error)) {
		return context.WithValue(ctx, k{}, "span"), func(id core.ID, err error) {
			ids, errs = append(ids, id), append(errs, err)
		}
	}
	resolver := core.ResolverFunc(func(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
		if ctx.Value(k{}) != "span" {
			t.Error("the resolver does not see the span")
		}
		return everybody().Resolve(ctx, ref)
	})
	a := admit.New(resolver, silent(config{Trace: trace}))
	ctx, err := a.Admit(t.Context(), request("brazil"))
	if err != nil || ctx.Value(k{}) != "span" {
		t.Errorf("the request goes on without the span: %v", err)
	}
	wantRefusal(t, a, t.Context(), request("suspended"), core.ErrTenantSuspended)
	observing := admit.New(resolver, silent(config{Trace: trace, Observe: true}))
	if _, err := observing.Admit(t.Context(), request("nobody")); err != nil {
		t.Error(err)
	}
	if len(ids) != 3 || ids[0] != brazil.ID || errs[0] != nil {
		t.Fatalf("outcomes %v, %v", ids, errs)
	}
	if !ids[1].IsZero() || !errors.Is(errs[1], core.ErrTenantSuspended) || !errors.Is(errs[2], core.ErrTenantNotFound) {
		t.Errorf("outcomes %v, %v", ids, errs)
	}
	lazy := admit.New(everybody(), silent(config{Trace: func(context.Context) (context.Context, func(core.ID, error)) { return nil, nil }}))
	wantTenant(t, lazy, t.Context(), request("brazil"), brazil)
}
