package fleet_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
)

// block makes migrations to version v fail in a place.
func (w *world) block(t testing.TB, one *core.Tenant) {
	t.Helper()
	w.in(t, one.Placement, "create table t3 (id int)")
}

func TestCanaryFails(t *testing.T) {
	t.Parallel()
	for _, strategy := range []core.Strategy{core.SchemaPerTenant, core.DatabasePerTenant} {
		w := newWorld(t)
		all := w.make(t, strategy, 4)
		w.block(t, all[3])
		report, err := w.Fleet.Migrate(t.Context(), upTo(3), fleet.Config{Parallel: 1, ContinueOnError: true, Canary: []core.ID{all[3].ID, all[2].ID}})
		counts(t, report, map[fleet.Outcome]int{fleet.Failed: 1, fleet.Migrated: 1, fleet.NotStarted: 2})
		for _, word := range []string{all[3].ID.String(), all[3].Slug, "version 3", "00003_t3.sql", "already exists"} {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("no %q in %v", word, err)
			}
		}
		w.at(t, 1, all[0], all[1])
		w.at(t, 3, all[2])
		// What came before the migration that failed stays.
		if version := w.told(t, all[3].ID); version != 2 || version != w.truth(t, all[3].Placement) {
			t.Errorf("the one that failed is told to be at %d", version)
		}
	}
}

func TestOneFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.make(t, core.SchemaPerTenant, 4)
	w.block(t, all[1])
	report, err := w.Fleet.Migrate(t.Context(), upTo(3), fleet.Config{Parallel: 1})
	counts(t, report, map[fleet.Outcome]int{fleet.Migrated: 1, fleet.Failed: 1, fleet.NotStarted: 2})
	if r := report.Results[1]; err == nil || !errors.Is(err, r.Err) || r.Tenant != all[1].ID || r.From != 1 || r.To != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	w.at(t, 1, all[2:]...)
	report, err = w.Fleet.Migrate(t.Context(), upTo(3), fleet.Config{ContinueOnError: true})
	counts(t, report, map[fleet.Outcome]int{fleet.Migrated: 2, fleet.Failed: 1})
	if err == nil {
		t.Error("no error")
	}
	w.in(t, all[1].Placement, "drop table t3")
	counts(t, migrate(t, w.Stratum, upTo(3), fleet.Config{}), map[fleet.Outcome]int{fleet.Migrated: 1})
	w.at(t, 3, all...)
}

// A place that cannot be reached, or is none of ours, says nothing about its version.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := append(w.make(t, core.DatabasePerTenant, 1), w.make(t, core.SchemaPerTenant, 1)...)
	for column, one := range map[string]*core.Tenant{"database_key": all[0], "schema_name": all[1]} {
		for _, name := range []string{"x_none", `x"; drop`, ""} {
			change := func(to string) {
				if _, err := w.super.Exec(t.Context(), "update stratum.tenants set "+column+" = $2 where id = $1", one.ID.String(), to); err != nil {
					t.Fatal(err)
				}
			}
			change(name)
			_, err := w.Fleet.Migrate(t.Context(), upTo(2), fleet.Config{Only: []core.ID{one.ID}})
			if err == nil || strings.Contains(err.Error(), "postgres://") || name != "x_none" && !errors.Is(err, core.ErrScopeUnsupported) {
				t.Errorf("%q: %v", name, err)
			}
			change(one.Placement.Schema + one.Placement.Database)
		}
	}
	w.at(t, 1, all...)
}

func TestCancelledAndResumed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.make(t, core.SchemaPerTenant, 6)
	ctx, cancel := context.WithCancel(t.Context())
	report, err := w.Fleet.Migrate(ctx, upTo(2), fleet.Config{Parallel: 1, Progress: func(e fleet.Event) {
		if e.Done == 3 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	counts(t, report, map[fleet.Outcome]int{fleet.Migrated: 3, fleet.NotStarted: 3})
	// As if the process had died before it told of the second.
	if _, err := w.super.Exec(t.Context(), "update stratum.fleet set version = 1 where tenant_id = $1", all[1].ID.String()); err != nil {
		t.Fatal(err)
	}
	report = migrate(t, w.open(t, upTo(2)), upTo(2), fleet.Config{})
	counts(t, report, map[fleet.Outcome]int{fleet.Migrated: 3, fleet.Current: 1})
	w.at(t, 2, all...)
}

func TestRecheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.make(t, core.SchemaPerTenant, 2)
	migrate(t, w.Stratum, upTo(2), fleet.Config{})
	w.in(t, all[0].Placement, "drop table t2") // a backup
	w.in(t, all[0].Placement, "delete from goose_db_version where version_id = 2")
	counts(t, migrate(t, w.Stratum, upTo(2), fleet.Config{}), nil)
	counts(t, migrate(t, w.Stratum, upTo(2), fleet.Config{Recheck: true}), map[fleet.Outcome]int{fleet.Migrated: 1, fleet.Current: 1})
	w.at(t, 2, all...)
}

func TestPurgedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.make(t, core.SchemaPerTenant, 2)
	report := migrate(t, w.Stratum, upTo(2), fleet.Config{Parallel: 1, Progress: func(e fleet.Event) {
		if e.Done != 1 {
			return
		}
		_, err := w.super.Exec(t.Context(), "update stratum.tenants set status = 'archived' where id = $1", all[1].ID.String())
		if err := errors.Join(err, w.Tenants.Purge(t.Context(), all[1].ID)); err != nil {
			t.Error(err)
		}
	}})
	counts(t, report, map[fleet.Outcome]int{fleet.Migrated: 1, fleet.Gone: 1})
}

// held makes a migration wait in its second statement, until let go.
const (
	held    = "create table t2 (id int);\nselect pg_advisory_lock(42);"
	waiting = `select pid from pg_locks where locktype = 'advisory' and classid = 0 and objid = 42 and not granted
		and database = (select oid from pg_database where datname = current_database())`
)

// hold starts a Migrate that is held in the middle of the migration of its first tenant.
func (w *world) hold(t *testing.T, ctx context.Context, s *stratum.Stratum) (ended chan error) {
	t.Helper()
	if _, err := w.super.Exec(t.Context(), "select pg_advisory_lock(42)"); err != nil {
		t.Fatal(err)
	}
	ended = make(chan error, 1)
	go func() {
		_, err := s.Fleet.Migrate(ctx, replaced(2, held), fleet.Config{Parallel: 1})
		ended <- err
	}()
	w.until(t, waiting)
	return ended
}

// until asks the server until there is a row.
func (w *world) until(t *testing.T, sql string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for there := false; !there; {
		if err := w.super.QueryRow(t.Context(), "select exists ("+sql+"), pg_sleep(0.01)::text").Scan(&there, nil); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not happen: ", sql)
		}
	}
}

func (w *world) letGo(t *testing.T) {
	t.Helper()
	if _, err := w.super.Exec(t.Context(), "select pg_advisory_unlock(42)"); err != nil {
		t.Fatal(err)
	}
}

func TestCancelledInStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.make(t, core.SchemaPerTenant, 3)
	ctx, cancel := context.WithCancel(t.Context())
	ended := w.hold(t, ctx, w.Stratum)
	began := time.Now()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || time.Since(began) > 3*time.Second {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
	w.letGo(t)
	w.at(t, 1, all...)
	counts(t, migrate(t, w.Stratum, upTo(2), fleet.Config{}), map[fleet.Outcome]int{fleet.Migrated: 3})
	w.at(t, 2, all...)
}

// A process that was killed let go of the place, and the server still executes what it
// sent. The next one waits for that.
func TestKilledWhileServerWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.make(t, core.SchemaPerTenant, 2)
	killed := w.hold(t, t.Context(), w.open(t, upTo(1)))
	const idle = `from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and l.granted
		and a.state = 'idle' and a.datname = current_database() and a.pid <> pg_backend_pid()`
	var n int
	if err := w.super.QueryRow(t.Context(), "select count(pg_terminate_backend(pid)) "+idle).Scan(&n); err != nil || n != 1 {
		t.Fatalf("%d connections with the lock of the place, %v", n, err)
	}
	ended := make(chan error, 1)
	other := w.open(t, upTo(1))
	go func() {
		report, err := other.Fleet.Migrate(t.Context(), upTo(2), fleet.Config{})
		if err == nil && len(report.Results) != 2 {
			err = errors.New("not both were due")
		}
		ended <- err
	}()
	w.until(t, `select from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and not l.granted
		and a.datname = current_database() and a.pid not in (`+waiting+`)`)
	w.letGo(t)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	<-killed // an error or not: it lost its lock
	w.at(t, 2, all...)
}
