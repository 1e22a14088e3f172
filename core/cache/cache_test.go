package cache_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
)

func TestHitsAndTTL(t *testing.T) {
	r, s, clock := fixture(cache.Config{})
	for i, ref := range refs {
		want(t, r, ref, "acme", nil)
		want(t, r, ref, "acme", nil)
		wantCalls(t, s, i+1)
	}
	s.set(bySlug, named("changed"))
	clock.Advance(time.Minute - 1)
	want(t, r, bySlug, "acme", nil)
	clock.Advance(1)
	want(t, r, bySlug, "changed", nil)
}

func TestResolveCopiesAndKeepsACopy(t *testing.T) {
	mine := named("acme")
	r := cache.New(core.Resolver(core.ResolverFunc(anyRef)), cache.Config{})
	first, err := r.Resolve(t.Context(), bySlug)
	if err != nil {
		t.Fatal(err)
	}
	first.Slug, first.Domains[0] = "evil", "evil"
	again, _ := r.ResolveShared(t.Context(), bySlug)
	if again.Slug != "brazil" || again.Domains[0] != "brazil.example.com" {
		t.Error("a caller corrupted the cache")
	}
	if other, _ := r.ResolveShared(t.Context(), bySlug); other != again {
		t.Error("ResolveShared copies")
	}
	kept := cache.New(keeps{mine}, cache.Config{})
	want(t, kept, bySlug, "acme", nil)
	mine.Name = "changed by the source"
	want(t, kept, bySlug, "acme", nil)
}

func TestNegative(t *testing.T) {
	nobody := core.BySlug("nobody")
	for _, c := range []struct {
		cfg  cache.Config
		hold time.Duration
	}{
		{cache.Config{}, 5 * time.Second},
		{cache.Config{TTL: time.Second}, time.Second},
		{cache.Config{TTL: time.Second, NegativeTTL: time.Hour}, time.Second},
		{cache.Config{NegativeTTL: 2 * time.Second}, 2 * time.Second},
		{cache.Config{NegativeTTL: -1}, 0},
	} {
		t.Run(fmt.Sprint(c.cfg.TTL, c.cfg.NegativeTTL), func(t *testing.T) {
			r, s, clock := fixture(c.cfg)
			want(t, r, nobody, "", core.ErrTenantNotFound)
			if c.hold > 0 {
				clock.Advance(c.hold - 1)
				want(t, r, nobody, "", core.ErrTenantNotFound)
				wantCalls(t, s, 1)
				clock.Advance(1)
			}
			s.set(nobody, named("new"))
			want(t, r, nobody, "new", nil)
			wantCalls(t, s, 2)
		})
	}
}

func TestBadAnswersAreNotFoundOrRefused(t *testing.T) {
	r, _, _ := fixture(cache.Config{})
	want(t, r, core.Ref{}, "", core.ErrTenantNotFound)
	want(t, cache.New(keeps{nil}, cache.Config{}), bySlug, "", core.ErrTenantNotFound)
	want(t, cache.New(keeps{&core.Tenant{}}, cache.Config{}), bySlug, "", core.ErrTenantNotFound)
	want(t, cache.New(keeps{named("x")}, cache.Config{}), core.ByID(core.ID{9}), "", core.ErrInternal)
}

func TestErrorsAreNotKept(t *testing.T) {
	var slip *core.Error
	for _, failure := range []error{errDown, core.ErrResolverDown, core.ErrInternal, core.ErrUnauthorized, slip} {
		r, s, _ := fixture(cache.Config{})
		s.fail(failure)
		if _, err := r.Resolve(t.Context(), bySlug); !errors.Is(err, failure) {
			t.Errorf("error %v, want %v", err, failure)
		}
		s.fail(nil)
		want(t, r, bySlug, "acme", nil)
		wantCalls(t, s, 2)
	}
}

func TestFloodOfUnknownTenantsEvictsNobody(t *testing.T) {
	r, s, _ := fixture(cache.Config{Size: 8})
	want(t, r, bySlug, "acme", nil)
	for i := range 100 {
		want(t, r, core.BySlug(fmt.Sprintf("n%d", i)), "", core.ErrTenantNotFound)
	}
	before := s.count()
	want(t, r, bySlug, "acme", nil)
	wantCalls(t, s, before)
	if st := r.Stats(); st.Entries != 1 || st.NegativeEntries != 8 {
		t.Errorf("%+v", st)
	}
}

func TestSizeIsBounded(t *testing.T) {
	r, s, _ := fixture(cache.Config{Size: 3})
	for _, ref := range refs {
		want(t, r, ref, "acme", nil)
	}
	if st := r.Stats(); st.Entries != 3 || st.Evictions != 1 {
		t.Errorf("%+v", st)
	}
	want(t, r, refs[0], "acme", nil) // was the least recently used
	wantCalls(t, s, 5)
}

func TestInvalidate(t *testing.T) {
	r, s, _ := fixture(cache.Config{})
	other := &core.Tenant{ID: core.ID{7}, Slug: "other", Name: "other", Status: core.Active}
	s.set(core.BySlug("other"), other)
	want(t, r, core.BySlug("other"), "other", nil)
	want(t, r, core.BySlug("new"), "", core.ErrTenantNotFound)
	for _, ref := range refs {
		want(t, r, ref, "acme", nil)
		s.set(ref, named("changed"))
	}
	s.set(core.BySlug("new"), named("changed"))
	r.Invalidate(acmeID)
	for _, ref := range refs {
		want(t, r, ref, "changed", nil)
	}
	want(t, r, core.BySlug("new"), "changed", nil)
	before := s.count()
	want(t, r, core.BySlug("other"), "other", nil)
	wantCalls(t, s, before)
	r.Invalidate(core.ID{99}) // nobody's
	want(t, r, bySlug, "changed", nil)
	wantCalls(t, s, before)
	r.Flush()
	want(t, r, core.BySlug("other"), "other", nil)
	wantCalls(t, s, before+1)
	if st := r.Stats(); st.Invalidations != 3 || st.Entries != 1 {
		t.Errorf("%+v", st)
	}
}

// A slug that passes from one tenant to another must follow the one it is with.
func TestInvalidateFollowsARef(t *testing.T) {
	r, s, clock := fixture(cache.Config{})
	want(t, r, bySlug, "acme", nil)
	heir := &core.Tenant{ID: core.ID{7}, Slug: "acme", Name: "heir", Status: core.Active}
	s.set(bySlug, heir)
	clock.Advance(time.Minute)
	want(t, r, bySlug, "heir", nil)
	before := s.count()
	r.Invalidate(acmeID) // no longer its own
	want(t, r, bySlug, "heir", nil)
	wantCalls(t, s, before)
	r.Invalidate(heir.ID)
	want(t, r, bySlug, "heir", nil)
	wantCalls(t, s, before+1)
}

func TestInvalidateSubtree(t *testing.T) {
	r, s, _ := fixture(cache.Config{})
	s.set(core.BySlug("root"), &core.Tenant{ID: core.ID{1}, Slug: "root", Name: "root"})
	s.set(core.BySlug("other"), &core.Tenant{ID: core.ID{7}, Slug: "other", Name: "other"})
	warm := func() {
		want(t, r, bySlug, "acme", nil)
		want(t, r, core.BySlug("root"), "root", nil)
		want(t, r, core.BySlug("other"), "other", nil)
	}
	warm()
	r.Invalidate(core.ID{1})
	warm()
	wantCalls(t, s, 4)
	r.InvalidateSubtree(core.ID{1})
	warm()
	wantCalls(t, s, 6)
}

func TestMaxStale(t *testing.T) {
	r, s, clock := fixture(cache.Config{TTL: time.Minute, MaxStale: time.Hour})
	want(t, r, bySlug, "acme", nil)
	s.fail(errDown)
	clock.Advance(time.Minute)
	want(t, r, bySlug, "acme", nil)
	wantCalls(t, s, 2)
	want(t, r, bySlug, "acme", nil) // the source has a moment's rest
	wantCalls(t, s, 2)
	clock.Advance(time.Second)
	want(t, r, bySlug, "acme", nil)
	wantCalls(t, s, 3)
	want(t, r, refs[0], "", errDown) // what was never known cannot be given
	if st := r.Stats(); st.Stale != 2 || st.Errors != 3 {
		t.Errorf("%+v", st)
	}
	clock.Advance(time.Hour - 1500*time.Millisecond)
	want(t, r, bySlug, "acme", nil)
	clock.Advance(500 * time.Millisecond) // TTL and MaxStale are over, the moment's rest is not
	want(t, r, bySlug, "", errDown)

	s.fail(nil)
	want(t, r, bySlug, "acme", nil)
	s.fail(errDown)
	r.Invalidate(acmeID)
	want(t, r, bySlug, "", errDown) // never what was invalidated
}

// An answer is not an outage, if it is not the answer one would like.
func TestMaxStaleDoesNotOutliveAnAnswer(t *testing.T) {
	for _, answer := range []error{core.ErrUnauthorized, core.ErrTenantNotFound, core.ErrInternal} {
		r, s, clock := fixture(cache.Config{TTL: time.Minute, MaxStale: time.Hour})
		want(t, r, bySlug, "acme", nil)
		clock.Advance(time.Minute)
		s.fail(answer)
		want(t, r, bySlug, "", answer)
		s.fail(errDown)
		clock.Advance(10 * time.Second)
		want(t, r, bySlug, "", errDown)
	}
}

func TestBypass(t *testing.T) {
	r, s, _ := fixture(cache.Config{})
	want(t, r, bySlug, "acme", nil)
	r.Bypass(true)
	for i, name := range []string{"one", "two", "three"} {
		s.set(bySlug, named(name))
		want(t, r, bySlug, name, nil)
		wantCalls(t, s, i+2)
	}
	if st := r.Stats(); !st.Bypassed || st.Entries != 0 {
		t.Errorf("%+v", st)
	}
	r.Bypass(true)
	r.Bypass(false)
	s.set(bySlug, named("four"))
	want(t, r, bySlug, "four", nil)
	s.set(bySlug, named("five"))
	want(t, r, bySlug, "four", nil)
	r.Bypass(false) // changes nothing
	want(t, r, bySlug, "four", nil)
}

func TestLongTextsAndSecretsAreDigested(t *testing.T) {
	r, s, _ := fixture(cache.Config{})
	long := core.ByDomain(strings.Repeat("a", 100_000))
	s.set(long, named("long"))
	want(t, r, long, "long", nil)
	want(t, r, long, "long", nil)
	want(t, r, core.ByDomain(strings.Repeat("a", 99_999)), "", core.ErrTenantNotFound)
	want(t, r, core.ByKey(strings.Repeat("k", 300)), "", core.ErrTenantNotFound)
	want(t, r, core.ByKey("sk_acme"), "acme", nil)
	if dump := fmt.Sprintf("%+v", r.Dump()); strings.Contains(dump, "sk_acme") || len(dump) > 10_000 {
		t.Errorf("the cache holds a key or a long text: %.300s", dump)
	}
	want(t, r, core.BySlug("sk_acme"), "", core.ErrTenantNotFound) // a key is no slug
}

func TestNewPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"nil source":      func() { cache.New(nil, cache.Config{}) },
		"negative size":   func() { cache.New(keeps{nil}, cache.Config{Size: -1}) },
		"negative ttl":    func() { cache.New(keeps{nil}, cache.Config{TTL: -1}) },
		"negative stale":  func() { cache.New(keeps{nil}, cache.Config{MaxStale: -1}) },
		"negative timout": func() { cache.New(keeps{nil}, cache.Config{Timeout: -1}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			f()
		})
	}
}
