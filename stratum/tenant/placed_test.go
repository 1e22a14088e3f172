package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

func as(t *core.Tenant) context.Context { return core.NewContext(context.Background(), t) }

// serve opens the application's side.
func (w *world) serve(t testing.TB) *stratumpgx.DB {
	t.Helper()
	db, err := stratumpgx.Open(t.Context(), w.URL(embedpg.App), stratumpgx.Config{
		Databases: stratumpgx.DatabasesFunc(placement.Databases(w.URL(embedpg.App))),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// newTenant makes a tenant with a strategy.
func newTenant(t testing.TB, s *tenant.Service, slug string, strategy core.Strategy) *core.Tenant {
	t.Helper()
	made, err := s.Create(t.Context(), tenant.New{Name: slug, Slug: slug, Strategy: strategy})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestPlacedTenantsAreServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, db := w.open(t, w.config()), w.serve(t)
	for i, strategy := range placed() {
		a, b := newTenant(t, s, fmt.Sprint("a", i), strategy), newTenant(t, s, fmt.Sprint("b", i), strategy)
		if got, err := s.Get(t.Context(), a.ID); err != nil || got.Placement != a.Placement || got.Placement.Strategy != strategy {
			t.Errorf("%+v, made %+v, %v", got, a, err)
		}
		rows := make([][]any, 200)
		for i := range rows {
			rows[i] = []any{fmt.Sprint(i)}
		}
		if n, err := db.CopyFrom(as(a), pgx.Identifier{"note"}, []string{"body"}, pgx.CopyFromRows(rows)); n != 200 || err != nil {
			t.Errorf("%s: copied %d, %v", strategy, n, err)
		}
		if _, err := db.Exec(as(b), "insert into note (body) values ('x')"); err != nil {
			t.Error(err)
		}
		for who, want := range map[*core.Tenant]int{a: 200, b: 1} {
			var n int
			if err := db.QueryRow(as(who), "select count(*) from note").Scan(&n); err != nil || n != want {
				t.Errorf("%s: %s has %d notes, %v", strategy, who.Slug, n, err)
			}
		}
		if _, err := db.Exec(as(a), "select from goose_db_version"); code(err) != "42501" {
			t.Errorf("%s: the versions: %v", strategy, err)
		}
		if _, err := db.Exec(as(a), "create table mine ()"); code(err) != "42501" {
			t.Errorf("%s: DDL: %v", strategy, err)
		}
	}
}

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func TestSchemasAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, db := w.open(t, w.config()), w.serve(t)
	a, b := newTenant(t, s, "a", core.SchemaPerTenant), newTenant(t, s, "b", core.SchemaPerTenant)
	owner, err := pgx.Connect(t.Context(), w.owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(t.Context())
	// A migration that comes later needs no grants.
	if _, err := owner.Exec(t.Context(), "create table "+b.Placement.Schema+".later (id serial)"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(as(b), "insert into later default values"); err != nil {
		t.Error(err)
	}
	app := w.Conn(t, embedpg.App)
	for _, table := range []string{"note", "later"} {
		sql := "select from " + b.Placement.Schema + "." + table
		if _, err := db.Exec(as(a), sql); code(err) != "42501" {
			t.Errorf("another tenant reads %s: %v", table, err)
		}
		if _, err := app.Exec(t.Context(), sql); code(err) != "42501" {
			t.Errorf("the login without a tenant reads %s: %v", table, err)
		}
	}
	var others int
	err = w.Conn(t, embedpg.Superuser).QueryRow(t.Context(), `select count(*) from pg_namespace n, aclexplode(n.nspacl) x
		where n.nspname = $1 and x.grantee not in ($2::regrole, n.nspowner)`, b.Placement.Schema, b.Placement.Role).Scan(&others)
	if err != nil || others != 0 {
		t.Errorf("%d rights of others in the schema, %v", others, err)
	}
}

func TestDatabasesAreApart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newTenant(t, w.open(t, w.config()), "a", core.DatabasePerTenant)
	for _, role := range []string{embedpg.Lib, embedpg.Owner, embedpg.System} {
		if conn, err := pgx.Connect(t.Context(), w.Server().URL(role, a.Placement.Database)); err == nil {
			conn.Close(t.Context())
			t.Errorf("%s may connect", role)
		}
	}
}

func TestPlacementIsStoredAndInherited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.open(t, w.config())
	ctx := t.Context()
	root, err := s.Create(ctx, tenant.New{Name: "R", Slug: "root", Strategy: core.SchemaPerTenant, Region: "eu-1",
		StatementTimeout: 1500 * time.Millisecond, MaxConcurrency: 3})
	if err != nil {
		t.Fatal(err)
	}
	want := core.Placement{Strategy: core.SchemaPerTenant, Schema: root.Placement.Schema, Role: root.Placement.Role,
		Region: "eu-1", StatementTimeout: 1500 * time.Millisecond, MaxConcurrency: 3}
	if got, err := s.Get(ctx, root.ID); err != nil || got.Placement != want || !strings.HasPrefix(want.Schema, "t_root_") {
		t.Errorf("%+v, %v", got, err)
	}
	child := create(t, s, "child", root.ID)
	if at := child.Placement; at.Strategy != core.SchemaPerTenant || at.Schema == root.Placement.Schema || at.Region != "" {
		t.Errorf("%+v", at)
	}
	for slug, strategy := range map[string]core.Strategy{"shared": core.SharedRLS, "based": core.DatabasePerTenant} {
		made, err := s.Create(ctx, tenant.New{Name: "C", Slug: slug, Parent: root.ID, Strategy: strategy})
		if err != nil || made.Placement.Strategy != strategy {
			t.Errorf("%+v, %v", made, err)
		}
	}
	if n := count(t, w.Database, "select count(*) from stratum.audit_log a join stratum.events e using (tenant_id) where a.before is null"); n != 4 {
		t.Errorf("%d records of 4 tenants", n)
	}
	if got, want := w.things(t), (things{Schemas: 2, Roles: 2, Databases: 1, Tenants: 4}); got != want {
		t.Errorf("%+v", got)
	}
}

func TestPlacementIsValidated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.open(t, w.config())
	for field, n := range map[string]tenant.New{
		"strategy":           {Strategy: "GUESS"},
		"region":             {Region: "a b"},
		"region ":            {Region: strings.Repeat("a", 64)},
		"statement_timeout":  {StatementTimeout: -time.Second},
		"statement_timeout ": {StatementTimeout: time.Microsecond},
		"max_concurrency":    {MaxConcurrency: -1},
	} {
		n.Name, n.Slug = "N", "n"
		_, err := s.Create(t.Context(), n)
		if !errors.Is(err, core.ErrValidation) || detail(err, "field") != strings.TrimSpace(field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	plain := w.open(t, placement.Config{})
	for _, strategy := range placed() {
		if _, err := plain.Create(t.Context(), tenant.New{Name: "N", Slug: "n", Strategy: strategy}); !errors.Is(err, core.ErrScopeUnsupported) {
			t.Errorf("%s without Provision: %v", strategy, err)
		}
	}
	parent := newTenant(t, s, "parent", core.SchemaPerTenant)
	if _, err := plain.Create(t.Context(), tenant.New{Name: "N", Slug: "n", Parent: parent.ID}); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Errorf("inherited: %v", err)
	}
	if got := w.things(t); got != made(core.SchemaPerTenant, 1) {
		t.Errorf("%+v", got)
	}
}

func TestSixteenAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	services := []*tenant.Service{w.open(t, w.config()), w.open(t, w.config())} // as two processes
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			if _, err := services[i%2].Create(t.Context(), tenant.New{Name: "N", Slug: fmt.Sprint("n", i), Strategy: core.SchemaPerTenant}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := w.things(t); got != made(core.SchemaPerTenant, 16) {
		t.Errorf("%+v", got)
	}
}

// Both pass the rehearsal, and meet when they are to be inserted.
func TestOneSlugOnePlace(t *testing.T) {
	t.Parallel()
	for _, strategy := range placed() {
		w := newWorld(t)
		var both sync.WaitGroup
		both.Add(2)
		s := w.open(t, placement.Config{Owner: w.owner, Migrate: func(context.Context, *pgx.Conn, core.Placement) error {
			both.Done()
			both.Wait()
			return nil
		}})
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, err := s.Create(t.Context(), tenant.New{Name: "Same", Slug: "same", Strategy: strategy})
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, core.ErrTenantExists):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := w.things(t); got != made(strategy, 1) || won.Load() != 1 {
			t.Errorf("%d won: %+v", won.Load(), got)
		}
	}
}
