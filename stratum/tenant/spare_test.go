package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// spares is a service that keeps n places of each strategy, and does nothing by itself.
func (w *world) spares(t testing.TB, n int, cfg placement.Config) *tenant.Service {
	t.Helper()
	places, err := placement.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	base, err := db.Open(t.Context(), w.URL(embedpg.Lib), "tests")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(base.Close)
	each := map[core.Strategy]int{}
	for _, strategy := range placed() {
		each[strategy] = n
	}
	return newService(t, base, tenant.Config{Places: places, Spares: each})
}

func (w *world) fill(t testing.TB, s *tenant.Service) {
	t.Helper()
	if err := s.Fill(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// removeSpares makes all spares stale and removes them.
func (w *world) removeSpares(t testing.TB) {
	t.Helper()
	w.Exec(t, embedpg.Lib, "update stratum.spares set revision = 'an old one', created_at = now() - interval '25 hours'")
	w.fill(t, w.spares(t, 0, w.config()))
}

func TestSparesAreTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, db := w.spares(t, 2, w.config()), w.serve(t)
	for range 2 { // the second time there is nothing to do
		w.fill(t, s)
		if got := w.things(t); got != (things{Schemas: 2, Roles: 2, Databases: 2, Spares: 4}) {
			t.Fatalf("%+v", got)
		}
	}
	for _, strategy := range placed() {
		for i := range 3 { // the third one is made
			made := newTenant(t, s, strings.ToLower(string(strategy))+fmt.Sprint(i), strategy)
			if named := strings.Contains(made.Placement.Schema+made.Placement.Database, made.Slug); named != (i == 2) {
				t.Errorf("tenant %d got %+v", i, made.Placement)
			}
			if got, err := s.Get(t.Context(), made.ID); err != nil || got.Placement != made.Placement {
				t.Errorf("%+v, made %+v, %v", got, made, err)
			}
			if _, err := db.Exec(as(made), "insert into note (body) values ('x')"); err != nil {
				t.Error(err)
			}
		}
	}
	if got := w.things(t); got != (things{Schemas: 3, Roles: 3, Databases: 3, Tenants: 6}) {
		t.Errorf("%+v", got)
	}
	if n := count(t, w.Database, "select count(*) from stratum.fleet where version = 2"); n != 6 {
		t.Errorf("the versions of %d are known", n)
	}
	if n := count(t, w.Database, "select count(*) from stratum.audit_log where action = 'tenant.created'"); n != 6 {
		t.Errorf("%d records", n)
	}
	db.Close() // a database that somebody is connected to stays
	page, err := s.List(t.Context(), tenant.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, made := range page.Tenants {
		w.archive(t, made.ID)
		if err := s.Purge(t.Context(), made.ID); err != nil {
			t.Error(err)
		}
	}
	if got := w.things(t); got != (things{}) {
		t.Errorf("%+v is left", got)
	}
}

// What is refused takes none, and gives its place back if it had one.
func TestRefusedTakeNoSpare(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.spares(t, 1, w.config())
	w.fill(t, s)
	create := func(n tenant.New) error { _, err := s.Create(t.Context(), n); return err }
	if err := create(tenant.New{Name: "N", Slug: "root", Domains: []string{"a.example"}}); err != nil {
		t.Fatal(err)
	}
	for _, strategy := range placed() {
		for want, n := range map[error]tenant.New{
			core.ErrTenantExists:   {Slug: "root"},
			core.ErrTenantNotFound: {Slug: "n", Parent: core.NewID()},
			core.ErrValidation:     {Slug: "N"},
		} {
			n.Name, n.Strategy = "N", strategy
			if err := create(n); !errors.Is(err, want) {
				t.Error(err)
			}
		}
		if err := create(tenant.New{Name: "N", Slug: "n", Domains: []string{"a.example"}, Strategy: strategy}); !errors.Is(err, core.ErrTenantExists) {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Create(ctx, tenant.New{Name: "N", Slug: "n", Strategy: strategy}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	if got := w.things(t); got != (things{Schemas: 1, Roles: 1, Databases: 1, Spares: 2, Tenants: 1}) {
		t.Errorf("%+v", got)
	}
	// A child has the strategy of its parent, and takes one, too.
	parent := newTenant(t, s, "parent", core.SchemaPerTenant)
	w.fill(t, s)
	if err := create(tenant.New{Name: "N", Slug: "child", Parent: parent.ID}); err != nil {
		t.Error(err)
	}
	// A database of some region is made there.
	if err := create(tenant.New{Name: "N", Slug: "far", Strategy: core.DatabasePerTenant, Region: "eu"}); err != nil {
		t.Error(err)
	}
	if got := w.things(t); got.Spares != 1 || got.Databases != 2 {
		t.Errorf("%+v", got)
	}
}

// However many take and fill at once, each tenant has a place of its own.
func TestSparesRace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	services := []*tenant.Service{w.spares(t, 2, w.config()), w.spares(t, 2, w.config())}
	w.fill(t, services[0])
	var mu sync.Mutex
	seen := map[core.Placement]bool{}
	var all sync.WaitGroup
	for i := range 8 {
		s, strategy := services[i%2], placed()[i/2%2]
		all.Go(func() {
			made, err := s.Create(t.Context(), tenant.New{Name: "N", Slug: fmt.Sprint("n", i), Strategy: strategy})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[made.Placement] {
				t.Errorf("%+v is of two tenants", made.Placement)
			}
			seen[made.Placement] = true
		})
		all.Go(func() {
			if err := s.Fill(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.fill(t, services[0])
	if got := w.things(t); got != (things{Schemas: 6, Roles: 6, Databases: 6, Spares: 4, Tenants: 8}) {
		t.Errorf("%+v", got)
	}
}

// A program whose migrations are others does not take what was made before, and removes
// it a day later.
func TestSparesOfAnotherRevision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := w.spares(t, 1, w.config())
	w.fill(t, old)
	next := w.config()
	files := notes()
	files["00003_more.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\ncreate table more ();")}
	next.Migrations = files
	s := w.spares(t, 0, next)
	newer := w.spares(t, 1, next)
	if made := newTenant(t, newer, "a", core.SchemaPerTenant); !strings.Contains(made.Placement.Schema, "_a_") {
		t.Errorf("it took %+v", made.Placement)
	}
	w.fill(t, newer)
	if got := w.things(t); got.Spares != 4 {
		t.Errorf("%+v", got)
	}
	w.Exec(t, embedpg.Lib, "update stratum.spares set created_at = now() - interval '25 hours'")
	w.fill(t, s) // 0 of the newer revision are wanted; those that are there stay
	if got := w.things(t); got != (things{Schemas: 2, Roles: 2, Databases: 1, Spares: 2, Tenants: 1}) {
		t.Errorf("%+v", got)
	}
	newTenant(t, newer, "b", core.SchemaPerTenant)
	if n := count(t, w.Database, "select count(*) from stratum.fleet where version = 3"); n != 2 {
		t.Errorf("%d are at the newer version", n)
	}
}

func TestFillFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, migrate := range map[string]func(context.Context, *pgx.Conn, core.Placement) error{
		"an error": func(context.Context, *pgx.Conn, core.Placement) error { return errMigrate },
		"cut off": func(context.Context, *pgx.Conn, core.Placement) error {
			w.cutOff(t)
			return nil
		},
	} {
		s := w.spares(t, 1, placement.Config{Owner: w.owner, Migrate: migrate, Revision: "1"})
		if err := s.Fill(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := w.things(t); got != (things{}) {
			t.Errorf("%s: %+v is left", name, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := w.spares(t, 1, placement.Config{Owner: w.owner, Migrate: func(context.Context, *pgx.Conn, core.Placement) error {
		cancel()
		return nil
	}, Revision: "1"})
	if err := s.Fill(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := w.things(t); got != (things{}) {
		t.Errorf("%+v is left", got)
	}
}

// An opened library fills by itself, at the start and when one was taken.
func TestOpenKeepsSpares(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.openWith(t, stratum.Config{Provision: w.config(), Spares: map[core.Strategy]int{core.SchemaPerTenant: 2}})
	const ready = "select from stratum.spares having count(*) = $1"
	w.await(t, ready, 2)
	newTenant(t, s, "a", core.SchemaPerTenant)
	w.await(t, "select from stratum.spares, stratum.tenants having count(*) = $1", 2)
	if got := w.things(t); got.Schemas != 3 || got.Tenants != 1 {
		t.Errorf("%+v", got)
	}
}

func TestSparesAreValidated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, spares := range []map[core.Strategy]int{
		{core.SharedRLS: 1}, {"": 1}, {core.SchemaPerTenant: -1}, {core.SchemaPerTenant: tenant.MaxSpares + 1},
	} {
		if _, err := stratum.Open(t.Context(), w.URL(embedpg.Lib), stratum.Config{Provision: w.config(), Spares: spares}); detail(err, "field") != "Spares" {
			t.Errorf("%v: %v", spares, err)
		}
	}
	if _, err := stratum.Open(t.Context(), w.URL(embedpg.Lib), stratum.Config{Spares: map[core.Strategy]int{core.SchemaPerTenant: 1}}); detail(err, "field") != "Spares" {
		t.Error(err)
	}
}
