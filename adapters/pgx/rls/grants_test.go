package rls_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestGrantsAreExact(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, `
		create schema hidden;
		create table hidden.a (id serial primary key, other bigint generated always as identity, x int);
		grant all on hidden.a to public;
		grant all on hidden.a to stratum_app with grant option;
		grant truncate on hidden.a to stratum_system;
		grant select on hidden.a to stratum_lib;
		grant references (x) on hidden.a to stratum_lib;`)
	protect(t, owner, rls.Table{Name: "hidden.a"})
	got := lines(t, owner, `
		select 'table ' || x.grantee::regrole || ' ' || string_agg(x.privilege_type || case when x.is_grantable then '*' else '' end, ' ' order by x.privilege_type)
		from pg_class c, aclexplode(c.relacl) x where c.oid = 'hidden.a'::regclass and x.grantee <> c.relowner group by x.grantee
		union all
		select c.relname || ' ' || x.grantee::regrole || ' ' || x.privilege_type
		from pg_class c, aclexplode(c.relacl) x where c.relkind = 'S' and x.grantee <> c.relowner
		union all
		select 'schema ' || x.grantee::regrole || ' ' || x.privilege_type from pg_namespace n, aclexplode(n.nspacl) x where nspname = 'hidden' and x.grantee <> n.nspowner
		union all
		select 'column ' || attacl::text from pg_attribute where attrelid = 'hidden.a'::regclass and attacl is not null
		order by 1`)
	want := []string{
		"a_id_seq stratum_app USAGE", "a_id_seq stratum_system USAGE",
		"a_other_seq stratum_app USAGE", "a_other_seq stratum_system USAGE",
		"column {stratum_lib=x/stratum_owner}",
		"schema stratum_app USAGE", "schema stratum_system USAGE",
		"table stratum_app DELETE INSERT SELECT UPDATE", "table stratum_lib SELECT",
		"table stratum_system DELETE INSERT SELECT UPDATE",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	mustAs(t, db.Conn(t, embedpg.App), textA, "insert into hidden.a (x) values (1)", 1)
}

// What the owner cannot take away is an error, not a warning that nobody reads.
func TestGrantsThatCannotBeGivenOrTaken(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, "create table a (id int); grant usage on schema public to stratum_lib; grant select on a to stratum_lib with grant option")
	db.Exec(t, embedpg.Lib, "grant select on a to public")
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "a"}), "this did not take effect: revoke SELECT on table public.a from public")
	if n := one[int](t, owner, "select count(*) from pg_policies"); n != 0 {
		t.Error("half of the work is left")
	}

	db.Exec(t, embedpg.Superuser, `create schema theirs; grant create, usage on schema theirs to stratum_owner`)
	exec(t, owner, "create table theirs.b (id int)")
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "theirs.b"}), "this did not take effect: grant usage on schema theirs to stratum_")
}
