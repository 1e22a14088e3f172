package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

var errMigrate = errors.New("the application does not like it")

// A Create that fails in the migrations, however, leaves nothing.
func TestNothingIsLeftOfFailedMigrations(t *testing.T) {
	t.Parallel()
	for _, strategy := range placed() {
		w := newWorld(t)
		broken := notes()
		broken["00003_broken.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\ncreate table a (id int);\ncreate table note (id int);")}
		for name, cfg := range map[string]placement.Config{
			"SQL":        {Migrations: broken},
			"an error":   {Migrate: func(context.Context, *pgx.Conn, core.Placement) error { return errMigrate }},
			"half a way": {Migrate: halfway},
			"a dead connection": {Migrate: func(ctx context.Context, conn *pgx.Conn, _ core.Placement) error {
				_, err := conn.Exec(ctx, "select pg_terminate_backend(pg_backend_pid())")
				return err
			}},
			"an open transaction": {Migrate: func(ctx context.Context, conn *pgx.Conn, _ core.Placement) error {
				_, err := conn.Exec(ctx, "begin; create table a (id int)")
				return errors.Join(err, errMigrate)
			}},
		} {
			cfg.Owner = w.owner
			if made, err := w.open(t, cfg).Create(t.Context(), tenant.New{Name: "N", Slug: "n", Strategy: strategy}); err == nil || made != nil {
				t.Errorf("%s, %s: %v, %v", strategy, name, made, err)
			}
			if got := w.things(t); got != (things{}) {
				t.Errorf("%s, %s: %+v is left", strategy, name, got)
			}
		}
		newTenant(t, w.open(t, w.config()), "n", strategy) // nothing is in its way
	}
}

func halfway(ctx context.Context, conn *pgx.Conn, _ core.Placement) error {
	if _, err := conn.Exec(ctx, "create table a (id serial); create function f() returns int language sql as 'select 1'; create type e as enum ('x')"); err != nil {
		return err
	}
	return errMigrate
}

func TestNothingIsLeftOfPanics(t *testing.T) {
	t.Parallel()
	for _, strategy := range placed() {
		w := newWorld(t)
		s := w.open(t, placement.Config{Owner: w.owner, Migrate: func(context.Context, *pgx.Conn, core.Placement) error { panic(errMigrate) }})
		func() {
			defer func() {
				if p := recover(); p != errMigrate {
					t.Errorf("it panicked with %v", p)
				}
			}()
			_, err := s.Create(t.Context(), tenant.New{Name: "N", Slug: "n", Strategy: strategy})
			t.Errorf("no panic, %v", err)
		}()
		if got := w.things(t); got != (things{}) {
			t.Errorf("%s: %+v is left", strategy, got)
		}
	}
}

// Its context ends while the migrations wait for something, or when they are done.
func TestNothingIsLeftOfCancelled(t *testing.T) {
	t.Parallel()
	for _, strategy := range placed() {
		w := newWorld(t)
		for name, after := range map[string]string{"during": "select pg_sleep(60)", "after": "select 1"} {
			ctx, cancel := context.WithCancel(t.Context())
			s := w.open(t, placement.Config{Owner: w.owner, Migrate: func(ctx context.Context, conn *pgx.Conn, _ core.Placement) error {
				_, err := conn.Exec(ctx, "create table a (id int)")
				cancel()
				if name == "during" {
					_, err = conn.Exec(ctx, after)
				}
				return err
			}})
			if _, err := s.Create(ctx, tenant.New{Name: "N", Slug: "n", Strategy: strategy}); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %s: %v", strategy, name, err)
			}
			if got := w.things(t); got != (things{}) {
				t.Errorf("%s, %s: %+v is left", strategy, name, got)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := w.open(t, w.config()).Create(ctx, tenant.New{Name: "N", Slug: "n", Strategy: strategy}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, before: %v", strategy, err)
		}
	}
}

// The server is still at CREATE DATABASE or CREATE SCHEMA when the caller gives up.
func TestNothingIsLeftOfCancelledStatements(t *testing.T) {
	for _, strategy := range placed() { // not parallel: it holds a catalog
		w := newWorld(t)
		s := w.open(t, w.config())
		hold := w.holdCatalog(t, strategy)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := s.Create(ctx, tenant.New{Name: "N", Slug: "n", Strategy: strategy})
			done <- err
		}()
		w.await(t, "select from pg_stat_activity where usename = $1 and wait_event_type = 'Lock' and query like '%create %'", w.login)
		cancel()
		w.await(t, "select from (values ($1)) x where not exists (select from pg_stat_activity where query like '%create %' and wait_event_type = 'Lock')", "")
		hold()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if got := w.things(t); got != (things{}) {
			t.Errorf("%s: %+v is left", strategy, got)
		}
	}
}

// holdCatalog keeps the server from finishing a CREATE until the function is called.
func (w *world) holdCatalog(t testing.TB, strategy core.Strategy) func() {
	t.Helper()
	catalog := map[core.Strategy]string{core.SchemaPerTenant: "pg_namespace", core.DatabasePerTenant: "pg_database"}[strategy]
	tx, err := w.Conn(t, embedpg.Superuser).Begin(t.Context())
	if err == nil {
		_, err = tx.Exec(t.Context(), "lock table pg_catalog."+catalog+" in share row exclusive mode")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// await asks until there is a row.
func (w *world) await(t testing.TB, sql string, arg any) {
	t.Helper()
	conn := w.Conn(t, embedpg.Superuser)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for n := 0; n == 0; {
		if err := conn.QueryRow(ctx, "select count(*) from ("+sql+") x", arg).Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
}

// What changes while a place is made is seen when the tenant is to be inserted.
func TestParentSuspendedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, strategy := range placed() {
		w := newWorld(t)
		root := create(t, w.open(t, w.config()), "root", core.ID{})
		s := w.open(t, placement.Config{Owner: w.owner, Migrate: func(ctx context.Context, _ *pgx.Conn, _ core.Placement) error {
			_, err := w.open(t, placement.Config{}).Suspend(ctx, root.ID)
			return err
		}})
		if _, err := s.Create(t.Context(), tenant.New{Name: "N", Slug: "n", Parent: root.ID, Strategy: strategy}); !errors.Is(err, core.ErrTenantSuspended) {
			t.Error(err)
		}
		if got := w.things(t); got != (things{Tenants: 1}) {
			t.Errorf("%s: %+v is left", strategy, got)
		}
	}
}

// What is refused is refused before anything is made.
func TestRehearsal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.open(t, placement.Config{Owner: w.owner, Migrate: func(context.Context, *pgx.Conn, core.Placement) error {
		t.Error("it made a place")
		return nil
	}})
	create(t, s, "taken", core.ID{})
	for _, strategy := range placed() {
		if _, err := s.Create(t.Context(), tenant.New{Name: "N", Slug: "taken", Strategy: strategy}); !errors.Is(err, core.ErrTenantExists) {
			t.Error(err)
		}
		if _, err := s.Create(t.Context(), tenant.New{Name: "N", Slug: "n", Parent: core.NewID(), Strategy: strategy}); !errors.Is(err, core.ErrTenantNotFound) {
			t.Error(err)
		}
	}
	if n := count(t, w.Database, "select count(*) from stratum.audit_log"); n != 1 {
		t.Errorf("%d records of one tenant", n)
	}
}

// A Create that lost its connection, and with it the lock, can no longer insert the
// tenant, whether or not somebody else has begun to clean up behind its back.
func TestLockLostMeanwhile(t *testing.T) {
	t.Parallel()
	for _, strategy := range placed() {
		for _, recovering := range []bool{false, true} {
			w := newWorld(t)
			other := w.open(t, w.config())
			recovered := make(chan error, 1)
			s := w.open(t, placement.Config{Owner: w.owner, Migrate: func(ctx context.Context, conn *pgx.Conn, _ core.Placement) error {
				if n, err := other.Recover(ctx); n != 0 || err != nil {
					return fmt.Errorf("recovered %d of a living process, %w", n, err)
				}
				w.cutOff(t)
				if recovering {
					go func() {
						_, err := other.Recover(context.WithoutCancel(ctx))
						recovered <- err
					}()
					w.await(t, `select from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and not l.granted and a.usename = $1`, w.login)
				} else {
					recovered <- nil
				}
				_, err := conn.Exec(ctx, "create table a (id int)")
				return err
			}})
			if _, err := s.Create(t.Context(), tenant.New{Name: "N", Slug: "n", Strategy: strategy}); err == nil {
				t.Error("a tenant was made without the lock")
			}
			if err := <-recovered; err != nil {
				t.Error(err)
			}
			if got := w.things(t); got != (things{}) {
				t.Errorf("%s, recovering %v: %+v is left", strategy, recovering, got)
			}
		}
	}
}

// cutOff ends the sessions of the library that hold locks.
func (w *world) cutOff(t testing.TB) {
	t.Helper()
	w.Exec(t, embedpg.Superuser, `select pg_terminate_backend(l.pid, 5000) from pg_locks l join pg_stat_activity a using (pid)
		where l.locktype = 'advisory' and a.datname = current_database() and a.usename = 'stratum_lib'`)
}

// The lock is lost before anything is made, and somebody else finds nothing to remove. What
// is made then is not in the journal any more.
func TestRecoveredTooEarly(t *testing.T) {
	t.Parallel()
	for _, strategy := range placed() {
		w := newWorld(t)
		other := w.open(t, w.config())
		places, err := placement.New(w.config())
		if err != nil {
			t.Fatal(err)
		}
		base, err := db.Open(t.Context(), w.URL(embedpg.Lib), "")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(base.Close)
		s := newService(t, base, tenant.Config{Places: points{places, func(point string) {
			if point != beforeMake {
				return
			}
			w.cutOff(t)
			if n, err := other.Recover(t.Context()); n != 1 || err != nil {
				t.Error(n, err)
			}
		}}})
		if _, err := s.Create(t.Context(), tenant.New{Name: "N", Slug: "n", Strategy: strategy}); err == nil {
			t.Error("a tenant was made without the lock")
		}
		if got := w.things(t); got != (things{}) {
			t.Errorf("%s: %+v is left", strategy, got)
		}
	}
}
