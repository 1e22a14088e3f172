package cache

import (
	"context"
	"sync"

	"github.com/stratum-hq/stratum-go/core"
)

// Resolver is a caching [core.Resolver]. It is safe for concurrent use, and has no
// goroutine but one for each call of the source, which ends with it.
type Resolver struct {
	source core.Resolver
	cfg    Config
	now    func() instant

	mu      sync.Mutex // the source is never called under it
	known   *store
	flights map[key]*flight
	bypass  bool
	stats   Stats
}

var (
	_ core.Resolver       = (*Resolver)(nil)
	_ core.SharedResolver = (*Resolver)(nil)
)

// New returns a cache in front of source. It panics on a nil source, and on
// settings that can mean nothing.
func New(source core.Resolver, cfg Config) *Resolver {
	if source == nil {
		panic("cache: the source is nil")
	}
	cfg = cfg.complete()
	return &Resolver{
		source:  source,
		cfg:     cfg,
		now:     cfg.clock(),
		known:   newStore(cfg.Size),
		flights: make(map[key]*flight),
	}
}

// Resolve implements [core.Resolver]. The tenant is a copy, the caller's own.
func (r *Resolver) Resolve(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
	t, err := r.ResolveShared(ctx, ref)
	return t.Clone(), err
}

// ResolveShared implements [core.SharedResolver]. The tenant is the cache's, and
// must not be modified. If ctx ends before there is an answer, the error is
// [core.ErrResolverDown], with the context's as its cause. If the source panics, so
// does this, with a [*Panic].
func (r *Resolver) ResolveShared(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
	if ref.IsZero() {
		return nil, core.ErrTenantNotFound
	}
	k := keyOf(ref)
	now := r.now()
	r.mu.Lock()
	if !r.bypass {
		if e, ok := r.known.found.Get(k); ok {
			if now < e.until {
				r.stats.Hits++
				r.mu.Unlock()
				return e.tenant, nil
			}
		} else if r.known.absent(k, now) {
			r.stats.NegativeHits++
			r.mu.Unlock()
			return nil, core.ErrTenantNotFound
		}
	}
	r.stats.Misses++
	if err := ctx.Err(); err != nil { // nobody is waiting; do not trouble the source
		r.mu.Unlock()
		return nil, core.ErrResolverDown.Wrap(err)
	}
	f := r.join(k, ref, now)
	r.mu.Unlock()
	return f.wait(ctx)
}

// wait is outside the lock, and ends with the flight or with the caller's patience.
func (f *flight) wait(ctx context.Context) (*core.Tenant, error) {
	select {
	case <-f.done:
	case <-ctx.Done():
		return nil, core.ErrResolverDown.Wrap(ctx.Err())
	}
	if f.crash != nil {
		panic(f.crash)
	}
	return f.found, f.err
}

// Invalidate forgets a tenant under all its references, and everything about
// unknown tenants, any of which may now be this one. Calls that begin afterwards ask
// the source. It does not forget the tenants below; see [Resolver.InvalidateSubtree].
func (r *Resolver) Invalidate(id core.ID) {
	r.forget(func() { r.known.drop(id) })
}

// InvalidateSubtree is [Resolver.Invalidate] for a tenant and all that are cached as
// lying below it: after a move, their ancestors are others. It looks through the whole cache.
func (r *Resolver) InvalidateSubtree(id core.ID) {
	r.forget(func() { r.known.dropSubtree(id) })
}

// Flush forgets everything.
func (r *Resolver) Flush() {
	r.forget(func() { r.known.clear() })
}

// forget runs drop and lets go of all flights: nobody can tell yet which tenant one
// will bring, so none may be stored or joined any more.
func (r *Resolver) forget(drop func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats.Invalidations++
	clear(r.flights)
	drop()
}

// Bypass turns the cache off and on again: off while invalidations cannot be heard.
// Each change of state forgets everything; a call that changes nothing does nothing.
// Call Bypass(false) after invalidations are heard again, not before.
//
// While it is off, calls for one reference are still answered together where that
// makes no difference: at most one call of the source is in the air for each, and
// those who come meanwhile share the next one.
func (r *Resolver) Bypass(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bypass == on {
		return
	}
	r.bypass = on
	clear(r.flights)
	r.known.clear()
}

// Stats is what a cache has done so far, and what it holds.
type Stats struct {
	Hits          uint64 // answered with a tenant from the cache
	NegativeHits  uint64 // answered from the cache that there is none
	Misses        uint64 // neither
	Coalesced     uint64 // misses that shared a flight another call had begun
	Loads         uint64 // calls of the source
	Errors        uint64 // loads that brought neither a tenant nor its absence
	Stale         uint64 // loads in place of which a stale tenant was given
	Evictions     uint64 // tenants that made room for others
	Invalidations uint64 // calls of Invalidate, InvalidateSubtree and Flush

	Entries         int  // references to tenants
	NegativeEntries int  // references to none
	Bypassed        bool // see [Resolver.Bypass]
}

// Stats returns the statistics at this moment.
func (r *Resolver) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Entries, s.NegativeEntries, s.Bypassed = r.known.found.Len(), r.known.missing.Len(), r.bypass
	return s
}
