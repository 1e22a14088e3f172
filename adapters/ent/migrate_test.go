package stratument_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"

	"github.com/stratum-hq/stratum-go/adapters/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/migrate"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

func TestMigrate(t *testing.T) {
	for name, options := range map[string][]schema.MigrateOption{
		"default":  nil,
		"dropping": {schema.WithDropColumn(true), schema.WithDropIndex(true)},
	} {
		t.Run(name, func(t *testing.T) {
			d := pgtest.New(t)
			owner, cfg := sqlDB(t, d, embedpg.Owner), stratument.MigrateConfig{Schema: options}
			if err := stratument.Migrate(t.Context(), owner, migrate.Tables, cfg); err != nil {
				t.Fatal(err)
			}
			c, _ := open(t, d, 2)
			a, b := fill(t, c)
			before := state(t, d)
			for range 2 {
				if err := stratument.Migrate(t.Context(), owner, migrate.Tables, cfg); err != nil {
					t.Fatal(err)
				}
				if after := state(t, d); after != before {
					t.Errorf("another run changed the catalog:\n%s\nit was\n%s", after, before)
				}
			}
			isolated(t, c, a, b)
		})
	}
}

// isolated looks at the tables as both tenants.
func isolated(t *testing.T, c *ent.Client, a, b graph) {
	t.Helper()
	for _, tenant := range []*core.Tenant{tenantA, tenantB} {
		rows, err := c.Tag.Query().QueryInvoices().QueryLines().All(as(tenant))
		want(t, lines(rows), err, tenant.Slug)
		joins, err := texts(as(tenant), c, "select tenant_id::text from invoice_tag")
		want(t, joins, err, tenant.ID.String())
	}
	if err := c.Invoice.UpdateOne(a.invoice).AddTags(b.tag).Exec(as(tenantA)); !ent.IsConstraintError(err) {
		t.Errorf("the join table joins tenants: %v", err)
	}
	if n, err := c.Country.Query().Count(as(tenantA)); err == nil {
		t.Errorf("%d rows of a table that nobody has granted", n)
	}
}

// state is a text that changes when the catalog does.
func state(t testing.TB, d *pgtest.Database) string {
	t.Helper()
	var text string
	err := sqlDB(t, d, embedpg.Superuser).QueryRowContext(t.Context(), `select string_agg(x, E'\n' order by x) from (
		select concat_ws(' ', relname, xmin, relacl::text) from pg_class where relnamespace = 'public'::regnamespace
		union all select concat_ws(' ', conname, xmin, pg_get_constraintdef(oid)) from pg_constraint where connamespace = 'public'::regnamespace
		union all select concat_ws(' ', attrelid::regclass, attname, a.xmin) from pg_attribute a join pg_class c on c.oid = attrelid and relnamespace = 'public'::regnamespace
		union all select concat_ws(' ', polname, xmin) from pg_policy
		union all select concat_ws(' ', adrelid::regclass, xmin) from pg_attrdef) s(x)`).Scan(&text)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestMigrateTablesThatHaveRows adopts a schema that knew nothing of tenants: it was
// made by the ent of before, and gets the mixin.
func TestMigrateTablesThatHaveRows(t *testing.T) {
	d := pgtest.New(t)
	owner := sqlDB(t, d, embedpg.Owner)
	m, err := schema.NewMigrate(plainDriver(owner))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Create(t.Context(), tables(false)...); err != nil {
		t.Fatal(err)
	}
	if _, err := owner.ExecContext(t.Context(), `
		insert into customer (id, email, marker) overriding system value values (1, 'a', 'a'), (2, 'b', 'b');
		insert into invoice (id, customer_id, number, total, status, marker) overriding system value select id, id, marker, 1, 'open', marker from customer;
		insert into line (invoice_id, marker) select id, marker from invoice;
		insert into tag (id, name, marker) overriding system value values (1, 'a', 'a'), (2, 'b', 'b');
		insert into invoice_tag select id, id from tag`); err != nil {
		t.Fatal(err)
	}
	before := state(t, d)
	if err := stratument.Migrate(t.Context(), owner, migrate.Tables, stratument.MigrateConfig{}); !errors.Is(err, &core.Error{Code: core.Validation}) {
		t.Errorf("rows of nobody: %v", err)
	}
	if state(t, d) != before {
		t.Error("a migration that fails leaves something behind")
	}
	whose := "case %.marker when 'a' then '" + tenantA.ID.String() + "' else '" + tenantB.ID.String() + "' end::uuid"
	err = stratument.Migrate(t.Context(), owner, migrate.Tables, stratument.MigrateConfig{Tables: []rls.Table{
		{Name: "customer", Backfill: strings.ReplaceAll(whose, "%", "customer")},
		{Name: "public.invoice", Backfill: "(select c.tenant_id from customer c where c.id = invoice.customer_id)"},
		{Name: `"line"`, Backfill: "(select i.tenant_id from invoice i where i.id = line.invoice_id)"},
		{Name: "tag", Backfill: strings.ReplaceAll(whose, "%", "tag")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	c, _ := open(t, d, 1)
	for _, tenant := range []*core.Tenant{tenantA, tenantB} {
		rows, err := c.Customer.Query().QueryInvoices().QueryTags().QueryInvoices().QueryLines().All(as(tenant))
		want(t, lines(rows), err, tenant.Slug)
	}
}

// tables copies those of the schema, which ent writes into, with the mixin's field or without.
func tables(tenanted bool) []*schema.Table {
	tables, columns := map[*schema.Table]*schema.Table{}, map[*schema.Column]*schema.Column{}
	copied := func(list []*schema.Column) (out []*schema.Column) {
		for _, c := range list {
			if !tenanted && c.Name == rls.DefaultColumn {
				continue
			}
			if columns[c] == nil {
				columns[c] = &schema.Column{Name: c.Name, Type: c.Type, SchemaType: c.SchemaType, Nullable: c.Nullable, Increment: c.Increment}
			}
			out = append(out, columns[c])
		}
		return out
	}
	var out []*schema.Table
	for _, t := range migrate.Tables {
		c := &schema.Table{Name: t.Name, Columns: copied(t.Columns), PrimaryKey: copied(t.PrimaryKey)}
		for _, fk := range t.ForeignKeys { // to tables that were copied before
			c.ForeignKeys = append(c.ForeignKeys, &schema.ForeignKey{Symbol: fk.Symbol, Columns: copied(fk.Columns),
				RefTable: tables[fk.RefTable], RefColumns: copied(fk.RefColumns), OnDelete: fk.OnDelete})
		}
		tables[t], out = c, append(out, c)
	}
	return out
}

func TestMigrateAtTheSameTime(t *testing.T) {
	d := pgtest.New(t)
	var group sync.WaitGroup
	for range 4 {
		owner, tables := sqlDB(t, d, embedpg.Owner), tables(true)
		group.Go(func() {
			if err := stratument.Migrate(t.Context(), owner, tables, stratument.MigrateConfig{}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestMigrateRefuses(t *testing.T) {
	d := pgtest.New(t)
	db, wire := scoped(t, d, 1)
	sent := wire.Sent()
	for name, ctx := range map[string]context.Context{"a tenant": as(tenantA), "nobody": t.Context()} {
		err := stratument.Migrate(ctx, db.SQL(), migrate.Tables, stratument.MigrateConfig{})
		if err == nil || !strings.Contains(err.Error(), "connected as their owner") || wire.Sent() != sent {
			t.Errorf("over the scoped database, as %s: %v", name, err)
		}
	}
	broken := []*schema.Table{{Name: "x", Columns: []*schema.Column{{Name: "y", Type: field.TypeOther, SchemaType: map[string]string{"postgres": "no_such_type"}}}}}
	if err := stratument.Migrate(t.Context(), sqlDB(t, d, embedpg.Owner), broken, stratument.MigrateConfig{}); err == nil {
		t.Error("a table that cannot be made")
	}
}
