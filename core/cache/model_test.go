package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
)

func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// state is what one slug meant from a moment on.
type state struct {
	since   time.Time
	version int
	tenant  core.ID // zero: none
}

// world is the model: the whole history of a few slugs, next to the cache and to
// the calls that are under way.
type world struct {
	now      time.Time
	history  map[string][]state
	versions int
	down     bool
	floor    map[string]map[core.ID]int // the oldest version that may be given, by whose it is
	ttl, neg time.Duration
	stale    time.Duration

	cache *cache.Resolver
	held  []chan struct{} // calls of the source, each waiting to be let go
	calls []*call
}

type call struct {
	slug    string
	begun   time.Time
	floor   map[core.ID]int
	bypass  int // the version when the call began, if the cache was bypassed; else -1
	answers <-chan answer
}

var (
	slugs  = []string{"a", "b", "c"}
	owners = []core.ID{{}, {1}, {2}}
)

func (w *world) current(slug string) state { return w.history[slug][len(w.history[slug])-1] }

// Resolve is the source: it reads at once, and answers when it is let go.
func (w *world) Resolve(_ context.Context, ref core.Ref) (*core.Tenant, error) {
	s, failing := w.current(ref.Text()), w.down
	gate := make(chan struct{})
	w.held = append(w.held, gate)
	<-gate
	if failing {
		return nil, errDown
	}
	if s.tenant.IsZero() {
		return nil, fmt.Errorf("version %d: %w", s.version, core.ErrTenantNotFound)
	}
	// The version stands in two places, so that a mix of two states would show.
	return &core.Tenant{
		ID: s.tenant, Slug: ref.Text(), Name: fmt.Sprint(s.version), Status: core.Active,
		Placement: core.Placement{MaxConcurrency: s.version},
	}, nil
}

// change gives a slug to a tenant, or to none.
func (w *world) change(slug string, to core.ID) (from core.ID) {
	from = w.current(slug).tenant
	w.versions++
	w.history[slug] = append(w.history[slug], state{w.now, w.versions, to})
	return from
}

// invalidated notes that what was read before no longer counts: of the tenants
// concerned, and of no tenant, which may be one of them now.
func (w *world) invalidated(ids ...core.ID) {
	for _, slug := range slugs {
		for _, id := range append(ids, core.ID{}) {
			w.floor[slug][id] = w.current(slug).version
		}
	}
}

// check fails if an answer is older than it may be.
func (w *world) check(t *rapid.T, c *call, a answer) {
	bound := w.ttl + w.stale
	if a.err != nil {
		if errors.Is(a.err, errDown) {
			return
		}
		if !errors.Is(a.err, core.ErrTenantNotFound) {
			t.Fatalf("%s: %v", c.slug, a.err)
		}
		// Any time within the bound at which there was none will do.
		for i, s := range w.history[c.slug] {
			if s.tenant.IsZero() && s.version >= c.floor[core.ID{}] && w.wasCurrent(c, i, w.neg) && s.version >= c.bypass {
				return
			}
		}
		t.Fatalf("%s: not found, but it was there for longer than %v before %v", c.slug, w.neg, c.begun)
	}
	if fmt.Sprint(a.tenant.Placement.MaxConcurrency) != a.tenant.Name || a.tenant.Slug != c.slug {
		t.Fatalf("a mix of states: %+v", a.tenant)
	}
	for i, s := range w.history[c.slug] {
		if s.version != a.tenant.Placement.MaxConcurrency {
			continue
		}
		switch {
		case s.tenant != a.tenant.ID:
			t.Fatalf("%s: version %d belongs to %v, not %v", c.slug, s.version, s.tenant, a.tenant.ID)
		case s.version < c.floor[s.tenant]:
			t.Fatalf("%s: version %d after the invalidation of everything before %d", c.slug, s.version, c.floor[s.tenant])
		case s.version < c.bypass:
			t.Fatalf("%s: version %d under bypass, when %d was there", c.slug, s.version, c.bypass)
		case !w.wasCurrent(c, i, bound):
			t.Fatalf("%s: version %d was replaced more than %v before %v", c.slug, s.version, bound, c.begun)
		}
		return
	}
	t.Fatalf("%s: version %s never existed", c.slug, a.tenant.Name)
}

// wasCurrent reports whether the i-th state was still the one in force at some time
// after begun-bound.
func (w *world) wasCurrent(c *call, i int, bound time.Duration) bool {
	states := w.history[c.slug]
	return i == len(states)-1 || states[i+1].since.After(c.begun.Add(-bound))
}

// settle collects the answers of the calls that are through.
func (w *world) settle(t *rapid.T) {
	synctest.Wait()
	rest := w.calls[:0]
	for _, c := range w.calls {
		select {
		case a := <-c.answers:
			w.check(t, c, a)
		default:
			rest = append(rest, c)
		}
	}
	w.calls = rest
}

func (w *world) release(i int) {
	gate := w.held[i]
	w.held = append(w.held[:i], w.held[i+1:]...) // before the next flight adds itself
	close(gate)
	synctest.Wait()
}

// drain lets everything land, also after a failure.
func (w *world) drain() {
	for len(w.held) > 0 {
		w.release(0)
	}
}

func TestModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 { // a hundred histories each; some faults take more than that to show
			// Not t itself, of which rapid asks the deadline: a bubble has none.
			rapid.Check(struct{ rapid.TB }{t}, checkHistory)
		}
	})
}

func checkHistory(t *rapid.T) {
	w := &world{
		now: time.Unix(1_700_000_000, 0), history: map[string][]state{}, floor: map[string]map[core.ID]int{},
		ttl: 10 * time.Second, neg: 3 * time.Second,
		stale: rapid.SampledFrom([]time.Duration{0, 20 * time.Second}).Draw(t, "MaxStale"),
	}
	for _, s := range slugs {
		w.history[s], w.floor[s] = []state{{since: w.now}}, map[core.ID]int{}
	}
	w.cache = cache.New(w, cache.Config{
		Size: rapid.IntRange(1, 4).Draw(t, "Size"), TTL: w.ttl, NegativeTTL: w.neg, MaxStale: w.stale,
		Timeout: time.Hour, Clock: func() time.Time { return w.now },
	})
	defer w.drain()
	t.Repeat(w.actions())
	w.drain()
	w.settle(t)
	if st := w.cache.Stats(); w.cache.Indexed() != st.Entries {
		t.Fatalf("%d entries, %d in the index", st.Entries, w.cache.Indexed())
	}
}

// actions are weighted towards what makes hits: a cache that is emptied at every
// other step has nothing to be wrong about.
func (w *world) actions() map[string]func(*rapid.T) {
	bypassed := false
	slug := rapid.SampledFrom(slugs)
	owner := rapid.SampledFrom(owners)
	seldom := func(t *rapid.T) bool { return rapid.IntRange(0, 5).Draw(t, "seldom") == 5 }
	resolve := func(t *rapid.T) {
		s := slug.Draw(t, "slug")
		c := &call{slug: s, begun: w.now, floor: maps.Clone(w.floor[s]), bypass: -1}
		if bypassed {
			c.bypass = w.current(s).version
		}
		c.answers = begin(context.Background(), w.cache, core.BySlug(s))
		w.calls = append(w.calls, c)
	}
	return map[string]func(*rapid.T){
		"resolve": resolve,
		"resolve at once": func(t *rapid.T) {
			resolve(t)
			w.drain()
		},
		"resolve at once again": func(t *rapid.T) {
			resolve(t)
			w.drain()
		},
		"let one go": func(t *rapid.T) {
			if len(w.held) > 0 {
				w.release(rapid.IntRange(0, len(w.held)-1).Draw(t, "which"))
			}
		},
		"change silently": func(t *rapid.T) { w.change(slug.Draw(t, "slug"), owner.Draw(t, "to")) },
		"change and invalidate": func(t *rapid.T) {
			to := owner.Draw(t, "to")
			from := w.change(slug.Draw(t, "slug"), to)
			w.cache.Invalidate(from)
			w.cache.Invalidate(to)
			w.invalidated(from, to)
		},
		"wait": func(t *rapid.T) {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "seconds")) * time.Second)
		},
		"outage": func(t *rapid.T) { w.down = seldom(t) },
		"flush or bypass": func(t *rapid.T) {
			switch {
			case bypassed || seldom(t):
				bypassed = !bypassed
				w.cache.Bypass(bypassed)
				w.invalidated(owners...)
			case seldom(t):
				w.cache.Flush()
				w.invalidated(owners...)
			}
		},
		"": w.settle,
	}
}
