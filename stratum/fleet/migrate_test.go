package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := append(w.make(t, core.SchemaPerTenant, 20), w.make(t, core.DatabasePerTenant, 2)...)
	if _, err := w.Tenants.Create(t.Context(), tenant.New{Name: "S", Slug: "shared"}); err != nil {
		t.Fatal(err)
	}
	w.at(t, 1, all...)
	status := func(want fleet.Status) {
		t.Helper()
		got, err := w.Fleet.Status(t.Context(), upTo(3))
		if !reflect.DeepEqual(want, got) || err != nil {
			t.Errorf("got %+v, want %+v, %v", got, want, err)
		}
	}
	status(fleet.Status{Target: 3, Behind: 22, Versions: []fleet.Version{{Version: 1, Places: 22}}})
	var order []core.ID
	for p, err := range w.Fleet.Behind(t.Context(), upTo(3)) {
		if err != nil || p.Version != 1 {
			t.Fatal(p, err)
		}
		order = append(order, p.Tenant)
	}
	if !slices.EqualFunc(order, all, func(id core.ID, one *core.Tenant) bool { return id == one.ID }) {
		t.Errorf("behind: %v", order)
	}

	canaries := []core.ID{all[7].ID, all[20].ID}
	var events []fleet.Event
	report := migrate(t, w.Stratum, upTo(3), fleet.Config{Canary: canaries, Progress: func(e fleet.Event) { events = append(events, e) }})
	counts(t, report, map[fleet.Outcome]int{fleet.Migrated: 22})
	for i, r := range report.Results {
		e := events[i]
		if r.From != 1 || r.To != 3 || r.Duration <= 0 || r.Slug == "" || e.Result != r || e.Done != i+1 || e.Total != 22 || i < 2 != slices.Contains(canaries, r.Tenant) {
			t.Errorf("%d: %+v, %+v", i, r, e)
		}
	}
	w.at(t, 3, all...)
	status(fleet.Status{Target: 3, Current: 22, Versions: []fleet.Version{{Version: 3, Places: 22}}})
	counts(t, migrate(t, w.Stratum, upTo(3), fleet.Config{}), nil)
	counts(t, migrate(t, w.Stratum, upTo(2), fleet.Config{}), nil) // an older program

	if _, err := w.Tenants.Suspend(t.Context(), all[0].ID); err != nil {
		t.Fatal(err)
	}
	counts(t, migrate(t, w.Stratum, upTo(4), fleet.Config{Only: []core.ID{all[0].ID}}), map[fleet.Outcome]int{fleet.Migrated: 1})
	w.at(t, 4, all[0])
	status(fleet.Status{Target: 3, Current: 21, Ahead: 1, Versions: []fleet.Version{{Version: 3, Places: 21}, {Version: 4, Places: 1}}})
}

// Rights are as those of Create: the tenant's role uses the new tables, and does not see
// the versions.
func TestRightsAfterMigrate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.make(t, core.SchemaPerTenant, 1)[0]
	migrate(t, w.Stratum, upTo(2), fleet.Config{})
	for table, may := range map[string]bool{"t2": true, "goose_db_version": false} {
		sql := fmt.Sprintf("select has_table_privilege('%s', '%s', 'SELECT')::int", a.Placement.Role, table)
		if got := w.in(t, a.Placement, sql) == 1; got != may {
			t.Errorf("%s: %v", table, got)
		}
	}
}

// counter counts queries.
type counter struct{ n atomic.Int64 }

func (c *counter) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.n.Add(1)
	return ctx
}
func (c *counter) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestNothingDueIsOneQuery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Exec(t, embedpg.Lib, `with made as (insert into stratum.tenants (id, slug, name, strategy, schema_name, role_name)
		select gen_random_uuid(), 'many' || i, 'N', 'SCHEMA_PER_TENANT', 't' || i, 'r' || i from generate_series(1, 10000) i returning id)
		insert into stratum.fleet (tenant_id, version) select id, 3 from made`)
	config, err := pgxpool.ParseConfig(w.URL(embedpg.Lib))
	if err != nil {
		t.Fatal(err)
	}
	count := &counter{}
	config.ConnConfig.Tracer = count
	base, err := db.New(t.Context(), config, "")
	if err != nil {
		t.Fatal(err)
	}
	defer base.Close()
	s := fleet.NewService(base, nil)
	count.n.Store(0) // a ping is a query
	began := time.Now()
	report, err := s.Migrate(t.Context(), upTo(3), fleet.Config{})
	took := time.Since(began)
	if n := count.n.Load(); err != nil || len(report.Results) != 0 || n != 1 || took > time.Second {
		t.Errorf("%d queries and %d results in %v, %v", n, len(report.Results), took, err)
	}
	t.Logf("10,000 places, nothing due: %v", took)
	n := 0
	for _, err := range s.Behind(t.Context(), upTo(4)) {
		if n++; err != nil {
			t.Fatal(err)
		}
	}
	if n != 10_000 {
		t.Errorf("%d are behind", n)
	}
	if _, err := s.Migrate(t.Context(), upTo(4), fleet.Config{}); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error("without Provision:", err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := append(w.make(t, core.SchemaPerTenant, 2), w.make(t, core.DatabasePerTenant, 1)...)
	report := migrate(t, w.Stratum, upTo(2), fleet.Config{DryRun: true, Progress: func(fleet.Event) { t.Error("progress of a dry run") }})
	counts(t, report, map[fleet.Outcome]int{fleet.Due: 3})
	for i, r := range report.Results {
		if r.Tenant != all[i].ID || r.From != 1 || r.To != 1 || report.Target != 2 {
			t.Errorf("%+v", r)
		}
	}
	w.at(t, 1, all...)
}

// Each process waits after its first place until the other has one, too.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := append(w.make(t, core.SchemaPerTenant, 8), w.make(t, core.DatabasePerTenant, 2)...)
	var both, wg sync.WaitGroup
	both.Add(2)
	var migrated atomic.Int64
	for range 2 {
		s := w.open(t, upTo(2))
		wg.Go(func() {
			first := sync.OnceFunc(func() { both.Done(); both.Wait() })
			report, err := s.Fleet.Migrate(t.Context(), upTo(2), fleet.Config{Parallel: 2, Progress: func(e fleet.Event) {
				if e.Outcome == fleet.Migrated {
					first()
				}
			}})
			n := report.Count(fleet.Migrated)
			if err != nil || n == 0 || n+report.Count(fleet.Current) != len(report.Results) {
				t.Errorf("%d migrated of %+v, %v", n, report.Results, err)
			}
			migrated.Add(int64(n))
		})
	}
	wg.Wait()
	if n := migrated.Load(); n != int64(len(all)) {
		t.Errorf("%d were migrated, want %d", n, len(all))
	}
	w.at(t, 2, all...)
}

// A program that knows version 1 only and one that knows 2 make tenants meanwhile.
func TestTenantsMadeMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newer := w.open(t, upTo(2))
	made := w.make(t, core.SchemaPerTenant, 2)
	report := migrate(t, newer, upTo(2), fleet.Config{Progress: func(e fleet.Event) {
		if e.Done != 1 {
			return
		}
		for slug, tenants := range map[string]*tenant.Service{"old": w.Tenants, "new": newer.Tenants} {
			one, err := tenants.Create(t.Context(), tenant.New{Name: "N", Slug: slug, Strategy: core.SchemaPerTenant})
			if err != nil {
				t.Error(err)
				return
			}
			made = append(made, one)
		}
	}})
	counts(t, report, map[fleet.Outcome]int{fleet.Migrated: 3})
	if len(made) != 4 || slices.ContainsFunc(report.Results, func(r fleet.Result) bool { return r.Slug == "new" }) {
		t.Errorf("%d made: %+v", len(made), report.Results)
	}
	w.at(t, 2, made...)
}

func TestInputIsValidated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.make(t, core.SchemaPerTenant, 1)[0]
	nobody := core.NewID()
	for field, cfg := range map[string]fleet.Config{
		"Parallel":  {Parallel: -1},
		"Parallel ": {Parallel: fleet.MaxParallel + 1},
		"Canary":    {Canary: []core.ID{nobody}},
		"Canary ":   {Canary: []core.ID{nobody}, Only: []core.ID{a.ID}},
		"Only":      {Only: []core.ID{a.ID, nobody}},
	} {
		_, err := w.Fleet.Migrate(t.Context(), upTo(2), cfg)
		var e *core.Error
		if !errors.As(err, &e) || e.Code != core.Validation || e.Details["field"] != strings.TrimSpace(field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	for range w.Fleet.Behind(t.Context(), upTo(1)) {
		t.Error("nobody is behind")
	}
	for _, err := range w.Fleet.Behind(t.Context(), upTo(0)) {
		if !errors.Is(err, core.ErrValidation) {
			t.Error(err)
		}
	}
	_, err1 := w.Fleet.Status(t.Context(), upTo(0))
	_, err2 := w.Fleet.Migrate(t.Context(), nil, fleet.Config{})
	if !errors.Is(err1, core.ErrValidation) || !errors.Is(err2, core.ErrValidation) {
		t.Error(err1, err2)
	}
	w.at(t, 1, a)
}

// Of places that were made before there was a table nothing is known, until Migrate looks
// into them. What was made by hand is not touched.
func TestPlacesMadeBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := append(w.make(t, core.SchemaPerTenant, 2), w.make(t, core.DatabasePerTenant, 1)...)
	w.Exec(t, embedpg.Lib, "delete from stratum.fleet")
	w.Exec(t, embedpg.Lib, `insert into stratum.tenants (id, slug, name, strategy, schema_name, role_name)
		values (gen_random_uuid(), 'many', 'N', 'SCHEMA_PER_TENANT', 'by_hand', 'by_hand')`)
	file, err := os.ReadFile("../migrations/sql/00003_fleet.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, insert, _ := strings.Cut(string(file), "-- Places made before")
	w.Exec(t, embedpg.Lib, "-- Places made before"+insert)
	s := w.open(t, upTo(1))
	report := migrate(t, s, upTo(2), fleet.Config{Only: []core.ID{all[0].ID}})
	if counts(t, report, map[fleet.Outcome]int{fleet.Migrated: 1}); report.Results[0].From != 1 {
		t.Errorf("%+v", report.Results)
	}
	counts(t, migrate(t, s, upTo(1), fleet.Config{}), map[fleet.Outcome]int{fleet.Current: 2})
	counts(t, migrate(t, s, upTo(2), fleet.Config{}), map[fleet.Outcome]int{fleet.Migrated: 2})
	w.at(t, 2, all...)
}
