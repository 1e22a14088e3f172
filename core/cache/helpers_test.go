package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// source is a table of tenants that counts its calls, and holds them up on request.
type source struct {
	mu    sync.Mutex
	rows  map[core.Ref]*core.Tenant
	err   error
	calls int
	gate  chan struct{} // if not nil, each call waits for one value after it has read
}

func (s *source) Resolve(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
	s.mu.Lock()
	s.calls++
	t, err, gate := s.rows[ref].Clone(), s.err, s.gate
	s.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, core.ErrTenantNotFound
	}
	return t, nil
}

func (s *source) set(ref core.Ref, t *core.Tenant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows == nil {
		s.rows = map[core.Ref]*core.Tenant{}
	}
	s.rows[ref] = t
}

func (s *source) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *source) hold() chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = make(chan struct{})
	return s.gate
}

func (s *source) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// fixture is a cache over a source that knows acme, under every kind of reference.
func fixture(cfg cache.Config) (*cache.Resolver, *source, *clock) {
	c, s := newClock(), &source{}
	cfg.Clock = c.Now
	for _, ref := range refs {
		s.set(ref, named("acme"))
	}
	return cache.New(s, cfg), s, c
}

var (
	acmeID  = core.MustParseID("0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")
	refs    = []core.Ref{core.ByID(acmeID), core.BySlug("acme"), core.ByDomain("acme.example.org"), core.ByKey("sk_acme")}
	bySlug  = refs[1]
	errDown = errors.New("connection refused")
)

// named is the tenant acme, in the state that the name tells.
func named(name string) *core.Tenant {
	return &core.Tenant{ID: acmeID, Slug: "acme", Name: name, Status: core.Active, Ancestors: []core.ID{{1}}}
}

// want resolves and checks the name, or the error.
func want(t *testing.T, r *cache.Resolver, ref core.Ref, name string, wantErr error) {
	t.Helper()
	got, err := r.Resolve(t.Context(), ref)
	if !errors.Is(err, wantErr) {
		t.Errorf("%v: error %v, want %v", ref, err, wantErr)
		return
	}
	if (wantErr == nil) != (got != nil) || got != nil && got.Name != name {
		t.Errorf("%v: %+v, want %q", ref, got, name)
	}
}

func wantCalls(t *testing.T, s *source, n int) {
	t.Helper()
	if got := s.count(); got != n {
		t.Errorf("the source was called %d times, want %d", got, n)
	}
}
