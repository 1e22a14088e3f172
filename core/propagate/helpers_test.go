package propagate_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
	"github.com/stratum-hq/stratum-go/core/propagate"
)

// Brazil lies below NorthStar; the others are refused.
var (
	northStar = &core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-000000000001"), Slug: "north_star", Status: core.Active}
	brazil    = &core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-000000000002"), Slug: "brazil", Status: core.Active, Ancestors: []core.ID{northStar.ID}}
	suspended = &core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-000000000003"), Slug: "suspended", Status: core.Suspended}
	archived  = &core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-000000000004"), Slug: "archived", Status: core.Archived}
	nobody    = &core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-000000000005"), Slug: "nobody", Status: core.Active}
)

func resolver() core.Resolver { return core.Static(northStar, brazil, suspended, archived) }

func secret(b byte) []byte { return bytes.Repeat([]byte{b}, propagate.MinSecret) }

var (
	k1 = propagate.Key{ID: "k1", Secret: core.NewSecret(secret(1))}
	k2 = propagate.Key{ID: "k2", Secret: core.NewSecret(secret(2))}
)

// start is when the tests' clocks stand.
var start = time.Unix(1_700_000_000, 0)

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func propagator(t testing.TB, cfg propagate.Config) *propagate.Propagator {
	t.Helper()
	p, err := propagate.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// billing is the way to the service billing, with the keys given.
func billing(t testing.TB, keys ...propagate.Key) *propagate.Propagator {
	t.Helper()
	return propagator(t, propagate.Config{Keys: keys, Audience: "billing", Clock: at(start)})
}

func as(t *core.Tenant) context.Context { return core.NewContext(context.Background(), t) }

// sent returns what a propagator sends for a context.
func sent(t testing.TB, p *propagate.Propagator, ctx context.Context) string {
	t.Helper()
	m := propagate.Map{}
	if err := p.Inject(ctx, m); err != nil {
		t.Fatal(err)
	}
	return m[propagate.DefaultName]
}

// received is who a value makes a receiver run as, by both of its ways, which must agree.
func received(t testing.TB, p *propagate.Propagator, value string) (core.ID, error) {
	t.Helper()
	ctx, err := p.Receive(context.Background(), propagate.Map{propagate.DefaultName: value}, resolver())
	var id core.ID
	if err == nil {
		if id, err = core.TenantID(ctx); err != nil {
			t.Fatalf("%q was received, and there is no tenant: %v", value, err)
		}
	} else if ctx != nil {
		t.Errorf("an error and a context")
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{propagate.DefaultName: {value}}
	ctx2, err2 := admit.New(resolver(), admit.Config[struct{}]{Extract: p.Extractor()}).Admit(context.Background(), admit.HTTP(r))
	var id2 core.ID
	if err2 == nil {
		id2, _ = core.TenantID(ctx2)
	}
	if id != id2 || code(err) != code(err2) {
		t.Errorf("%q: Receive: %s, %v; Extractor: %s, %v", value, id, err, id2, err2)
	}
	return id, err
}

func code(err error) core.Code {
	if e := (*core.Error)(nil); errors.As(err, &e) {
		return e.Code
	}
	return ""
}
