package fleet_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
)

// heldApart are migrations of which the last one waits, in each place, for a lock of its own.
func heldApart(version int) fstest.MapFS {
	return replaced(version, fmt.Sprintf("create table t%d (id int);\nselect pg_advisory_lock(42, hashtext(current_schema()));", version))
}

// holdIn holds the last migration in one place, until let go.
func (w *world) holdIn(t *testing.T, at core.Placement) (letGo func()) {
	t.Helper()
	schema, database := at.Schema, w.Name
	if at.Database != "" {
		schema, database = "public", at.Database
	}
	conn, err := pgx.Connect(t.Context(), w.Server().URL(embedpg.Superuser, database))
	if err == nil {
		_, err = conn.Exec(t.Context(), "select pg_advisory_lock(42, hashtext($1))", schema)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { _ = conn.Close(t.Context()) }
}

// finish migrates what killed processes have left, and looks at all of it.
func (w *world) finish(t *testing.T, version, killed int, all []*core.Tenant) {
	t.Helper()
	s := w.open(t, upTo(version))
	report := migrate(t, s, upTo(version), fleet.Config{})
	if n := report.Count(fleet.Migrated) + report.Count(fleet.Current); n != len(report.Results) {
		t.Errorf("%+v", report.Results)
	}
	w.at(t, int64(version), all...)
	status, err := s.Fleet.Status(t.Context(), upTo(version))
	if err != nil || status.Behind != 0 || status.Current != len(all) {
		t.Errorf("%+v, %v", status, err)
	}
	w.until(t, "select where not exists (select "+locks+")")
	// Each change of a version is told of once, by whichever process wrote it.
	var audited, different, emitted int
	err = w.super.QueryRow(t.Context(), `select count(*), count(distinct (tenant_id, before ->> 'version')),
			(select count(*) from stratum.events where type = 'tenant.migrated' and data ->> 'tenant_id' = tenant_id::text)
		from stratum.audit_log where action = 'tenant.migrated' and resource_type = 'tenant' and resource_id = tenant_id::text
			and (before ->> 'version')::int < (after ->> 'version')::int`).Scan(&audited, &different, &emitted)
	if want := killed * len(all); err != nil || audited != want || different != want || emitted != want {
		t.Errorf("%d are audited, %d of them different, and %d emitted, want %d, %v", audited, different, emitted, want, err)
	}
}

// waits migrates while the server is still at work for a process that was killed, and finds
// that waited for.
func (w *world) waits(t *testing.T, version int, letGo func()) {
	t.Helper()
	s := w.open(t, upTo(version))
	ended := make(chan error, 1)
	go func() {
		_, err := s.Fleet.Migrate(t.Context(), upTo(version), fleet.Config{})
		ended <- err
	}()
	w.until(t, "select "+locks+" and l.classid <> 42 and not l.granted")
	letGo()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// locks are the advisory locks in the databases of the world.
const locks = `from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory'
	and a.datname in (select database_key from stratum.tenants union select current_database()::text)`

// A process is killed at each point of its work, and the next one finishes it.
func TestKilledAtEachPoint(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("slow")
	}
	w := newWorld(t)
	all := append(w.make(t, core.SchemaPerTenant, 10), w.make(t, core.DatabasePerTenant, 1)...)
	version, killed := 1, 0
	for _, at := range []int{3, 10} {
		for point, found := range map[string]struct{ truth, told int }{ // of two migrations, when it is killed
			beforePlace: {0, 0}, inStatement: {1, 0}, beforeTold: {2, 0}, afterPlace: {2, 2},
		} {
			before := version
			version += 2
			killed++
			t.Run(fmt.Sprintf("%s/%s", all[at].Placement.Strategy, point), func(t *testing.T) {
				j := job{Version: version, Parallel: 1, Tenant: all[at].ID, Place: all[at].Placement, Point: point}
				var kill, letGo func()
				if point == inStatement {
					letGo = w.holdIn(t, j.Place)
					kill = w.start(t, j, "ready")
					w.until(t, "select "+locks+" and l.classid = 42 and not l.granted")
				} else {
					kill = w.start(t, j, point)
				}
				w.at(t, int64(version), all[:at]...)
				w.at(t, int64(before), all[at+1:]...)
				if truth, told := w.truth(t, j.Place), w.told(t, j.Tenant); truth != int64(before+found.truth) || told != int64(before+found.told) {
					t.Errorf("it is killed at %d, and %d is told", truth-int64(before), told-int64(before))
				}
				kill()
				if point == inStatement {
					w.waits(t, version, letGo)
				}
				w.finish(t, version, killed, all)
			})
		}
	}
}

// Wherever a process is killed, the next one finishes its work.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	rounds := 5
	if testing.Short() {
		rounds = 2
	}
	w := newWorld(t)
	all := append(w.make(t, core.SchemaPerTenant, 10), w.make(t, core.DatabasePerTenant, 1)...)
	for round := 1; round <= rounds; round++ {
		// It stops with the last one, if it comes so far.
		kill := w.start(t, job{Version: 1 + round, Parallel: 4, Tenant: all[10].ID, Point: afterPlace}, "ready")
		<-time.After(rand.N(300 * time.Millisecond))
		kill()
		w.finish(t, 1+round, round, all)
	}
}
