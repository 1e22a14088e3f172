package stratumpgx

import (
	"container/list"
	"context"
	"fmt"
	"sync"

	"github.com/stratum-hq/stratum-go/core"
)

// Databases finds the databases of tenants that have one of their own.
type Databases interface {
	// ConnectionString returns the connection string of the application's login for the
	// database with this key, that of a placement. It is asked each time a pool is opened,
	// also after a connection of the pool before could not be made, so what a secret manager
	// rotates is found. Neither the string nor the text of the error reaches errors or logs
	// of this package.
	ConnectionString(ctx context.Context, key string) (string, error)
}

// ReplicatedDatabases are [Databases] that may have read replicas, for work under
// [core.ReadOnly].
type ReplicatedDatabases interface {
	Databases

	// ReplicaConnectionString is ConnectionString for the replica. Empty: there is none.
	ReplicaConnectionString(ctx context.Context, key string) (string, error)
}

// DatabasesFunc is a function as [Databases].
type DatabasesFunc func(ctx context.Context, key string) (string, error)

// ConnectionString implements [Databases].
func (f DatabasesFunc) ConnectionString(ctx context.Context, key string) (string, error) {
	return f(ctx, key)
}

// StaticDatabases is a fixed map from key to connection string, as [Databases].
type StaticDatabases map[string]core.Secret

// ConnectionString implements [Databases].
func (s StaticDatabases) ConnectionString(_ context.Context, key string) (string, error) {
	dsn, ok := s[key]
	if !ok {
		return "", core.Errorf(core.ScopeUnsupported, "there is no connection string for the database %q", key)
	}
	return dsn.Reveal(), nil
}

// DatabaseLimits bound the pools of tenants' own databases; replicas have as many again.
// Zero fields have defaults.
type DatabaseLimits struct {
	// ConnsPerDatabase is the most connections to one database; default 4.
	ConnsPerDatabase int

	// MaxConns is the most connections to all of them together; default 100. A pool
	// counts with all that it may have.
	MaxConns int

	// MaxPools is the most pools open at once; default as many as MaxConns allows.
	MaxPools int
}

func (l DatabaseLimits) withDefaults() DatabaseLimits {
	if l.ConnsPerDatabase == 0 {
		l.ConnsPerDatabase = 4
	}
	if l.MaxConns == 0 {
		l.MaxConns = 100
	}
	fit := l.MaxConns / l.ConnsPerDatabase
	if l.MaxPools == 0 || l.MaxPools > fit {
		l.MaxPools = fit
	}
	return l
}

func (l DatabaseLimits) validate() error {
	for _, f := range []struct {
		name  string
		value int
	}{{"ConnsPerDatabase", l.ConnsPerDatabase}, {"MaxConns", l.MaxConns}, {"MaxPools", l.MaxPools}} {
		if f.value < 0 {
			return core.Errorf(core.Validation, "Config.DatabaseLimits.%s is negative", f.name).With("field", "DatabaseLimits."+f.name)
		}
	}
	if d := l.withDefaults(); d.MaxPools < 1 {
		return core.Errorf(core.Validation, "Config.DatabaseLimits allows %d connections in all and %d for each database: not even one pool fits",
			d.MaxConns, d.ConnsPerDatabase).With("field", "DatabaseLimits.MaxConns")
	}
	return nil
}

// databases are the pools of tenants' own databases: opened at their first use, leased by
// each unit of work, and closed, the one least recently used first, when another one needs
// the room and nobody has a lease. Since a leased pool is never closed, room is waited for.
type databases struct {
	limits  DatabaseLimits
	open    func(ctx context.Context, key string) (*pool, error)
	replica func(ctx context.Context, key string) (*pool, error) // nil: there are none

	mu      sync.Mutex
	all     map[string]*tenantDatabase
	idle    *list.List // of *tenantDatabase without a lease, the longest idle in front
	closing int        // pools that still have connections
	changed chan struct{}
	closed  bool
	ended   sync.WaitGroup
}

// tenantDatabase is the pool of one database.
type tenantDatabase struct {
	place
	replica *place // nil: there is none
	key     string
	leases  int
	seat    *list.Element // in idle
}

// most is how many connections all pools together may have.
func (d *databases) most() int {
	n := d.limits.MaxPools * d.limits.ConnsPerDatabase
	if d.replica != nil {
		n *= 2
	}
	return n
}

func newDatabases(limits DatabaseLimits, open func(context.Context, string) (*pool, error)) *databases {
	return &databases{limits: limits, open: open, all: map[string]*tenantDatabase{}, idle: list.New(), changed: make(chan struct{})}
}

// begin takes a lease on the pool of a database; end gives it back. It waits for room
// until ctx ends. The pool itself is opened by [place.get].
func (d *databases) begin(ctx context.Context, key string) (*tenantDatabase, error) {
	for {
		d.mu.Lock()
		if d.closed {
			d.mu.Unlock()
			return nil, errClosed
		}
		t := d.all[key]
		if t == nil && len(d.all)+d.closing < d.limits.MaxPools {
			t = &tenantDatabase{key: key}
			t.name = fmt.Sprintf("the database %q", key)
			t.place.open = func(ctx context.Context) (*pool, error) { return d.open(ctx, key) }
			if d.replica != nil {
				t.replica = &place{name: "the replica of " + t.name, open: func(ctx context.Context) (*pool, error) { return d.replica(ctx, key) }}
			}
			d.all[key] = t
		}
		if t != nil {
			t.leases++
			if t.seat != nil {
				d.idle.Remove(t.seat)
				t.seat = nil
			}
			d.mu.Unlock()
			return t, nil
		}
		if oldest := d.idle.Front(); oldest != nil {
			d.evict(oldest.Value.(*tenantDatabase))
		}
		changed := d.changed
		d.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("stratumpgx: all %d pools of tenants' databases are in use: %w", d.limits.MaxPools, ctx.Err())
		case <-changed:
		}
	}
}

// end gives a lease back.
func (d *databases) end(t *tenantDatabase) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.leases--; t.leases > 0 {
		return
	}
	t.place.renew()
	if t.replica != nil {
		t.replica.renew()
	}
	if d.closed {
		d.evict(t)
		return
	}
	t.seat = d.idle.PushBack(t)
	d.announce()
}

// evict closes a pool that nobody has a lease on. It counts until it has no connection any
// more. The caller holds mu.
func (d *databases) evict(t *tenantDatabase) {
	if t.seat != nil {
		d.idle.Remove(t.seat)
		t.seat = nil
	}
	delete(d.all, t.key)
	d.closing++
	d.ended.Go(func() {
		t.place.close()
		if t.replica != nil {
			t.replica.close()
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		d.closing--
		d.announce()
	})
}

// announce wakes those who wait for room. The caller holds mu.
func (d *databases) announce() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// close closes all pools, and waits for leases.
func (d *databases) close() {
	d.mu.Lock()
	d.closed = true
	for d.idle.Len() > 0 {
		d.evict(d.idle.Front().Value.(*tenantDatabase))
	}
	for len(d.all) > 0 {
		changed := d.changed
		d.mu.Unlock()
		<-changed
		d.mu.Lock()
	}
	d.mu.Unlock()
	d.ended.Wait()
}
