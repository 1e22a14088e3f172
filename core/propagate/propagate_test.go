package propagate_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/propagate"
)

func TestThereAndBack(t *testing.T) {
	p := billing(t, k1)
	value := sent(t, p, as(brazil))
	if want := "v1.k1." + brazil.ID.String() + ".-.1700000060."; !strings.HasPrefix(value, want) || len(value) != len(want)+43 {
		t.Errorf("sent %s, want %s and a MAC", value, want)
	}
	if id, err := received(t, p, value); err != nil || id != brazil.ID {
		t.Errorf("received %s, %v", id, err)
	}
}

// Computed apart from this package: 32 bytes 01 as the secret of k1, and the audience billing.
func TestKnownAnswer(t *testing.T) {
	const want = "v1.k1.0190a000-0000-7000-8000-000000000002.-.1700000060.co6whbvYrksKci7xaWfALWZPPvtzoBa7d2Gu5iq9TLk"
	if got := sent(t, billing(t, k1), as(brazil)); got != want {
		t.Errorf("sent %s", got)
	}
}

func TestReceiveReplacesTheScope(t *testing.T) {
	p := billing(t, k1)
	m := propagate.Map{propagate.DefaultName: sent(t, p, as(brazil))}
	for name, ctx := range map[string]context.Context{
		"tenant":  as(northStar),
		"subtree": core.Subtree(as(northStar)),
		"system":  core.System(as(northStar), "test"),
	} {
		got, err := p.Receive(ctx, m, resolver())
		if err != nil {
			t.Fatal(err)
		}
		if s, err := core.ScopeFrom(got); err != nil || s.Mode != core.ModeTenant || s.Tenant != brazil.ID {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
}

func TestImpersonation(t *testing.T) {
	p := billing(t, k1)
	m := propagate.Map{propagate.DefaultName: sent(t, p, core.Impersonate(as(northStar), brazil))}
	ctx, err := p.Receive(context.Background(), m, resolver())
	if err != nil {
		t.Fatal(err)
	}
	id, _ := core.TenantID(ctx)
	if caller, ok := core.Caller(ctx); !ok || caller.ID != northStar.ID || id != brazil.ID {
		t.Errorf("%s runs on behalf of %v", id, caller)
	}
	if id, err := received(t, p, m[propagate.DefaultName]); err != nil || id != brazil.ID {
		t.Errorf("the extractor finds %s, %v", id, err)
	}
	for _, caller := range []*core.Tenant{suspended, nobody} {
		value := sent(t, p, core.Impersonate(as(caller), brazil))
		if _, err := p.Receive(context.Background(), propagate.Map{propagate.DefaultName: value}, resolver()); err == nil {
			t.Errorf("the caller %s was not checked", caller.Slug)
		}
	}
}

func TestInjectRefuses(t *testing.T) {
	p := billing(t, k1)
	for name, c := range map[string]struct {
		ctx  context.Context
		want error
	}{
		"nothing": {context.Background(), core.ErrNoTenant},
		"nobody":  {as(nil), core.ErrNoTenant},
		"system":  {core.System(as(brazil), "report"), core.ErrScopeUnsupported},
		"reason":  {core.System(as(brazil), ""), core.ErrSystemReason},
		"subtree": {core.Subtree(as(brazil)), core.ErrScopeUnsupported},
	} {
		m := propagate.Map{}
		if err := p.Inject(c.ctx, m); !errors.Is(err, c.want) || len(m) > 0 {
			t.Errorf("%s: %v, and %v was sent", name, err, m)
		}
	}
	for _, key := range []string{"X-Stratum-Tenant", "x-stratum-tenant"} {
		for _, value := range []string{"", "theirs"} {
			m := propagate.Map{key: value}
			if err := p.Inject(as(brazil), m); !errors.Is(err, core.ErrTenantMismatch) || m[key] != value || len(m) > 1 {
				t.Errorf("%v: %v", m, err)
			}
		}
	}
}

func TestStatus(t *testing.T) {
	p := billing(t, k1)
	for tenant, want := range map[*core.Tenant]core.Code{
		brazil: "", suspended: core.TenantSuspended, archived: core.TenantArchived, nobody: core.TenantNotFound,
	} {
		if _, err := received(t, p, sent(t, p, as(tenant))); code(err) != want {
			t.Errorf("%s: %v", tenant.Slug, err)
		}
	}
}

func TestResolverIsNotTrusted(t *testing.T) {
	p := billing(t, k1)
	m := propagate.Map{propagate.DefaultName: sent(t, p, as(brazil))}
	for name, c := range map[string]struct {
		t    *core.Tenant
		err  error
		want error
	}{
		"another":    {northStar, nil, core.ErrInternal},
		"nothing":    {nil, nil, core.ErrTenantNotFound},
		"down":       {nil, errors.New("connection refused"), core.ErrResolverDown},
		"core error": {nil, fmt.Errorf("x: %w", core.ErrTenantNotFound), core.ErrTenantNotFound},
		"slip":       {brazil, (*core.Error)(nil), core.ErrResolverDown},
	} {
		r := core.ResolverFunc(func(context.Context, core.Ref) (*core.Tenant, error) { return c.t, c.err })
		if ctx, err := p.Receive(context.Background(), m, r); !errors.Is(err, c.want) || ctx != nil {
			t.Errorf("%s: %v, %v", name, ctx, err)
		}
	}
}

func TestMissingAndTwice(t *testing.T) {
	p := billing(t, k1)
	value := sent(t, p, as(brazil))
	for _, c := range []struct {
		name    string
		carrier propagate.Carrier
		want    error
	}{
		{"nil map", propagate.Map(nil), core.ErrMissingTenant},
		{"empty", propagate.Map{"X-Stratum-Tenant": ""}, core.ErrMissingTenant},
		{"no header", propagate.Header{}, core.ErrMissingTenant},
		{"lower case", propagate.Map{"x-stratum-tenant": value}, nil},
		{"header", propagate.Header{"X-Stratum-Tenant": {value}}, nil},
		{"two lines", propagate.Header{"X-Stratum-Tenant": {value, value}}, core.ErrTenantAmbiguous},
		{"two spellings", propagate.Map{"x-stratum-tenant": value, "X-Stratum-Tenant": value}, core.ErrTenantAmbiguous},
	} {
		if _, err := p.Receive(context.Background(), c.carrier, resolver()); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func TestName(t *testing.T) {
	p := propagator(t, propagate.Config{Keys: []propagate.Key{k1}, Audience: "billing", Name: "tenant-seal"})
	h := propagate.Header{}
	if err := p.Inject(as(brazil), h); err != nil || len(h["Tenant-Seal"]) != 1 {
		t.Errorf("%v, %v", h, err)
	}
	if _, err := p.Receive(context.Background(), h, resolver()); err != nil {
		t.Error(err)
	}
}

func TestUnsealed(t *testing.T) {
	open := propagator(t, propagate.Config{Unsealed: true})
	value := sent(t, open, as(brazil))
	if value != "plain."+brazil.ID.String()+".-" {
		t.Errorf("sent %s", value)
	}
	if id, err := received(t, open, value); err != nil || id != brazil.ID {
		t.Errorf("%s, %v", id, err)
	}
	if sel, err := open.Extractor()(request(value)); err != nil || sel.Verified {
		t.Errorf("what has no seal counts as verified: %+v, %v", sel, err)
	}
	if _, err := received(t, billing(t, k1), value); !errors.Is(err, core.ErrUnauthorized) {
		t.Errorf("accepted without being told to: %v", err)
	}
	sealed := sent(t, billing(t, k1), as(brazil))
	if _, err := received(t, open, sealed); !errors.Is(err, core.ErrUnauthorized) {
		t.Errorf("a seal that cannot be checked was believed: %v", err)
	}
	// On the way from one to the other, both are accepted, and sealed is what is sent.
	both := propagator(t, propagate.Config{Keys: []propagate.Key{k1}, Audience: "billing", Unsealed: true, Clock: at(start)})
	for _, v := range []string{value, sealed} {
		if id, err := received(t, both, v); err != nil || id != brazil.ID {
			t.Errorf("%s: %s, %v", v, id, err)
		}
	}
	if got := sent(t, both, as(brazil)); got != sealed {
		t.Errorf("sent %s", got)
	}
	if sel, err := both.Extractor()(request(sealed)); err != nil || !sel.Verified {
		t.Errorf("what has a seal does not count as verified: %+v, %v", sel, err)
	}
}

func TestExpiry(t *testing.T) {
	for _, ttl := range []time.Duration{0, time.Nanosecond, time.Second, 90 * time.Minute} {
		sender := propagator(t, propagate.Config{Keys: []propagate.Key{k1}, Audience: "billing", TTL: ttl, Clock: at(start)})
		value := sent(t, sender, as(brazil))
		if ttl == 0 {
			ttl = propagate.DefaultTTL
		}
		last := max(ttl, time.Second)
		for after, want := range map[time.Duration]core.Code{0: "", last - 1: "", last: core.Unauthorized, 1000 * last: core.Unauthorized} {
			receiver := propagator(t, propagate.Config{Keys: []propagate.Key{k1}, Audience: "billing", Clock: at(start.Add(after))})
			if _, err := received(t, receiver, value); code(err) != want {
				t.Errorf("TTL %s, %s later: %v", ttl, after, err)
			}
		}
	}
}
