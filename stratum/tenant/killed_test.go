package tenant_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// gone waits until the server has noticed that a child was killed.
func (w *world) gone(t testing.TB) {
	t.Helper()
	w.await(t, `select from (values ($1)) x where not exists (select from pg_locks l join pg_stat_activity a using (pid)
		where l.locktype = 'advisory' and a.datname = current_database() and a.usename = 'stratum_lib')`, "")
}

func TestKilledAtEachPoint(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow")
	}
	w := newWorld(t)
	services := []*tenant.Service{w.open(t, w.config()), w.open(t, w.config()), w.open(t, w.config())}
	for _, strategy := range placed() {
		for i, point := range []string{beforeMake, inMigrate, afterMake, beforeRemove, afterRemove, afterMake} {
			spares := i / 5 // the last time one is made ahead
			t.Run(fmt.Sprintf("%s/%s/%d", strategy, point, spares), func(t *testing.T) {
				kill := w.start(t, job{Strategies: []core.Strategy{strategy}, Spares: spares, Point: point}, point)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // it would wait for what it takes for dead
				defer cancel()
				if n, err := services[0].Recover(ctx); n != 0 || err != nil {
					t.Errorf("recovered %d of a living process, %v", n, err)
				}
				if got := w.things(t); got.Journal != 1 {
					t.Errorf("%+v while it lives", got)
				}
				kill()
				w.gone(t)
				var removed atomic.Int64
				var wg sync.WaitGroup
				for _, s := range services { // at once, as if three processes started
					wg.Go(func() {
						n, err := s.Recover(t.Context())
						if removed.Add(int64(n)); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if got := w.things(t); got != (things{}) || removed.Load() != 1 {
					t.Errorf("%d removed, %+v is left", removed.Load(), got)
				}
			})
		}
	}
}

// The next Open recovers, too.
func TestOpenRecovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(t, job{Strategies: placed(), Point: inMigrate}, inMigrate)()
	w.gone(t)
	w.open(t, w.config())
	if got := w.things(t); got != (things{}) {
		t.Errorf("%+v is left", got)
	}
}

// A child is killed while the server makes something for it, and goes on making it. Recovery
// waits for that, or it would find nothing to remove.
func TestKilledWhileServerWorks(t *testing.T) {
	for _, strategy := range placed() { // not parallel: it holds a catalog
		w := newWorld(t)
		s := w.open(t, w.config())
		release := w.holdCatalog(t, strategy)
		kill := w.start(t, job{Strategies: []core.Strategy{strategy}}, "ready")
		w.await(t, "select from pg_stat_activity where usename = $1 and wait_event_type = 'Lock' and query like '%create %'", w.login)
		kill()
		w.gone(t)
		removed := make(chan int)
		go func() {
			n, err := s.Recover(t.Context())
			if err != nil {
				t.Error(err)
			}
			removed <- n
		}()
		w.await(t, `select from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and not l.granted and a.usename = $1`, w.login)
		release()
		if n := <-removed; n != 1 {
			t.Errorf("%d removed", n)
		}
		if got := w.things(t); got != (things{}) {
			t.Errorf("%s: %+v is left", strategy, got)
		}
	}
}

// Wherever a child is killed, recovery leaves the tenants with their places and nothing else.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	rounds := 6
	if testing.Short() {
		rounds = 3
	}
	w := newWorld(t)
	s := w.open(t, w.config())
	for round := range rounds {
		kill := w.start(t, job{Strategies: placed(), Spares: round % 3}, "ready")
		<-time.After(rand.N(600 * time.Millisecond))
		kill()
		w.gone(t)
		before := w.things(t)
		if _, err := s.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := w.things(t)
		if got.Journal != 0 || got.Schemas != got.Roles || got.Schemas+got.Databases != got.Tenants+got.Spares {
			t.Fatalf("%+v is left of %+v", got, before)
		}
		page, err := s.List(t.Context(), tenant.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, made := range page.Tenants { // killed between Create and Purge
			w.archive(t, made.ID)
			if err := s.Purge(t.Context(), made.ID); err != nil {
				t.Fatal(err)
			}
		}
		w.Exec(t, embedpg.Lib, "truncate stratum.audit_log, stratum.events")
	}
	w.removeSpares(t)
	if got := w.things(t); got != (things{}) {
		t.Errorf("%+v is left", got)
	}
}
