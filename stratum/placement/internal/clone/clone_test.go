package clone_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/placement/internal/clone"
)

const (
	template = `The "Temp.late`
	quoted   = `"The ""Temp.late"`
	target   = "the_copy"
)

func run(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatal(sql[:min(len(sql), 80)], err)
	}
}

func testdata(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// copied has a nasty template and its copy.
func copied(t testing.TB) (*pgtest.Database, *pgx.Conn) {
	t.Helper()
	d := pgtest.New(t)
	conn := d.Conn(t, embedpg.Superuser)
	run(t, conn, testdata(t, "nasty.sql"))
	if d.Server().Version() >= 180000 {
		run(t, conn, "reset search_path; create extension btree_gist; "+testdata(t, "nasty18.sql"))
	}
	run(t, conn, "reset search_path; create schema "+target)
	if err := clone.Schema(t.Context(), conn, template, target); err != nil {
		t.Fatal(err)
	}
	return d, conn
}

// described is all that the catalogs have of a schema, and its rows.
func described(t testing.TB, conn *pgx.Conn, schema string) []string {
	t.Helper()
	var oid uint32
	err := conn.QueryRow(t.Context(), "select oid from pg_namespace where nspname = $1", schema).Scan(&oid)
	if err != nil {
		t.Fatal(err)
	}
	run(t, conn, "set search_path = "+pgx.Identifier{schema}.Sanitize())
	rows, _ := conn.Query(t.Context(), testdata(t, "describe.sql"), pgx.QueryExecModeExec, oid)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	run(t, conn, "reset search_path")
	return lines
}

// What the catalogs have of the copy is what they have of the template, and so are the rows.
func TestCopyIsComplete(t *testing.T) {
	t.Parallel()
	_, conn := copied(t)
	want, got := described(t, conn, template), described(t, conn, target)
	if len(want) < 200 {
		t.Fatalf("the template has only %d things", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// None of it is the template's, nor depends on it.
	run(t, conn, "drop schema "+quoted+" cascade")
	if diff := cmp.Diff(got, described(t, conn, target)); diff != "" {
		t.Error(diff)
	}
}

// What pg_dump says of the copy is what it says of the template, but for the name.
func TestDumpsAreEqual(t *testing.T) {
	t.Parallel()
	bin, err := embedpg.Find()
	if err != nil {
		t.Skip(err)
	}
	dump := filepath.Join(bin, "pg_dump")
	if _, err := os.Stat(dump); err != nil {
		t.Skip("there is no pg_dump beside the server: ", err)
	}
	d, _ := copied(t)
	read := func(schema string) []string {
		out, err := exec.CommandContext(t.Context(), dump, "--dbname="+d.URL(embedpg.Superuser), "--schema="+schema, "--inserts").CombinedOutput()
		if err != nil {
			t.Fatal(err, string(out))
		}
		statements := strings.Split(strings.ReplaceAll(string(out), quoted, target), "\n\n")
		for i, s := range statements {
			lines := slices.DeleteFunc(strings.Split(s, "\n"), func(line string) bool {
				return strings.HasPrefix(line, "--") || strings.Contains(line, "restrict ") || strings.TrimSpace(line) == ""
			})
			statements[i] = strings.Join(lines, "\n")
		}
		slices.Sort(statements)
		return slices.Compact(statements)
	}
	want, got := read(quoted), read(target)
	if len(want) < 100 {
		t.Fatalf("the template has only %d statements", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// What happens in the copy happens there alone.
func TestCopyIsApart(t *testing.T) {
	t.Parallel()
	_, conn := copied(t)
	state := func() (s string) {
		t.Helper()
		err := conn.QueryRow(t.Context(), strings.ReplaceAll(`select concat_ws(' ', (select string_agg(p::text, '') from T.parent p), (select string_agg(c::text, '') from T.child c),
			(select last_value from T."Free Seq"), (select last_value from T.parent_id_seq), (select last_value from T.child_id_seq),
			(select count(*) from T.scratch), (select count(*) from T."New Name."), (select sum(n) from T.totals))`, "T.", quoted+".")).Scan(&s)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := state()
	run(t, conn, `set search_path = the_copy, pg_temp;
		insert into parent ("Name", even) values ('n', 6); insert into child (parent_id, upper_name) select id, 'new' from parent where id > 110;
		call add(8); refresh materialized view totals; update child set upper_name = upper_name || 'y'; insert into "New Name." default values;
		alter table "New Name." enable rule noisy; delete from "New Name." where id = 7;
		delete from parent where even = 2; alter type mood rename value 'sad' to 'blue'; reset search_path`)
	if after := state(); after != before {
		t.Errorf("the template was %s and is %s", before, after)
	}
	var values string
	err := conn.QueryRow(t.Context(), `select string_agg(concat_ws(',', id, how, hows, even, doubled, free), ' ' order by id) from the_copy.parent`).Scan(&values)
	if want := `110,so\so,{glad},4,8,8 120,blue,{glad},6,12,17 130,blue,{glad},8,16,20`; err != nil || values != want {
		t.Errorf("%s, want %s, %v", values, want, err)
	}
	err = conn.QueryRow(t.Context(), `select string_agg(concat_ws(',', id, parent_id, changes), ' ' order by id) from the_copy.child`).Scan(&values)
	if want := `2,110,2 3,120,2`; err != nil || values != want {
		t.Errorf("%s, want %s, %v", values, want, err)
	}
}

// What cannot be copied is named, and nothing is copied.
func TestRefuses(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	conn := d.Conn(t, embedpg.Superuser)
	run(t, conn, `create schema target; create extension postgres_fdw; create server s foreign data wrapper postgres_fdw;
		create schema away; create type away.mood as enum ('glad'); create collation away.c from "C"`)
	for name, sql := range map[string]string{
		"foreign table x":                                 "create foreign table x (a int) server s",
		"table x with partitions":                         "create table x (a int) partition by list (a)",
		"table x with parents or children":                "create table x (); create table y () inherits (x)",
		"table x of a type":                               "create type row as (a int); create table x of row",
		"type x":                                          "create type x as range (subtype = int)",
		"function x(integer), which is an aggregate":      "create aggregate x (int) (sfunc = int4pl, stype = int)",
		"definition of: function x()":                     "create function x() returns bigint language sql as 'select count(*) from Template.fine'",
		"definition of: function path()":                  "create function path() returns int language sql set search_path from current as 'select 1'",
		"definition of: function dynamic()":               "create function dynamic() returns text language sql as $$ select format('%I.fine', 'template') $$",
		"definition of: default of x.a":                   "create sequence s; create table x (a int default nextval('template.s'::text))",
		"operator ###(integer,integer)":                   "create operator ### (function = int4pl, leftarg = int, rightarg = int)",
		"collation x":                                     `create collation x from "C"`,
		"text search configuration x":                     "create text search configuration x (copy = pg_catalog.english)",
		"publication of table x in publication p":         "create table x (); create publication p for table x",
		"publication of schema template in publication p": "create publication p for tables in schema template",
		"extension citext":                                "create extension citext",
		"function x(), which depends on an extension":     "create function x() returns int language sql as 'select 1'; alter function x() depends on extension postgres_fdw",
		"cast from mood to integer":                       "create type mood as enum ('glad'); create function i(mood) returns int language sql as 'select 1'; create cast (mood as int) with function i(mood)",
		"table x with a security label":                   "create table x (); insert into pg_seclabel values ('x'::regclass, 'pg_class'::regclass, 0, 'none', 'secret')",
		"table x of stratum_lib":                          "create table x (); alter table x owner to stratum_lib",
		"function x() of stratum_lib":                     "create function x() returns int language sql as 'select 1'; alter function x() owner to stratum_lib",
		"definition of: view x":                           "create function lower(text) returns text language sql as 'select $1'; create view x as select template.lower('X'::text) as low",
		"need each other in a ring":                       "create materialized view y as select 1 as a; create table x (of y)",
	} {
		run(t, conn, "set allow_system_table_mods = on; create schema template; create table template.fine (); set search_path = template; "+sql+"; reset search_path")
		err := clone.Schema(t.Context(), conn, "template", "target")
		if !errors.Is(err, core.ErrScopeUnsupported) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		run(t, conn, "delete from pg_seclabel; drop schema template cascade; drop publication if exists p")
	}
	if err := clone.Schema(t.Context(), conn, "nothing", "target"); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error(err)
	}
	// The last defence, for a name that the search for names does not find.
	run(t, conn, `create schema "two''quotes"; set search_path = "two''quotes"; create table x (); create function lower(text) returns text language sql as 'select $1';
		create view v as select "two''quotes".lower('X'::text) as low; reset search_path`)
	err := clone.Schema(t.Context(), conn, "two''quotes", "target")
	if !errors.Is(err, core.ErrScopeUnsupported) || !strings.Contains(err.Error(), "in a copy, these would depend on it: rule _RETURN on view v") {
		t.Error(err)
	}
	// Rows that a policy would hide are not left out in silence.
	run(t, conn, `create schema template authorization stratum_owner; set role stratum_owner; create table template.x (a int);
		alter table template.x enable row level security, force row level security; reset role;
		create schema own authorization stratum_owner; grant create on database "`+d.Name+`" to stratum_owner`)
	if err := clone.Schema(t.Context(), d.Conn(t, embedpg.Owner), "template", "own"); err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Error(err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), "select count(*) from pg_class where relnamespace in ('target'::regnamespace, 'own'::regnamespace)").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d things were copied, %v", n, err)
	}
}

// The copy is of one moment, after what was under way; the template can be written to
// meanwhile, but not altered.
func TestOneMoment(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	conn, other, blocker := d.Conn(t, embedpg.Superuser), d.Conn(t, embedpg.Superuser), d.Conn(t, embedpg.Superuser)
	run(t, conn, "create schema target; create schema template; create table template.a (id int); create table template.b (id int)")
	run(t, blocker, "begin; alter table template.b add late int default 7; insert into template.b values (1)")
	ended := make(chan error, 1)
	go func() { ended <- clone.Schema(t.Context(), conn, "template", "target") }()
	for waiting := false; !waiting; {
		err := other.QueryRow(t.Context(), "select exists (select from pg_locks where pid = $1 and not granted)", conn.PgConn().PID()).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
	}
	run(t, other, "insert into template.a values (1); set lock_timeout = '100ms'")
	if _, err := other.Exec(t.Context(), "alter table template.a add x int"); err == nil {
		t.Error("the template was altered")
	}
	run(t, blocker, "commit")
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	var n int
	if err := conn.QueryRow(t.Context(), "select sum(a.id + b.id + b.late) from target.a, target.b").Scan(&n); err != nil || n != 9 {
		t.Error(n, err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	conn := pgtest.New(t).Conn(t, embedpg.Superuser)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := clone.Schema(ctx, conn, "a", "b"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
