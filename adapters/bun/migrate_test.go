package stratumbun_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/migrate"

	"github.com/stratum-hq/stratum-go/adapters/bun"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// files are migrations as bun's users write them; a table of nobody is among them.
var files = fstest.MapFS{
	"20260101000000_orders.tx.up.sql": {Data: []byte(`
		create schema billing;
		grant usage on schema billing to stratum_app;
		create table country (code text primary key);
		grant select on country to stratum_app;
		create table orders (id bigserial primary key, tenant_id uuid not null, country text references country (code), item text not null);
		create table billing."Payment" (id bigserial primary key, tenant_id uuid not null, order_id bigint not null references orders (id));
		create table note (id bigserial primary key, order_id bigint not null references orders (id), body text not null);`)},
}

type (
	order struct {
		bun.BaseModel `bun:"table:orders"`
		stratumbun.Owned
		ID   int64 `bun:",pk,autoincrement"`
		Item string
	}
	payment struct {
		bun.BaseModel `bun:"table:billing.Payment"`
		stratumbun.Owned
		ID      int64 `bun:",pk,autoincrement"`
		OrderID int64
	}
	label struct {
		bun.BaseModel `bun:"table:label"`
		stratumbun.Owned
		ID   int64  `bun:",pk,autoincrement"`
		Name string `bun:",notnull"`
	}
)

func migrations(t testing.TB) *migrate.Migrations {
	t.Helper()
	m := migrate.NewMigrations()
	if err := m.Discover(files); err != nil {
		t.Fatal(err)
	}
	return m
}

func owner(t testing.TB, d *pgtest.Database) *bun.DB {
	return bun.NewDB(sqlDB(t, d, embedpg.Owner), pgdialect.New())
}

func TestMigrate(t *testing.T) {
	d := pgtest.New(t)
	owner := owner(t, d)
	m := migrations(t)
	if err := stratumbun.Migrate(t.Context(), owner, m, stratumbun.MigrateConfig{}); err != nil {
		t.Fatal(err)
	}
	db, _ := scoped(t, d, 2)
	b := stratumbun.Open(db)
	for _, tenant := range []*core.Tenant{tenantA, tenantB} {
		o := &order{Item: tenant.Slug}
		if err := insert(as(tenant), b, o); err != nil {
			t.Fatal(err)
		}
		if err := insert(as(tenant), b, &payment{OrderID: o.ID}); err != nil {
			t.Fatal(err)
		}
	}
	protected(t, b)

	before := state(t, d)
	if err := stratumbun.Migrate(t.Context(), owner, m, stratumbun.MigrateConfig{}); err != nil {
		t.Fatal(err)
	}
	if after := state(t, d); after != before {
		t.Errorf("the second run changed the catalog:\n%s\nit was\n%s", after, before)
	}

	// A later migration makes a table in Go, and one of everybody's tables a tenant's.
	m.Add(migrate.Migration{Name: "20260202000000", Comment: "label", Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
		_, err := m.DB().NewCreateTable().Model((*label)(nil)).Exec(ctx)
		return err
	}})
	superuser := sqlDB(t, d, embedpg.Superuser)
	if _, err := superuser.ExecContext(t.Context(), "insert into note (order_id, body) select id, item from orders"); err != nil {
		t.Fatal(err)
	}
	err := stratumbun.Migrate(t.Context(), owner, m, stratumbun.MigrateConfig{Tables: []rls.Table{
		{Name: "note", Backfill: "(select o.tenant_id from orders o where o.id = note.order_id)"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := insert(as(tenantA), b, &label{Name: "urgent"}); err != nil {
		t.Error(err)
	}
	var bodies []string
	err = b.NewSelect().Table("note").Column("body").Scan(as(tenantB), &bodies)
	want(t, bodies, err, "b")
}

// protected looks at the tables as both tenants.
func protected(t *testing.T, b *bun.DB) {
	t.Helper()
	for _, tenant := range []*core.Tenant{tenantA, tenantB} {
		var items []string
		err := b.NewSelect().Model((*order)(nil)).Column("item").Scan(as(tenant), &items)
		want(t, items, err, tenant.Slug)
		if n, err := b.NewSelect().Model((*payment)(nil)).Count(as(tenant)); n != 1 || err != nil {
			t.Errorf("%d payments, %v", n, err)
		}
	}
	if err := insert(as(tenantB), b, &payment{OrderID: 1}); err == nil {
		t.Error("B's payment can be for A's order")
	}
	if _, err := b.NewSelect().Table("country").Count(as(tenantA)); err != nil {
		t.Errorf("a table of everybody: %v", err)
	}
	if _, err := b.NewSelect().Table("note").Count(as(tenantA)); err == nil {
		t.Error("a table that nobody has granted can be read")
	}
}

// state is a text that changes when the catalog does.
func state(t testing.TB, d *pgtest.Database) string {
	t.Helper()
	var text string
	err := sqlDB(t, d, embedpg.Superuser).QueryRowContext(t.Context(), `select string_agg(x, E'\n' order by x) from (
		select concat_ws(' ', c.relname, c.xmin, c.relacl::text) from pg_class c where c.relnamespace::regnamespace::text in ('public', 'billing')
		union all select concat_ws(' ', conname, xmin, pg_get_constraintdef(oid)) from pg_constraint where connamespace::regnamespace::text in ('public', 'billing')
		union all select concat_ws(' ', polname, xmin) from pg_policy
		union all select concat_ws(' ', adrelid::regclass, xmin) from pg_attrdef) s(x)`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestMigrateAtTheSameTime(t *testing.T) {
	d := pgtest.New(t)
	m := migrations(t)
	var group sync.WaitGroup
	for range 4 {
		b := owner(t, d)
		group.Go(func() {
			if err := stratumbun.Migrate(t.Context(), b, m, stratumbun.MigrateConfig{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestMigrateRefuses(t *testing.T) {
	d := pgtest.New(t)
	m := migrations(t)
	db, wire := scoped(t, d, 1)
	sent := wire.Sent()
	for name, ctx := range map[string]context.Context{"a tenant": as(tenantA), "nobody": t.Context()} {
		err := stratumbun.Migrate(ctx, stratumbun.Open(db), m, stratumbun.MigrateConfig{})
		if err == nil || !strings.Contains(err.Error(), "connected as their owner") || wire.Sent() != sent {
			t.Errorf("over the scoped database, as %s: %v", name, err)
		}
	}
	single := owner(t, d)
	single.SetMaxOpenConns(1)
	if err := stratumbun.Migrate(t.Context(), single, m, stratumbun.MigrateConfig{}); err == nil || !strings.Contains(err.Error(), "two connections") {
		t.Errorf("on one connection: %v", err)
	}
	broken := migrate.NewMigrations()
	broken.Add(migrate.Migration{Name: "1", Comment: "broken", Up: func(context.Context, *migrate.Migrator, *migrate.Migration) error { return errUndo }})
	if err := stratumbun.Migrate(t.Context(), owner(t, d), broken, stratumbun.MigrateConfig{}); !errors.Is(err, errUndo) {
		t.Errorf("a migration that fails: %v", err)
	}
	rows := fstest.MapFS{"1_rows.up.sql": {Data: []byte(`create table old (id int primary key, tenant_id uuid); insert into old values (1)`)}}
	orphans := migrate.NewMigrations()
	if err := orphans.Discover(rows); err != nil {
		t.Fatal(err)
	}
	err := stratumbun.Migrate(t.Context(), owner(t, d), orphans, stratumbun.MigrateConfig{Migrator: []migrate.MigratorOption{migrate.WithTableName("other")}})
	if !errors.Is(err, &core.Error{Code: core.Validation}) {
		t.Errorf("rows of nobody: %v", err)
	}
	err = stratumbun.Migrate(t.Context(), owner(t, d), orphans, stratumbun.MigrateConfig{
		Migrator: []migrate.MigratorOption{migrate.WithTableName("other")},
		Tables:   []rls.Table{{Name: "public.old", Tenant: tenantA.ID}},
	})
	if err != nil {
		t.Errorf("saying whose they are: %v", err)
	}
}
