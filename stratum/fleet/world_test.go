package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// upTo are an application's migrations; each of them makes a table t1, t2 and so on.
func upTo(version int) fstest.MapFS {
	files := fstest.MapFS{"README.sql": {Data: []byte("no migration")}}
	for v := 1; v <= version; v++ {
		files[fmt.Sprintf("%05d_t%d.sql", v, v)] = &fstest.MapFile{Data: fmt.Appendf(nil, "-- +goose Up\ncreate table t%d (id int);", v)}
	}
	return files
}

// replaced are upTo with another statement in the last one.
func replaced(version int, sql string) fstest.MapFS {
	files := upTo(version)
	files[fmt.Sprintf("%05d_t%d.sql", version, version)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql)}
	return files
}

// world is an installation. Its tenants are purged when the test ends.
type world struct {
	*pgtest.Database
	*stratum.Stratum // of a program that knows version 1
	super            *pgx.Conn
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{Database: pgtest.New(t)}
	w.super = w.Conn(t, embedpg.Superuser)
	w.Stratum = w.open(t, upTo(1))
	t.Cleanup(func() {
		ctx := context.Background()
		_, err := w.super.Exec(ctx, "delete from stratum.tenants where slug like 'many%'; update stratum.tenants set status = 'archived'")
		for t, e := range w.Tenants.All(ctx, tenant.ListOptions{}) {
			if err = errors.Join(err, e); e == nil {
				err = errors.Join(err, w.Tenants.Purge(ctx, t.ID))
			}
		}
		if err != nil {
			t.Error(err)
		}
	})
	return w
}

// open opens the library as a program that knows these migrations.
func (w *world) open(t testing.TB, files fs.FS) *stratum.Stratum {
	t.Helper()
	s, err := stratum.Open(t.Context(), w.URL(embedpg.Lib), stratum.Config{AutoMigrate: true, Logger: slog.New(slog.DiscardHandler),
		Provision: placement.Config{Owner: w.URL(embedpg.Superuser), Migrations: files}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// make makes tenants with a strategy at version 1.
func (w *world) make(t testing.TB, strategy core.Strategy, n int) (made []*core.Tenant) {
	t.Helper()
	for i := range n {
		slug := fmt.Sprintf("%c%d", 'a'+strategy[0]-'A', i)
		one, err := w.Tenants.Create(t.Context(), tenant.New{Name: slug, Slug: slug, Strategy: strategy})
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, one)
	}
	return made
}

// in runs SQL inside a place and returns the number that it yields.
func (w *world) in(t testing.TB, at core.Placement, sql string) (n int64) {
	t.Helper()
	database := at.Database
	if database == "" {
		database = w.Name
	}
	conn, err := pgx.Connect(t.Context(), w.Server().URL(embedpg.Superuser, database))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if at.Schema != "" {
		if _, err := conn.Exec(t.Context(), "set search_path = "+at.Schema); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatal(err)
	}
	return n
}

// truth is the version that a place is at: its last table and goose agree, and nothing
// was applied twice.
func (w *world) truth(t testing.TB, at core.Placement) int64 {
	t.Helper()
	return w.in(t, at, `select case when max(version_id) = count(*) - 1 and count(*) = count(distinct version_id)
		and to_regclass('t' || max(version_id)) is not null then max(version_id) else -1 end from goose_db_version`)
}

// told is what the table says.
func (w *world) told(t testing.TB, id core.ID) (version int64) {
	t.Helper()
	if err := w.super.QueryRow(t.Context(), "select version from stratum.fleet where tenant_id = $1", id.String()).Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

// at wants places to be at a version, in truth and as told.
func (w *world) at(t testing.TB, version int64, tenants ...*core.Tenant) {
	t.Helper()
	for _, one := range tenants {
		if truth, told := w.truth(t, one.Placement), w.told(t, one.ID); truth != version || told != version {
			t.Errorf("%s is at %d, and %d is told, want %d", one.Slug, truth, told, version)
		}
	}
}

// migrate migrates without an error.
func migrate(t testing.TB, s *stratum.Stratum, files fs.FS, cfg fleet.Config) fleet.Report {
	t.Helper()
	report, err := s.Fleet.Migrate(t.Context(), files, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// counts wants a report of these outcomes and no others.
func counts(t testing.TB, report fleet.Report, want map[fleet.Outcome]int) {
	t.Helper()
	total := 0
	for outcome, n := range want {
		total += n
		if got := report.Count(outcome); got != n {
			t.Errorf("%d are %s, want %d", got, outcome, n)
		}
	}
	if len(report.Results) != total {
		t.Errorf("%d results, want %d: %+v", len(report.Results), total, report.Results)
	}
}
