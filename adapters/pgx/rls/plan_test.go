package rls_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// node is a part of a plan as EXPLAIN (FORMAT JSON) tells it.
type node struct {
	Type      string  `json:"Node Type"`
	Parent    string  `json:"Parent Relationship"`
	Subplan   string  `json:"Subplan Name"`
	Index     string  `json:"Index Name"`
	Condition string  `json:"Index Cond"`
	Filter    string  `json:"Filter"`
	Loops     float64 `json:"Actual Loops"`
	Removed   float64 `json:"Rows Removed by Filter"`
	Plans     []node  `json:"Plans"`
}

func (n node) walk(visit func(node)) {
	visit(n)
	for _, p := range n.Plans {
		p.walk(visit)
	}
}

// all returns the nodes for which keep holds.
func (n node) all(keep func(node) bool) []node {
	var found []node
	n.walk(func(n node) {
		if keep(n) {
			found = append(found, n)
		}
	})
	return found
}

func isInit(n node) bool { return n.Parent == "InitPlan" }

// explain runs a query of a tenant and returns its plan.
func explain(t testing.TB, conn *pgx.Conn, tenant, sql string) node {
	t.Helper()
	var out []byte
	err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), "select set_config('app.current_tenant_id', $1, true)", tenant); err != nil {
			return err
		}
		return tx.QueryRow(t.Context(), "explain (analyze, timing off, format json) "+sql).Scan(&out)
	})
	if err != nil {
		t.Fatal(err)
	}
	var plans []struct{ Plan node }
	if err := json.Unmarshal(out, &plans); err != nil {
		t.Fatal(err)
	}
	return plans[0].Plan
}

// events has 200 tenants, of 100 rows each but for A, who has 1,000.
const events = `
create table event (id bigint generated always as identity primary key, tenant_id uuid, created_at timestamptz not null, body text);
insert into event (tenant_id, created_at, body)
	select case when i <= 1000 then '` + textA + `' else md5((i % 200)::text)::uuid end, now() - i * interval '1 s', i from generate_series(1, 20000) i;
create index newest on event (tenant_id, created_at);
`

func newEvents(t *testing.T) *pgx.Conn {
	db, owner := newDB(t, events)
	protect(t, owner, rls.Table{Name: "event"})
	exec(t, owner, "vacuum analyze event")
	return db.Conn(t, embedpg.App)
}

func TestPredicateIsComputedOncePerTable(t *testing.T) {
	t.Parallel()
	app := newEvents(t)
	for _, c := range []struct {
		sql    string
		tables int
	}{
		{"select count(*) from event", 1},
		{"select * from event where id = 5", 1},
		{"select count(*) from event a join event b using (id)", 2},
		{"update event set body = '' where id = 5", 1},
		{"delete from event where id = 6", 1},
		{"select count(*) from event a where exists (select from event b where b.id = a.id + 1)", 2},
	} {
		inits := explain(t, app, textA, c.sql).all(isInit)
		if len(inits) != c.tables && len(inits) != c.tables*2 { // an UPDATE also checks what it reads
			t.Errorf("%s: %d InitPlans for %d tables", c.sql, len(inits), c.tables)
		}
		for _, n := range inits {
			if n.Loops > 1 {
				t.Errorf("%s: the setting was read %v times", c.sql, n.Loops)
			}
		}
	}
}

func TestIndexServesThePredicate(t *testing.T) {
	t.Parallel()
	app := newEvents(t)
	plan := explain(t, app, textA, "select count(*) from event where created_at > now() - interval '1 hour'")
	scans := plan.all(func(n node) bool { return n.Index != "" })
	if len(scans) != 1 || !slices.Contains([]string{"newest"}, scans[0].Index) {
		t.Fatalf("%+v", plan)
	}
	for _, n := range scans {
		if n.Condition == "" || !hasTenant(n.Condition) || n.Removed > 0 {
			t.Errorf("the index is asked for %q", n.Condition)
		}
	}
}

func hasTenant(condition string) bool {
	for _, form := range []string{"(tenant_id = $0)", "(tenant_id = $1)", "(tenant_id = (InitPlan 1).col1)"} {
		if len(condition) >= len(form) && (condition == form || slices.Contains(splitAnd(condition), form)) {
			return true
		}
	}
	return false
}

// splitAnd cuts "((a) AND (b))" at its ANDs.
func splitAnd(condition string) []string {
	var parts []string
	depth, start := 0, 1
	for i, r := range condition {
		switch r {
		case '(':
			depth++
			if depth == 2 {
				start = i
			}
		case ')':
			if depth == 2 {
				parts = append(parts, condition[start:i+1])
			}
			depth--
		}
	}
	return parts
}

// The index gives the newest rows in order: no row is sorted, and no more are read than asked for.
func TestNewestRowsComeInTheOrderOfTheIndex(t *testing.T) {
	t.Parallel()
	app := newEvents(t)
	for _, order := range []string{"created_at desc", "tenant_id desc, created_at desc"} {
		plan := explain(t, app, textA, fmt.Sprintf("select * from event order by %s limit 50", order))
		sorts := plan.all(func(n node) bool {
			return n.Type == "Sort" || n.Type == "Incremental Sort" || n.Type == "Bitmap Heap Scan"
		})
		scans := plan.all(func(n node) bool { return n.Index == "newest" && hasTenant(n.Condition) })
		if len(sorts) != 0 || len(scans) != 1 {
			t.Errorf("order by %s: %+v", order, plan)
		}
	}
}

func TestExistingIndexesAreUsed(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, `
		create table a (id int primary key, tenant_id uuid); create index on a (tenant_id);
		create table b (id int primary key, tenant_id uuid); create index on b (tenant_id) where id > 5;
		create table c (id int primary key, tenant_id uuid); create index on c using hash (tenant_id); create index on c (id, tenant_id);
		create table d (tenant_id uuid, id int, primary key (tenant_id, id));
		create table e (tenant_id uuid, x int);
		create table f (id int primary key, tenant_id uuid, unique (tenant_id, id));
		create table g (id int primary key, tenant_id uuid, unique (id, tenant_id));`)
	var tables []rls.Table
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		tables = append(tables, rls.Table{Name: name, CompositeKey: name > "e"})
	}
	protect(t, owner, tables...)
	got := lines(t, owner, "select tablename || count(*) from pg_indexes where schemaname = 'public' group by tablename order by 1")
	if want := []string{"a2", "b3", "c4", "d1", "e1", "f2", "g3"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
