package rls_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

const oddities = `
create table good (id int primary key);
create table "Good" (id int);
create view v as select * from good;
create materialized view mv as select * from good;
create sequence seq;
create table texted (id int, tenant_id text);
create table varied (id int, tenant_id varchar(36));
create table made (id int, t text, tenant_id uuid generated always as ('aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa'::uuid) stored);
create table parted (id int, k int) partition by list (k);
create table part1 partition of parted for values in (1) partition by list (id);
create table part11 partition of part1 for values in (1);
create table elder (id int);
create table younger () inherits (elder);
create table open (id int);
create policy everybody on open using (true);
create table narrowed (id int);
create policy narrow on narrowed as restrictive using (id > 0);
create table keyless (id int);
create table earlier (id int, org uuid not null);
create table kept (id int);
create temp table passing (id int);
`

// refusal is a table, the field that stands in the way, and parts of the sentence, separated by |.
type refusal struct {
	table        rls.Table
	field, words string
}

func refusals() []refusal {
	return []refusal{
		{rls.Table{Name: "v"}, "Name", "public.v is a view|security_invoker"},
		{rls.Table{Name: "mv"}, "Name", "public.mv is a materialized view"},
		{rls.Table{Name: "far"}, "Name", "public.far is a foreign table"},
		{rls.Table{Name: "parted"}, "Name", "public.part2 is a foreign table, a partition of parted"},
		{rls.Table{Name: "seq"}, "Name", "public.seq is no table"},
		{rls.Table{Name: "good_pkey"}, "Name", "is no table"},
		{rls.Table{Name: "passing"}, "Name", "is a temporary table"},
		{rls.Table{Name: "pg_catalog.pg_class"}, "Name", "belongs to the system"},
		{rls.Table{Name: "information_schema.sql_features"}, "Name", "belongs to the system"},
		{rls.Table{Name: "part11"}, "Name", "public.part11 is a partition of public.parted|Name public.parted instead"},
		{rls.Table{Name: "part1"}, "Name", "public.part1 is a partition of public.parted"},
		{rls.Table{Name: "younger"}, "Name", "public.younger inherits from public.elder"},
		{rls.Table{Name: "elder"}, "Name", "public.elder is inherited by public.younger"},
		{rls.Table{Name: "theirs"}, "Name", "belongs to postgres, and this connection to stratum_owner|Connect as"},
		{rls.Table{Name: "libs"}, "Name", "belongs to stratum_lib"},
		{rls.Table{Name: "missing"}, "Name", "there is no table missing|search_path"},
		{rls.Table{Name: "nowhere.good"}, "Name", "there is no table nowhere.good"},
		{rls.Table{Name: "GOOD2"}, "Name", "there is no table GOOD2"},
		{rls.Table{Name: "a.b.c.d"}, "Name", "a.b.c.d"},
		{rls.Table{Name: "good; drop table good"}, "Name", "good; drop table good"},
		{rls.Table{Name: `"good`}, "Name", `"good`},
		{rls.Table{Name: "texted"}, "Column", "the column tenant_id of public.texted is text, and must be uuid"},
		{rls.Table{Name: "varied"}, "Column", "character varying(36)"},
		{rls.Table{Name: "made"}, "Column", "is generated"},
		{rls.Table{Name: "good", Column: "ctid"}, "Column", "ctid"},
		{rls.Table{Name: "earlier"}, "Column", "protected by its column org already, not by tenant_id"},
		{rls.Table{Name: "open"}, "Replace", "has the permissive policy everybody"},
		{rls.Table{Name: "keyless", CompositeKey: true}, "CompositeKey", "has no primary key"},
		{rls.Table{Name: "good", Roles: rls.Roles{App: "nobody's app"}}, "Roles", `there is no role nobody's app|CREATE ROLE "nobody's app" LOGIN`},
		{rls.Table{Name: "good", Roles: rls.Roles{System: "public"}}, "Roles", "there is no role public"},
		{rls.Table{Name: "good", Roles: rls.Roles{App: "rls_passing"}}, "Roles", "passes by row-level security"},
		{rls.Table{Name: "good", Roles: rls.Roles{App: "rls_member"}}, "Roles", "is a member of stratum_owner|REVOKE stratum_owner FROM rls_member"},
		{rls.Table{Name: "good", Roles: rls.Roles{App: "stratum_owner"}}, "Roles", "is a member of stratum_owner|OWNER TO"},
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, oddities)
	db.Exec(t, embedpg.Superuser, `
		create extension if not exists file_fdw; create server files foreign data wrapper file_fdw;
		create foreign table far (id int) server files options (filename '/dev/null');
		alter foreign table far owner to stratum_owner;
		create foreign table part2 partition of parted for values in (2) server files options (filename '/dev/null');
		alter foreign table part2 owner to stratum_owner;
		create table theirs (id int); create table libs (id int); alter table libs owner to stratum_lib;
		create role rls_member login; grant stratum_owner to rls_member; create role rls_passing login bypassrls;`)
	protect(t, owner, rls.Table{Name: "earlier", Column: "org"}, rls.Table{Name: "narrowed"}, rls.Table{Name: "kept"})
	before := schema(t, owner)
	for _, c := range refusals() {
		d := refused(t, rls.Protect(t.Context(), owner, c.table), strings.Split(c.words, "|")...)
		if d["table"] != c.table.Name || d["field"] != c.field {
			t.Errorf("%s: %v", c.table.Name, d)
		}
	}
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "good"}, rls.Table{Name: "public.good"}), "is named twice")
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "good"}, rls.Table{Name: "v"}), "public.v is a view")
	if d := cmp.Diff(before, schema(t, owner)); d != "" {
		t.Errorf("a refusal left something behind: %s", d)
	}

	super := db.Conn(t, embedpg.Superuser)
	refused(t, rls.Protect(t.Context(), super, rls.Table{Name: "theirs"}), "whom row-level security never binds", "ALTER TABLE public.theirs OWNER TO")
	protect(t, super, rls.Table{Name: "good"}) // on its owner's behalf
	protect(t, owner, rls.Table{Name: `"Good"`}, rls.Table{Name: "open", Replace: true})
	if n := one[int](t, owner, "select count(*) from pg_policies where policyname in ('everybody', 'narrow')"); n != 1 {
		t.Error("Replace is for other permissive policies, and for no others")
	}
	exec(t, super, "drop role rls_member, rls_passing")
}

func TestRefusalsWithoutAServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tables []rls.Table
		words  string
	}{
		{nil, "no table is named"},
		{[]rls.Table{{}}, "has no name"},
		{[]rls.Table{{Name: " "}}, "has no name"},
		{[]rls.Table{{Name: "a\x00b"}}, "is no text"},
		{[]rls.Table{{Name: "a", Backfill: "\xff"}}, "Backfill of table \"a\" is no text"},
		{[]rls.Table{{Name: "a", Column: strings.Repeat("x", 64)}}, "Column of table a"},
		{[]rls.Table{{Name: "a", Roles: rls.Roles{App: "x", System: "x"}}}, "must differ"},
		{[]rls.Table{{Name: "a", Roles: rls.Roles{App: "stratum_system"}}}, "must differ"},
		{[]rls.Table{{Name: "a", Tenant: tenantA, Backfill: "b"}}, "both Tenant and Backfill"},
		{[]rls.Table{{Name: "a", Backfill: "b; drop table c"}}, "goes on with"},
	} {
		_, err := rls.Script(c.tables...)
		refused(t, err, c.words)
		refused(t, rls.Protect(t.Context(), nil, c.tables...), c.words)
		refused(t, rls.Unprotect(t.Context(), nil, c.tables...), c.words)
	}
}
