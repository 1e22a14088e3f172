package rls_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// Names that fall apart wherever one is put into SQL without care.
func TestQuoting(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, `
		create schema "Bill.ing"; create schema other;
		create table "Bill.ing"."Ta.ble""'$stratum$ %I {{x}} $tables$" (
			"Key, 1" int, "select" int, "Ten''ant; --" uuid, "ünï" text, primary key ("Key, 1", "select"));
		create table "order" ("user" serial primary key, "Key, 1" int, "select" int,
			constraint "F""k" foreign key ("Key, 1", "select") references "Bill.ing"."Ta.ble""'$stratum$ %I {{x}} $tables$" on delete set null);
		create table other."order" (id int primary key);
		create table "Invoice" (id int primary key); create table invoice (id int primary key);
		insert into "Bill.ing"."Ta.ble""'$stratum$ %I {{x}} $tables$" values (1, 1, null, 'a'), (2, 2, null, 'b');
		insert into "order" ("Key, 1", "select") values (1, 1), (2, 2), (null, 2);`)
	db.Exec(t, embedpg.Superuser, `create role "Rls ""App'%I$$" login; create role "rls.system; --" login`)
	defer db.Exec(t, embedpg.Superuser, `drop owned by "Rls ""App'%I$$", "rls.system; --"; drop role "Rls ""App'%I$$", "rls.system; --"`)
	roles := rls.Roles{App: `Rls "App'%I$$`, System: "rls.system; --"}
	tables := []rls.Table{
		{Name: `"Bill.ing"."Ta.ble""'$stratum$ %I {{x}} $tables$"`, Column: "Ten''ant; --", CompositeKey: true, Roles: roles,
			Backfill: `case "ünï" when $a$a$a$ then '` + textA + `'::uuid else (E'\'' || '` + textB + `')::uuid end`},
		{Name: ` Public . "order" `, ForeignKeys: true, Roles: roles, Tenant: tenantA},
		{Name: `"Invoice"`, Roles: roles},
	}
	// The E string is no uuid: the value reaches the server as it was written.
	refused(t, rls.Protect(t.Context(), owner, tables...), "invalid input syntax for type uuid", "the Backfill of")
	tables[0].Backfill = `case "ünï" when $a$a$a$ then '` + textA + `'::uuid else '` + textB + `' end /* /* ) */ */`
	tables[1].Tenant = [16]byte{}
	tables[1].Backfill = `coalesce(t."Ten''ant; --", '` + textA + `') from (select 1) one
		left join "Bill.ing"."Ta.ble""'$stratum$ %I {{x}} $tables$" t on true
		where (t."Key, 1", t."select") is not distinct from ("order"."Key, 1", public."order"."select") or "order"."Key, 1" is null and t."select" = 1 -- the end`
	protect(t, owner, tables...)
	before := versions(t, owner)
	protect(t, owner, tables...)
	if d := cmp.Diff(before, versions(t, owner)); d != "" {
		t.Error(d)
	}

	app := db.Conn(t, embedpg.Superuser)
	exec(t, app, `set session authorization "Rls ""App'%I$$"`)
	mustAs(t, app, textA, `select from public."order"`, 2)
	mustAs(t, app, textB, `select from public."order"`, 1)
	mustAs(t, app, textB, `select from "Bill.ing"."Ta.ble""'$stratum$ %I {{x}} $tables$"`, 1)
	mustAs(t, app, textB, `delete from "Bill.ing"."Ta.ble""'$stratum$ %I {{x}} $tables$"`, 1)
	mustAs(t, app, textB, `select from public."order" where "select" is null and "Key, 1" is null`, 1)
	fails(t, app, textA, "select from invoice", insufficient)
	if n := one[int](t, owner, "select count(*) from pg_class where relrowsecurity"); n != 3 {
		t.Errorf("%d tables are protected", n)
	}
	if err := rls.Unprotect(t.Context(), owner, tables...); err != nil {
		t.Fatal(err)
	}
}

// The same name in two schemas: one protected table says nothing of the other.
func TestSearchPathDecides(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, "create schema a; create schema b; create table a.t (id int); create table b.t (id int); set search_path = b, a")
	protect(t, owner, rls.Table{Name: "t"})
	protect(t, owner, rls.Table{Name: "a.t"})
	got := lines(t, owner, "select schemaname || count(*) from pg_policies group by schemaname order by 1")
	if d := cmp.Diff([]string{"a8", "b8"}, got); d != "" {
		t.Error(d)
	}
}
