package cache_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
)

// keeps is a source that returns what it has, and keeps it.
type keeps struct{ tenant *core.Tenant }

func (k keeps) Resolve(context.Context, core.Ref) (*core.Tenant, error) { return k.tenant, nil }

// answer is what a call in the background brought.
type answer struct {
	tenant *core.Tenant
	err    error
}

func begin(ctx context.Context, r *cache.Resolver, ref core.Ref) <-chan answer {
	out := make(chan answer, 1)
	go func() {
		t, err := r.Resolve(ctx, ref)
		out <- answer{t, err}
	}()
	synctest.Wait() // until it waits for the source, or is through
	return out
}

func wantAnswer(t *testing.T, c <-chan answer, name string) {
	t.Helper()
	if a := <-c; a.err != nil || a.tenant.Name != name {
		t.Errorf("%v, %v; want %q", a.tenant, a.err, name)
	}
}

func TestOneFlightPerKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, _ := fixture(cache.Config{})
		gate := s.hold()
		var calls []<-chan answer
		for range 50 {
			calls = append(calls, begin(t.Context(), r, bySlug))
		}
		wantCalls(t, s, 1)
		gate <- struct{}{}
		seen := map[*core.Tenant]bool{}
		for _, c := range calls {
			a := <-c
			if a.err != nil || seen[a.tenant] {
				t.Errorf("%v, %v: an error, or one copy for two", a.tenant, a.err)
			}
			seen[a.tenant] = true
		}
		if st := r.Stats(); st.Loads != 1 || st.Coalesced != 49 || st.Misses != 50 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAWaiterGivesUpAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, _ := fixture(cache.Config{})
		gate := s.hold()
		ctx, cancel := context.WithCancel(t.Context())
		first, second := begin(ctx, r, bySlug), begin(t.Context(), r, bySlug)
		cancel()
		if a := <-first; !errors.Is(a.err, core.ErrResolverDown) || !errors.Is(a.err, context.Canceled) {
			t.Errorf("the one that gave up: %v", a.err)
		}
		gate <- struct{}{}
		wantAnswer(t, second, "acme")
		wantCalls(t, s, 1)
		want(t, r, bySlug, "acme", nil) // stored, although the first caller is gone
		wantCalls(t, s, 1)
		// A caller that is gone already starts nothing, but may have what is there.
		if _, err := r.Resolve(ctx, refs[0]); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that is gone: %v", err)
		}
		wantCalls(t, s, 1)
		if _, err := r.Resolve(ctx, bySlug); err != nil {
			t.Errorf("a hit for a caller that is gone: %v", err)
		}
	})
}

func TestFlightContext(t *testing.T) {
	type k struct{}
	r := cache.New(core.ResolverFunc(func(ctx context.Context, _ core.Ref) (*core.Tenant, error) {
		deadline, ok := ctx.Deadline()
		if !ok || time.Until(deadline) > time.Second || ctx.Value(k{}) != nil || core.HasScope(ctx) {
			t.Errorf("the flight runs with deadline %v, value %v", deadline, ctx.Value(k{}))
		}
		return named("acme"), nil
	}), cache.Config{Timeout: time.Second})
	ctx := core.NewContext(context.WithValue(t.Context(), k{}, "recycled"), named("caller"))
	if _, err := r.Resolve(ctx, bySlug); err != nil {
		t.Error(err)
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, _ := fixture(cache.Config{Timeout: 3 * time.Second})
		s.hold()
		start := time.Now()
		_, err := r.Resolve(t.Context(), bySlug)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// What a flight read before an invalidation is for those who waited already, for
// nobody else, and is not stored.
func TestInvalidationDuringAFlight(t *testing.T) {
	for name, invalidate := range map[string]func(*cache.Resolver){
		"same tenant":    func(r *cache.Resolver) { r.Invalidate(acmeID) },
		"another tenant": func(r *cache.Resolver) { r.Invalidate(core.ID{9}) }, // it may have had the slug
		"subtree":        func(r *cache.Resolver) { r.InvalidateSubtree(core.ID{1}) },
		"flush":          (*cache.Resolver).Flush,
		"bypass":         func(r *cache.Resolver) { r.Bypass(true); r.Bypass(false) },
	} {
		for _, known := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r, s, _ := fixture(cache.Config{})
					if !known {
						s.set(bySlug, nil)
					}
					gate := s.hold()
					early := begin(t.Context(), r, bySlug)
					s.set(bySlug, named("changed"))
					invalidate(r)
					late := begin(t.Context(), r, bySlug)
					wantCalls(t, s, 2)
					gate <- struct{}{} // whichever of the two takes it
					gate <- struct{}{}
					if a := <-early; known != (a.err == nil) {
						t.Errorf("the early one: %v, %v", a.tenant, a.err)
					}
					wantAnswer(t, late, "changed")
					want(t, r, bySlug, "changed", nil)
					wantCalls(t, s, 2)
				})
			})
		}
	}
}

func TestAnOldFlightLandsLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, _ := fixture(cache.Config{})
		oldGate := s.hold()
		early := begin(t.Context(), r, bySlug)
		s.set(bySlug, named("changed"))
		r.Invalidate(acmeID)
		newGate := s.hold()
		late := begin(t.Context(), r, bySlug)
		newGate <- struct{}{}
		wantAnswer(t, late, "changed")
		oldGate <- struct{}{}
		wantAnswer(t, early, "acme")
		want(t, r, bySlug, "changed", nil)
		wantCalls(t, s, 2)
	})
}

// A flight that is older than the TTL is not joined: its answer may be too.
func TestAnAgedFlightIsNotJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, clock := fixture(cache.Config{TTL: time.Second})
		oldGate := s.hold()
		early := begin(t.Context(), r, bySlug)
		s.set(bySlug, named("changed"))
		clock.Advance(time.Second)
		newGate := s.hold()
		late := begin(t.Context(), r, bySlug)
		wantCalls(t, s, 2)
		oldGate <- struct{}{}
		newGate <- struct{}{}
		wantAnswer(t, early, "acme")
		wantAnswer(t, late, "changed")
		want(t, r, bySlug, "changed", nil)
	})
}

// Under bypass a caller never gets what was read before it came, and yet one
// reference has no more than one call in the air.
func TestBypassCoalescesWithTheNextFlightOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, s, _ := fixture(cache.Config{})
		r.Bypass(true)
		gate := s.hold()
		first := begin(t.Context(), r, bySlug)
		s.set(bySlug, named("two"))
		second, third := begin(t.Context(), r, bySlug), begin(t.Context(), r, bySlug)
		wantCalls(t, s, 1)
		gate <- struct{}{}
		wantAnswer(t, first, "acme")
		synctest.Wait()
		wantCalls(t, s, 2) // for both of them
		s.set(bySlug, named("three"))
		fourth := begin(t.Context(), r, bySlug)
		wantCalls(t, s, 2)
		r.Bypass(false) // the queued flight begins after this, and is good for everybody
		gate <- struct{}{}
		wantAnswer(t, second, "two")
		wantAnswer(t, third, "two")
		synctest.Wait()
		gate <- struct{}{}
		wantAnswer(t, fourth, "three")
		want(t, r, bySlug, "three", nil)
		wantCalls(t, s, 3)
	})
}

func TestPanicReachesTheCallers(t *testing.T) {
	r := cache.New(core.ResolverFunc(func(context.Context, core.Ref) (*core.Tenant, error) { panic(errDown) }), cache.Config{})
	for range 2 { // and is not kept
		func() {
			defer func() {
				p, ok := recover().(*cache.Panic)
				if !ok || !errors.Is(p, errDown) || !strings.Contains(p.Error(), "flight_test.go") {
					t.Errorf("panicked with %v", p)
				}
			}()
			_, _ = r.Resolve(t.Context(), bySlug)
		}()
	}
	if st := r.Stats(); st.Errors != 2 {
		t.Errorf("%+v", st)
	}
	quits := cache.New(core.ResolverFunc(func(context.Context, core.Ref) (*core.Tenant, error) {
		runtime.Goexit()
		return nil, nil
	}), cache.Config{})
	want(t, quits, bySlug, "", core.ErrResolverDown)
}

// The text of a Ref may be a buffer that is used again for the next request.
func TestRecycledBuffers(t *testing.T) {
	buf := []byte("acme")
	ref := core.BySlug(unsafeString(buf))
	entered, gate := make(chan struct{}), make(chan struct{})
	r := cache.New(core.ResolverFunc(func(_ context.Context, ref core.Ref) (*core.Tenant, error) {
		entered <- struct{}{}
		<-gate
		return named(ref.Text()), nil
	}), cache.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := r.Resolve(ctx, ref)
		done <- err
	}()
	<-entered
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	copy(buf, "evil")
	again := make(chan answer)
	go func() {
		tenant, err := r.Resolve(t.Context(), core.BySlug("acme"))
		again <- answer{tenant, err}
	}()
	close(gate)
	wantAnswer(t, again, "acme")
	want(t, r, core.BySlug("acme"), "acme", nil)
	if st := r.Stats(); st.Entries != 1 || st.Loads != 1 {
		t.Errorf("%+v", st)
	}
}

func TestConcurrentUse(t *testing.T) {
	var version atomic.Int64
	r := cache.New(core.ResolverFunc(func(_ context.Context, ref core.Ref) (*core.Tenant, error) {
		v := version.Load()
		runtime.Gosched()
		if v%7 == 0 {
			return nil, core.ErrTenantNotFound
		}
		return &core.Tenant{ID: acmeID, Slug: ref.Text(), Status: core.Active, Placement: core.Placement{MaxConcurrency: int(v)}}, nil
	}), cache.Config{Size: 4})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			slugs := []string{"a", "b", "c", "d", "e", "f"}
			for i := range 2000 {
				slug := slugs[(i+w)%len(slugs)]
				if i%50 == w {
					floor := version.Add(1)
					r.Invalidate(acmeID)
					if t2, err := r.Resolve(t.Context(), core.BySlug(slug)); err == nil && int64(t2.Placement.MaxConcurrency) < floor {
						t.Errorf("after the invalidation of version %d came %d", floor, t2.Placement.MaxConcurrency)
					}
					continue
				}
				if i%400 == 399 {
					r.Bypass(i%800 == 399)
				}
				got, err := r.ResolveShared(t.Context(), core.BySlug(slug))
				if err == nil && got.Slug != slug || err != nil && !errors.Is(err, core.ErrTenantNotFound) {
					t.Errorf("%s: %v, %v", slug, got, err)
				}
			}
		})
	}
	wg.Wait()
	if st := r.Stats(); st.Entries > 4 || r.Indexed() != st.Entries {
		t.Errorf("%d entries, %d in the index", st.Entries, r.Indexed())
	}
}
