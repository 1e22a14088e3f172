package rls_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// defs lists the foreign keys as the server prints them.
func defs(t testing.TB, owner *pgx.Conn) []string {
	return lines(t, owner, `select conname || ' ' || pg_get_constraintdef(oid) || coalesce(' -- ' || obj_description(oid, 'pg_constraint'), '')
		from pg_constraint where contype = 'f' and conparentid = 0 and convalidated order by conname collate "C"`)
}

func TestForeignKeysKeepWhatTheyWere(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, `
		create table plain (id int primary key);
		create table target (id int primary key, a int, b text, unique (b, a));
		create table source (
			id int primary key,
			p int constraint "Plain fk" references plain,
			c1 int constraint c1 references target,
			c2 int constraint c2 references target on delete cascade on update cascade,
			c3 int constraint c3 references target on delete set null,
			c4 int constraint c4 references target on delete set default on update restrict,
			c5 int constraint c5 references target on delete restrict deferrable initially deferred,
			c6 int constraint c6 references target match full deferrable,
			c7 int not null constraint c7 references target match full,
			parent int constraint c8 references source on delete cascade,
			x int, y text,
			constraint c9 foreign key (x, y) references target (a, b) on delete set null (y)
		);
		comment on constraint c9 on source is 'it''s mine';
		alter table source add constraint d1 foreign key (x) references target not valid;`)
	tables := []rls.Table{{Name: "target"}, {Name: "source", ForeignKeys: true}}
	protect(t, owner, tables...)
	want := []string{
		"Plain fk FOREIGN KEY (p) REFERENCES plain(id)",
		"c1 FOREIGN KEY (tenant_id, c1) REFERENCES target(tenant_id, id)",
		"c2 FOREIGN KEY (tenant_id, c2) REFERENCES target(tenant_id, id) ON UPDATE CASCADE ON DELETE CASCADE",
		"c3 FOREIGN KEY (tenant_id, c3) REFERENCES target(tenant_id, id) ON DELETE SET NULL (c3)",
		"c4 FOREIGN KEY (tenant_id, c4) REFERENCES target(tenant_id, id) ON UPDATE RESTRICT ON DELETE SET DEFAULT (c4)",
		"c5 FOREIGN KEY (tenant_id, c5) REFERENCES target(tenant_id, id) ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED",
		"c6 FOREIGN KEY (tenant_id, c6) REFERENCES target(tenant_id, id) DEFERRABLE",
		"c7 FOREIGN KEY (tenant_id, c7) REFERENCES target(tenant_id, id) MATCH FULL",
		"c8 FOREIGN KEY (tenant_id, parent) REFERENCES source(tenant_id, id) ON DELETE CASCADE",
		"c9 FOREIGN KEY (tenant_id, x, y) REFERENCES target(tenant_id, a, b) ON DELETE SET NULL (y) -- it's mine",
		"d1 FOREIGN KEY (tenant_id, x) REFERENCES target(tenant_id, id)",
	}
	if d := cmp.Diff(want, defs(t, owner)); d != "" {
		t.Error(d)
	}
	uniques := lines(t, owner, "select pg_get_constraintdef(oid) from pg_constraint where contype = 'u' and conrelid = 'target'::regclass order by 1")
	if want := []string{"UNIQUE (b, a)", "UNIQUE (tenant_id, a, b)", "UNIQUE (tenant_id, id)"}; !slices.Equal(uniques, want) {
		t.Error(uniques)
	}
	before := versions(t, owner)
	protect(t, owner, tables...)
	if d := cmp.Diff(before, versions(t, owner)); d != "" {
		t.Error(d)
	}
}

func TestForeignKeysToTablesProtectedBefore(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, shop)
	tables := protectedShop()
	tables[0].CompositeKey = false
	tables[0].Column = "organisation" // each table has its own
	tables[1].Backfill = "c.organisation from customer c where c.customer_id = invoice.customer_id"
	for _, table := range tables {
		protect(t, owner, table)
	}
	want := []string{
		"invoice_customer_id_fkey FOREIGN KEY (tenant_id, customer_id) REFERENCES customer(organisation, customer_id) ON DELETE CASCADE",
		"line_of FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoice(tenant_id, invoice_id) ON DELETE CASCADE",
	}
	if d := cmp.Diff(want, defs(t, owner)); d != "" {
		t.Error(d)
	}
	if n := one[int](t, owner, "select count(*) from pg_class where relforcerowsecurity"); n != 3 {
		t.Errorf("%d tables are under FORCE", n)
	}
	mustAs(t, db.Conn(t, embedpg.App), textA, "select from invoice_line", 12)
}

// A key over rows of two tenants is found, although FORCE hides them from the owner.
func TestForeignKeysOverForeignRowsFail(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, `
		create table head (id int primary key, tenant_id uuid not null);
		insert into head values (1, '`+textA+`'), (2, '`+textB+`');
		create table line (id int primary key, tenant_id uuid not null, head int constraint of references head);
		insert into line values (1, '`+textA+`', 1), (2, '`+textA+`', 2), (3, '`+textB+`', 1), (4, '`+textB+`', null);`)
	protect(t, owner, rls.Table{Name: "head"}, rls.Table{Name: "line"})
	before := schema(t, owner)
	err := rls.Protect(t.Context(), owner, rls.Table{Name: "line", ForeignKeys: true})
	d := refused(t, err, "rows of public.line that refer, by the foreign key of, to a row of public.head of another tenant, or to none: 2")
	if d["rows"] != int64(2) || d["field"] != "ForeignKeys" {
		t.Error(d)
	}
	if d := cmp.Diff(before, schema(t, owner)); d != "" {
		t.Error(d)
	}
}

func TestForeignKeysThatCannotBeComposite(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, `
		create table target (id int primary key, b int, unique (id, b));
		create table s1 (id int constraint s1fk references target on update set null);
		create table s2 (id int constraint s2fk references target on update set default);
		create table s3 (id int, b int, constraint s3fk foreign key (id, b) references target (id, b) match full);
		create table s4 (id int not null, b int not null, constraint s4fk foreign key (id, b) references target (id, b) match full);`)
	protect(t, owner, rls.Table{Name: "target"})
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "s1", ForeignKeys: true}), "s1fk of public.s1 is ON UPDATE SET NULL")
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "s2", ForeignKeys: true}), "s2fk of public.s2 is ON UPDATE SET DEFAULT")
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "s3", ForeignKeys: true}), "s3fk of public.s3 is MATCH FULL")
	protect(t, owner, rls.Table{Name: "s1"}, rls.Table{Name: "s3"}, rls.Table{Name: "s4", ForeignKeys: true})
	if one[int](t, owner, "select current_setting('server_version_num')::int") < 180000 {
		return
	}
	exec(t, owner, `create table s5 (id int constraint s5fk references target not enforced); insert into s5 values (7)`)
	protect(t, owner, rls.Table{Name: "s5", Tenant: tenantA, ForeignKeys: true})
	if d := one[string](t, owner, "select pg_get_constraintdef(oid) from pg_constraint where conname = 's5fk'"); d !=
		"FOREIGN KEY (tenant_id, id) REFERENCES target(tenant_id, id) NOT ENFORCED" {
		t.Error(d)
	}
}

// What a key sets null is the reference, never the tenant.
func TestSetNullKeepsTheTenant(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, `
		create table head (id int primary key);
		create table line (id int primary key, head int references head on delete set null);`)
	protect(t, owner, rls.Table{Name: "head"}, rls.Table{Name: "line", ForeignKeys: true})
	app := db.Conn(t, embedpg.App)
	mustAs(t, app, textA, "insert into head values (1)", 1)
	mustAs(t, app, textA, "insert into line values (1, 1)", 1)
	mustAs(t, app, textA, "delete from head", 1)
	mustAs(t, app, textA, "select from line where head is null", 1)
}

// Checks that wait for the end of the transaction run before the table is altered.
func TestDeferredChecksDoNotStandInTheWay(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, `
		create function check_it() returns trigger language plpgsql as 'begin return null; end';
		create table target (id int primary key);
		insert into target values (1);
		create table source (id int references target deferrable initially deferred, tenant_id uuid);
		create constraint trigger later after update on source deferrable initially deferred for each row execute function check_it();
		insert into source values (1);`)
	protect(t, owner, rls.Table{Name: "target", Tenant: tenantA}, rls.Table{Name: "source", Tenant: tenantA, ForeignKeys: true})
}

func TestNotNullThatWasNotValid(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, "create table a (tenant_id uuid); insert into a values (null)")
	if one[int](t, owner, "select current_setting('server_version_num')::int") < 180000 {
		return // before 18 there is no such thing
	}
	exec(t, owner, "alter table a add constraint nn not null tenant_id not valid")
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "a"}), "rows of public.a left without a tenant: 1")
	protect(t, owner, rls.Table{Name: "a", Tenant: tenantA})
	if !one[bool](t, owner, "select convalidated from pg_constraint where conname = 'nn'") {
		t.Error("it is still not valid")
	}
}
