package cache

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/stratum-hq/stratum-go/core"
)

// flight is one call of the source, shared by all who wait for it. A flight that is
// no longer registered under its key serves those, and is not stored.
//
// (singleflight of golang.org/x/sync cannot forget all its keys at once, nor queue
// a second call behind the first.)
type flight struct {
	start instant
	next  *flight       // begins when this one has landed
	done  chan struct{} // closed after the fields below are set
	err   error
	crash *Panic
	found *core.Tenant
}

// Panic is the value with which a call panics whose flight did: the source ran in
// a goroutine of its own, and a panic must reach those who asked for it.
type Panic struct {
	Value any    // what the source panicked with
	Stack []byte // where
}

// Error describes the panic and where it happened.
func (p *Panic) Error() string {
	return fmt.Sprintf("cache: the resolver panicked: %v\n\n%s", p.Value, p.Stack)
}

// Unwrap returns the panic's value, if it was an error.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// join returns the flight to wait for. r.mu is held.
func (r *Resolver) join(k key, ref core.Ref, now instant) *flight {
	f := r.flights[k]
	switch {
	case f == nil:
	case r.bypass:
		// The one in the air may have read what a change has overtaken since; the one
		// behind it has not begun, so it is good for all who come before it does.
		if f.next == nil {
			f.next = &flight{done: make(chan struct{})}
		} else {
			r.stats.Coalesced++
		}
		return f.next
	case now < f.start.add(r.cfg.joinable()):
		r.stats.Coalesced++
		return f
	}
	k, ref = keep(k, ref)
	f = &flight{done: make(chan struct{})}
	r.flights[k] = f
	r.launch(k, ref, f, now)
	return f
}

// launch starts a flight. r.mu is held.
func (r *Resolver) launch(k key, ref core.Ref, f *flight, now instant) {
	f.start = now
	r.stats.Loads++
	go r.fly(k, ref, f)
}

func (r *Resolver) fly(k key, ref core.Ref, f *flight) {
	ctx, cancel := context.WithTimeout(context.Background(), r.cfg.Timeout)
	defer cancel()
	f.err = core.ErrResolverDown.Wrap(errors.New("the resolver ended its goroutine")) // unless it returns
	defer func() {
		if p := recover(); p != nil {
			f.crash = &Panic{Value: p, Stack: debug.Stack()}
		}
		r.land(k, ref, f)
		close(f.done)
	}()
	t, err := r.source.Resolve(ctx, ref)
	f.found, f.err = vet(ref, t, err)
}

// vet holds the source to its contract. The copy is the cache's own: a source that
// goes on using what it returned does no harm.
func vet(ref core.Ref, t *core.Tenant, err error) (*core.Tenant, error) {
	switch {
	case err != nil:
		return nil, err
	case t == nil || t.ID.IsZero():
		return nil, core.ErrTenantNotFound
	case ref.Kind() == core.RefID && t.ID != ref.ID():
		return nil, core.ErrInternal.Wrap(fmt.Errorf("the resolver was asked for tenant %s and answered with %s", ref.ID(), t.ID))
	}
	return t.Clone(), nil
}

// land stores what a flight brought, if it may, and starts the one behind it.
func (r *Resolver) land(k key, ref core.Ref, f *flight) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.crash != nil || f.err != nil && !errors.Is(f.err, core.ErrTenantNotFound) {
		r.stats.Errors++
	}
	if r.flights[k] == f {
		delete(r.flights, k)
		if !r.bypass && f.crash == nil {
			r.record(k, f, now)
		}
	}
	if f.next != nil {
		if _, taken := r.flights[k]; !taken {
			r.flights[k] = f.next
		}
		r.launch(k, ref, f.next, now)
	}
}

// record stores an answer. It holds from the start of the flight on: the source may
// have read at any time since. r.mu is held.
func (r *Resolver) record(k key, f *flight, now instant) {
	switch {
	case f.err == nil:
		until := f.start.add(r.cfg.TTL)
		if r.known.put(k, &entry{tenant: f.found, until: until, dead: until.add(r.cfg.MaxStale)}) {
			r.stats.Evictions++
		}
	case errors.Is(f.err, core.ErrTenantNotFound):
		r.known.found.Remove(k)
		if r.cfg.NegativeTTL > 0 {
			r.known.putAbsence(k, f.start.add(r.cfg.NegativeTTL))
		}
	case down(f.err):
		if e, ok := r.known.found.Peek(k); ok && now < e.dead {
			f.found, f.err = e.tenant, nil
			r.stats.Stale++
			e.until = min(now.add(retryStale), e.dead)
		}
	default: // an answer, if not one to keep: of a revoked key, for instance
		r.known.found.Remove(k)
	}
}

// down reports whether err says that the source cannot answer, rather than being its answer.
func down(err error) bool {
	var e *core.Error
	return !errors.As(err, &e) || e == nil || e.Code == core.ResolverDown
}
