package stratumpgx

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

// openTimeout bounds the opening of a pool, whoever waits for it.
const openTimeout = 10 * time.Second

// The pause after a failure doubles from one to the other.
const (
	firstPause = 250 * time.Millisecond
	lastPause  = 30 * time.Second
)

// place is a pool that is opened at its first use, by one flight for all who wait. After
// a failure it refuses at once for a while, so that a server that is down costs its
// tenants an error and nobody else anything.
type place struct {
	name string // for people
	open func(context.Context) (*pool, error)

	ready atomic.Pointer[pool] // what pool is, while all is well

	mu       sync.Mutex
	pool     *pool
	stale    bool          // a connection of the pool could not be made
	retired  *pool         // closed before another one is opened
	flight   chan struct{} // closed when opening has ended; nil: nobody is opening
	cancel   context.CancelFunc
	closed   bool
	failures int
	until    time.Time // refused until then
	reason   error     // why
}

var errClosed = errors.New("stratumpgx: the DB is closed")

// get returns the pool, and opens it if need be. What waits stops waiting with ctx; the
// flight goes on for others.
func (p *place) get(ctx context.Context) (*pool, error) {
	if made := p.ready.Load(); made != nil {
		return made, nil
	}
	p.mu.Lock()
	switch {
	case p.closed:
		p.mu.Unlock()
		return nil, errClosed
	case p.pausing():
		defer p.mu.Unlock()
		return nil, p.refusal()
	case p.pool != nil:
		defer p.mu.Unlock()
		return p.pool, nil
	case p.flight == nil:
		p.flight = make(chan struct{})
		var flying context.Context
		flying, p.cancel = context.WithTimeout(context.WithoutCancel(ctx), openTimeout)
		go p.fly(flying, p.flight)
	}
	flight := p.flight
	p.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-flight:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, errClosed
	case p.pool == nil:
		return nil, p.refusal()
	}
	return p.pool, nil
}

func (p *place) fly(ctx context.Context, flight chan struct{}) {
	p.mu.Lock()
	retired := p.retired
	p.retired = nil
	p.mu.Unlock()
	if retired != nil {
		retired.Close() // first: both together would be more than the place may have
	}
	made, err := p.open(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cancel()
	p.flight = nil
	switch {
	case err != nil:
		p.note(err)
	case p.closed:
		made.Close()
	default:
		p.pool, p.stale, p.failures = made, false, 0
		p.ready.Store(made)
	}
	close(flight)
}

// pausing reports whether a failure is too recent to try again. The caller holds mu.
func (p *place) pausing() bool { return p.failures > 0 && time.Now().Before(p.until) }

// refusal is the error of a place that cannot be reached. The caller holds mu.
func (p *place) refusal() error {
	var told *core.Error
	if errors.As(p.reason, &told) {
		return told // such as an unsafe login: it has its own sentence; what is around it may have secrets
	}
	return core.Errorf(core.DatabaseDown, "%s cannot be reached at the moment: %s", p.name, withoutSecrets(p.reason))
}

// note remembers a failure. The caller holds mu.
func (p *place) note(err error) {
	pause := min(firstPause<<min(p.failures, 16), lastPause)
	p.failures++
	p.reason = err
	p.ready.Store(nil)
	// Half of it at random, so that processes that failed together do not return together.
	p.until = time.Now().Add(pause/2 + rand.N(pause/2))
}

// failed remembers that a connection of the open pool could not be made.
func (p *place) failed(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.note(err)
	p.stale = p.pool != nil
	return p.refusal()
}

// renew makes the next user open another pool, once the pause is over, if a connection of
// this one could not be made: its password may have changed since. The caller makes sure
// that nobody uses the pool.
func (p *place) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stale && p.pool != nil {
		p.pool, p.retired, p.stale = nil, p.pool, false
		p.ready.Store(nil)
	}
}

// succeeded ends what failures have begun.
func (p *place) succeeded() {
	if p.ready.Load() != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed && p.pool != nil {
		p.failures = 0
		p.ready.Store(p.pool)
	}
}

// close closes the pool, once those who have a connection of it have given it back.
func (p *place) close() {
	p.mu.Lock()
	p.closed = true
	p.ready.Store(nil)
	pools, flight := [...]*pool{p.pool, p.retired}, p.flight
	p.pool, p.retired = nil, nil
	if flight != nil {
		p.cancel()
	}
	p.mu.Unlock()
	if flight != nil {
		<-flight
	}
	for _, made := range pools {
		if made != nil {
			made.Close()
		}
	}
}
