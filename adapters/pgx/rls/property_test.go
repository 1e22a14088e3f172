package rls_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// world is a random schema with rows, and whose they are.
type world struct {
	tables []relation
	sql    strings.Builder
}

type relation struct {
	rls.Table
	parent int   // index of the table it refers to, or -1
	owners []int // of the rows 0, 1, 2, ...: an index of tenants, or -1 for none yet
}

// tenants are the three there are; the last one may have no rows.
var tenants = [3]string{textA, textB, "cccccccc-cccc-7ccc-8ccc-cccccccccccc"}

func (w *world) printf(format string, args ...any) { fmt.Fprintf(&w.sql, format+";\n", args...) }

// draw makes a table that refers to an earlier one, or to none.
func (w *world) draw(t *rapid.T, i int) {
	r := relation{parent: rapid.IntRange(-1, i-1).Draw(t, "parent")}
	name := rapid.SampledFrom([]string{"t%d", "order %d", `T."%d`, "sélect%d"}).Draw(t, "name")
	r.Name = pgx.Identifier{"p", fmt.Sprintf(name, i)}.Sanitize()
	r.Column = rapid.SampledFrom([]string{"", "org id"}).Draw(t, "column")
	r.CompositeKey = rapid.Bool().Draw(t, "key")
	r.ForeignKeys = rapid.Bool().Draw(t, "fks")
	column := pgx.Identifier{r.column()}.Sanitize()
	exists := rapid.Bool().Draw(t, "exists")
	columns := []string{"id int", "source uuid", "parent int", "primary key (id)"}
	if exists {
		columns = append(columns, column+" uuid")
	}
	partitions := rapid.IntRange(0, 2).Draw(t, "partitions")
	how := ""
	if partitions > 0 {
		how = " partition by hash (id)"
	}
	w.printf("create table %s (%s)%s", r.Name, strings.Join(columns, ", "), how)
	for k := range partitions {
		w.printf(`create table p."part %d %d" partition of %s for values with (modulus %d, remainder %d)`, i, k, r.Name, partitions, k)
		w.printf(`grant select, insert, update, delete on p."part %d %d" to stratum_app`, i, k)
	}
	w.fill(t, &r, exists, column)
	if r.parent >= 0 {
		w.printf("alter table %s add foreign key (parent) references %s", r.Name, w.tables[r.parent].Name)
	}
	w.tables = append(w.tables, r)
}

func (r relation) column() string {
	if r.Column == "" {
		return rls.DefaultColumn
	}
	return r.Column
}

// fill draws the rows, and how those without a tenant get theirs.
func (w *world) fill(t *rapid.T, r *relation, exists bool, column string) {
	var parents []int
	if r.parent >= 0 {
		parents = w.tables[r.parent].owners
	}
	constant := r.parent < 0 && rapid.Bool().Draw(t, "constant")
	for id := range rapid.IntRange(0, 8).Draw(t, "rows") {
		parent, owner := "null", rapid.IntRange(0, 1).Draw(t, "owner")
		if r.parent >= 0 {
			if len(parents) == 0 {
				break
			}
			p := rapid.IntRange(0, len(parents)-1).Draw(t, "parent row")
			parent, owner = fmt.Sprint(p), parents[p]
		}
		known := exists && rapid.Bool().Draw(t, "known")
		if constant && !known {
			owner = 1
		}
		source := tenants[owner]
		if known { // the Backfill must not touch what is known
			w.printf("insert into %s (id, source, parent, %s) values (%d, '%s', %s, '%s')", r.Name, column, id, tenants[2], parent, tenants[owner])
		} else {
			w.printf("insert into %s (id, source, parent) values (%d, '%s', %s)", r.Name, id, source, parent)
		}
		r.owners = append(r.owners, owner)
	}
	switch {
	case constant:
		r.Tenant = tenantB
	case r.parent < 0:
		r.Backfill = "source"
	default:
		p := w.tables[r.parent]
		from := fmt.Sprintf("x.%s from %s x where x.id = %s.parent", pgx.Identifier{p.column()}.Sanitize(), p.Name, r.Name)
		if rapid.Bool().Draw(t, "expression") {
			from = "(select " + from + ")"
		}
		r.Backfill = from
	}
}

func TestEachTenantHasExactlyItsRows(t *testing.T) {
	if testing.Short() {
		t.Skip("a hundred schemas")
	}
	t.Parallel()
	db, owner := newDB(t, "")
	app := db.Conn(t, embedpg.App)
	rapid.Check(t, func(rt *rapid.T) {
		var w world
		w.printf("drop schema if exists p cascade")
		w.printf("create schema p")
		for i := range rapid.IntRange(1, 3).Draw(rt, "tables") {
			w.draw(rt, i)
		}
		if _, err := owner.Exec(t.Context(), w.sql.String()); err != nil {
			rt.Fatal(err, w.sql.String())
		}
		var tables []rls.Table
		for _, r := range w.tables {
			tables = append(tables, r.Table)
			if rapid.Bool().Draw(rt, "calls") { // in one call or in several
				if err := rls.Protect(t.Context(), owner, tables...); err != nil {
					rt.Fatal(err, cause(err), w.sql.String())
				}
				tables = nil
			}
		}
		if len(tables) > 0 {
			if err := rls.Protect(t.Context(), owner, tables...); err != nil {
				rt.Fatal(err, cause(err), w.sql.String())
			}
		}
		for _, r := range w.tables {
			for who := range tenants {
				if err := r.check(t.Context(), app, who); err != nil {
					rt.Errorf("%s as tenant %d: %v\n%s", r.Name, who, err, w.sql.String())
				}
			}
		}
	})
}

var errUndo = errors.New("undo")

// check runs the four commands as a tenant, and undoes them.
func (r relation) check(ctx context.Context, app *pgx.Conn, who int) error {
	var mine []int
	for id, owner := range r.owners {
		if owner == who {
			mine = append(mine, id)
		}
	}
	ids := func(tx pgx.Tx, sql string) error {
		rows, _ := tx.Query(ctx, sql)
		got, err := pgx.CollectRows(rows, pgx.RowTo[int])
		slices.Sort(got)
		if err == nil && !slices.Equal(got, mine) {
			err = fmt.Errorf("%s: rows %v, want %v", sql, got, mine)
		}
		return err
	}
	steps := []func(tx pgx.Tx) error{
		func(tx pgx.Tx) error { return ids(tx, "select id from "+r.Name) },
		func(tx pgx.Tx) error { return ids(tx, "update "+r.Name+" set source = null returning id") },
		func(tx pgx.Tx) error {
			mine = append(mine, 100)
			return ids(tx, "with new as (insert into "+r.Name+" (id) values (100) returning id) select id from new union all select id from "+r.Name)
		},
		func(tx pgx.Tx) error {
			if err := ids(tx, "select id from "+r.Name); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "set constraints all deferred; alter table "+r.Name+" disable row level security")
			return notNil(err)
		},
	}
	steps = append(steps, r.attacks(ctx, who)...)
	err := pgx.BeginFunc(ctx, app, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select set_config('app.current_tenant_id', $1, true)", tenants[who]); err != nil {
			return err
		}
		for _, step := range steps {
			if err := pgx.BeginFunc(ctx, tx, step); err != nil && !errors.Is(err, errUndo) {
				return err
			}
		}
		return errUndo
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

// attacks are what a tenant might try with its row 100 and with those of the two others.
func (r relation) attacks(ctx context.Context, who int) (steps []func(pgx.Tx) error) {
	for _, steal := range []int{(who + 1) % 3, (who + 2) % 3} {
		column := pgx.Identifier{r.column()}.Sanitize()
		steps = append(steps,
			func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, fmt.Sprintf("insert into %s (id, %s) values (101, '%s')", r.Name, column, tenants[steal]))
				return notNil(err)
			},
			func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, fmt.Sprintf("update %s set %s = '%s' where id = 100", r.Name, column, tenants[steal]))
				return notNil(err)
			},
			func(tx pgx.Tx) error {
				tag, err := tx.Exec(ctx, fmt.Sprintf("delete from %s where %s = '%s'", r.Name, column, tenants[steal]))
				if err == nil && tag.RowsAffected() > 0 {
					err = fmt.Errorf("%v of another tenant", tag)
				}
				return err
			})
	}
	return steps
}

// notNil turns an attack that was refused into a step that is undone.
func notNil(err error) error {
	if err == nil {
		return errors.New("the attack worked")
	}
	return errUndo
}
