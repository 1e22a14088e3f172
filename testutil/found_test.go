package stratumtest_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/embedpg"
)

// contents is everything in a database that an attack could leave changed: rows,
// sequences, and the catalogs but for what is counted.
func contents(t testing.TB, d opened) []string {
	t.Helper()
	conn := d.Conn(t, embedpg.Superuser)
	tables := lines(t, conn, `select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where c.relkind in ('r', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' order by 1`)
	var parts []string
	for _, table := range tables {
		parts = append(parts, "select concat_ws(' ', 'rows of', '"+strings.ReplaceAll(table, "'", "''")+"', count(*), md5(string_agg(x::text, ' ' order by x::text))) from only "+table+" x")
	}
	for _, seq := range lines(t, conn, "select oid::regclass::text from pg_class where relkind = 'S' order by 1") {
		parts = append(parts, "select concat_ws(' ', '"+seq+"', last_value, is_called) from "+seq)
	}
	for _, catalog := range []string{
		"select 'class', oid, relname, relnamespace, relkind, relowner, relacl, relrowsecurity, relforcerowsecurity, relhastriggers, relhasrules, reloptions from pg_class where relname !~ '^pg_(toast|temp)'",
		"select 'attribute', attrelid, attname, attnum, atttypid, attnotnull, attacl from pg_attribute where attrelid in (select oid from pg_class where relname !~ '^pg_(toast|temp)')",
		"select 'default', adrelid, adnum, pg_get_expr(adbin, adrelid) from pg_attrdef",
		"select 'constraint', oid, conname, pg_get_constraintdef(oid), convalidated from pg_constraint",
		"select 'policy', oid, polname, polrelid, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), polroles from pg_policy",
		"select 'trigger', oid, tgrelid, tgname, tgenabled from pg_trigger",
		"select 'rule', oid, rulename, ev_class from pg_rewrite where oid > 16384",
		"select 'proc', oid, proname, prosecdef, proacl from pg_proc where oid > 16384",
		"select 'namespace', oid, nspname, nspacl from pg_namespace where nspname !~ '^pg_(toast_)?temp'",
		"select 'large object', oid from pg_largeobject_metadata",
		"select 'database', datname, datacl from pg_database where datname = current_database()",
	} {
		parts = append(parts, "select concat_ws(' ', c.*) from ("+catalog+") c")
	}
	return lines(t, conn, "select * from ("+strings.Join(parts, " union all ")+") x (line) order by 1")
}

func lines(t testing.TB, conn *pgx.Conn, query string) []string {
	t.Helper()
	rows, _ := conn.Query(t.Context(), query)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func same(t testing.TB, before, after []string) {
	t.Helper()
	if d := cmp.Diff(before, after); d != "" {
		t.Error("the database is not as found:\n", d)
	}
}
