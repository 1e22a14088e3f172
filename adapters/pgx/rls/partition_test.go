package rls_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

const partitioned = `
create table kind (id int primary key);
insert into kind values (1), (2);
create table event (id int, k int references kind, primary key (id, k)) partition by list (k);
create table event1 partition of event for values in (1);
create table event2 partition of event for values in (2) partition by range (id);
create table event2a partition of event2 for values from (0) to (100);
insert into event select i, 1 + i % 2 from generate_series(1, 20) i;
grant all on event1, event2a to stratum_app, public;
create table note (id int primary key, event int, k int, constraint of foreign key (event, k) references event on delete cascade);
insert into note select id, id, k from event;
`

func TestPartitionsAreProtectedWithTheirParent(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, partitioned)
	tables := []rls.Table{
		{Name: "kind", Backfill: "case id when 1 then '" + textA + "'::uuid else '" + textB + "' end"},
		{Name: "event", Backfill: "k.tenant_id from kind k where k.id = event.k", ForeignKeys: true},
		{Name: "note", Backfill: "e.tenant_id from event e where e.id = note.event and e.k = note.k", ForeignKeys: true},
	}
	protect(t, owner, tables...)
	app := db.Conn(t, embedpg.App)
	mustAs(t, app, textA, "select from event", 10)
	mustAs(t, app, textB, "select from event", 10)
	mustAs(t, app, textA, "select from event2a", 0) // it may, and is in scope
	mustAs(t, app, textA, "select from event1", 10)
	mustAs(t, app, textA, "insert into event1 (id, k) values (50, 1)", 1)
	fails(t, app, textA, "insert into event1 (id, k, tenant_id) values (51, 1, '"+textB+"')", insufficient)
	fails(t, app, textA, "insert into event (id, k) values (50, 2)", foreignKey)
	fails(t, app, textA, "insert into note values (50, 1, 2)", foreignKey)
	mustAs(t, app, textA, "delete from event where id = 2", 1)
	mustAs(t, app, textA, "select from note", 9)
	fails(t, app, textA, "select from event2", insufficient)
	fails(t, app, textA, "truncate event1", insufficient)
	fails(t, db.Conn(t, embedpg.Subtree), textA, "select from event1", insufficient)
	if n := one[int](t, owner, "select count(*) from pg_policies where tablename like 'event%'"); n != 4*8 {
		t.Errorf("%d policies", n)
	}

	before := versions(t, owner)
	protect(t, owner, tables...)
	if d := cmp.Diff(before, versions(t, owner)); d != "" {
		t.Error(d)
	}

	// A new partition is open to who has rights on it, until the next run.
	exec(t, owner, `create table event3 (k int not null, id int not null, tenant_id uuid not null);
		insert into event3 select 3, 1, '`+textB+`'; alter table event3 enable row level security;
		grant all on event3 to public; create policy p on event3 using (true)`)
	exec(t, db.Conn(t, embedpg.System), "insert into kind values (3, '"+textB+"')")
	exec(t, owner, "alter table event no force row level security; alter table kind no force row level security; alter table event attach partition event3 for values in (3)")
	mustAs(t, app, textA, "select from event3", 1)
	refused(t, rls.Protect(t.Context(), owner, tables...), "public.event3 has the permissive policy p")
	tables[1].Replace = true
	protect(t, owner, tables...)
	fails(t, app, textA, "select from event3", insufficient)
	exec(t, owner, "grant select on event3 to stratum_app")
	mustAs(t, app, textA, "select from event3", 0)
	mustAs(t, app, textB, "select from event3", 1)
	mustAs(t, app, textB, "select from event", 11)
	if d := one[*string](t, owner, "select column_default from information_schema.columns where table_name = 'event3' and column_name = 'tenant_id'"); d == nil {
		t.Error("the partition's own default is missing")
	}

	if err := rls.Unprotect(t.Context(), owner, tables...); err != nil {
		t.Fatal(err)
	}
	if n := one[int](t, owner, "select count(*) from pg_class where relrowsecurity or relforcerowsecurity"); n != 0 {
		t.Errorf("%d tables are still protected", n)
	}
	fails(t, app, textA, "select from event1", insufficient)
}
