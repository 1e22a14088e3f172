package stratumtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/stratum-hq/stratum-go/core"
)

// perTenant is how many rows each tenant gets, where keys let it have so many.
const perTenant = 3

// filler makes rows.
type filler struct {
	cfg      Config
	cat      *catalog
	tenants  []*core.Tenant
	n        int // another for each row
	rows     map[*table][2][]row
	reserved map[*table][2]row
	known    map[*table]row // one that passed all checks
	inserted []*table       // that got a row
	gaps     []Gap
}

func newFiller(cfg Config, cat *catalog) *filler {
	return &filler{cfg: cfg, cat: cat, tenants: cfg.Tenants, n: 1 + rand.IntN(400_000_000), rows: map[*table][2][]row{}, reserved: map[*table][2]row{}, known: map[*table]row{}}
}

// fill fills all tenant tables, and what they refer to, in the owner's transaction.
func (f *filler) fill(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, "set constraints all deferred"); err != nil {
		return fmt.Errorf("stratumtest: filling: %w", err)
	}
	order := f.order()
	for _, t := range order {
		if err := f.fillTable(ctx, tx, t); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f.gap(t, err)
		}
	}
	for _, t := range order {
		if err := f.refillLate(ctx, tx, t); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "set constraints all immediate"); err != nil {
		return fmt.Errorf("stratumtest: filling: %s", full(err))
	}
	for _, t := range order { // what partitions hold is their parent's
		for up := t.parent; up != nil && t.Partition && t.tenant != ""; up = up.parent {
			both := f.rows[up]
			for who := range both {
				both[who] = append(both[who], f.rows[t][who]...)
			}
			f.rows[up] = both
		}
	}
	return nil
}

// gap reports a table that could not be filled.
func (f *filler) gap(t *table, err error) {
	if t.tenant == "" {
		return // those that refer to it will say so
	}
	g := Gap{Table: t.String(), Reason: "it could not be filled: " + full(err)}
	var u *unfit
	if errors.As(err, &u) {
		g.Column = u.column
	} else {
		g.Column = field(err, "ColumnName", "Column")
	}
	name := g.Column
	if name == "" {
		name = "column"
	}
	g.Help = fmt.Sprintf("give values by Config.Fill[%q], or name the table in Config.Exclude", t.String()+"."+name)
	f.gaps = append(f.gaps, g)
}

// order sorts the tables to fill so that each comes after those it must refer to, and
// where possible after those it may refer to.
func (f *filler) order() []*table {
	need := map[*table]bool{}
	var list []*table
	var add func(t *table)
	add = func(t *table) {
		if t == nil || need[t] || t.Kind == "f" {
			return
		}
		need[t] = true
		for _, fk := range t.ForeignKeys {
			add(fk.target)
		}
		list = append(list, t)
	}
	for _, t := range f.cat.Tables {
		if t.tenant != "" && !f.cfg.excludes(t.Schema, t.Name) {
			add(t)
		}
	}
	var order []*table
	done := map[*table]bool{}
	for len(list) > 0 {
		best, fewest := 0, 1<<30
		for i, t := range list {
			open := 0
			for _, fk := range t.ForeignKeys {
				switch {
				case fk.target == nil || fk.target == t || done[fk.target]:
				case !fk.required(t):
					open++
				case fk.Deferrable:
					open += 1000
				default:
					open += 1_000_000
				}
			}
			if open < fewest {
				best, fewest = i, open
			}
		}
		t := list[best]
		list = slices.Delete(list, best, best+1)
		order, done[t] = append(order, t), true
	}
	return order
}

func (f *filler) fillTable(ctx context.Context, tx *sql.Tx, t *table) error {
	if len(t.leaves) > 0 && t.tenant != "" {
		return nil // through its partitions
	}
	if c := t.column(t.tenant); c != nil && c.Base != "uuid" && c.Category != "S" {
		return &unfit{c.Name, "its type " + c.Type + " holds no tenant id; uuid and texts do"}
	}
	for who := range f.tenants {
		if err := f.announce(ctx, tx, who); err != nil {
			return err
		}
		for i := range f.want(t, who) {
			if err := f.add(ctx, tx, t, who, i); err != nil {
				if i > 0 && (state(err) == uniqueViolation || state(err) == exclusionViolation) {
					break // the keys have room for no more
				}
				return err
			}
		}
	}
	return nil
}

// announce sets what defaults and triggers may read.
func (f *filler) announce(ctx context.Context, tx *sql.Tx, who int) error {
	for _, name := range f.cat.settings() {
		if _, err := tx.ExecContext(ctx, "select pg_catalog.set_config($1::text, $2::text, true)", name, f.tenants[who].ID.String()); err != nil {
			return err
		}
	}
	return nil
}

// want says how many rows a tenant gets. A row whose keys are all made of references
// leaves one of the rows it could refer to free, for the attacks that insert.
func (f *filler) want(t *table, who int) int {
	n := perTenant
	if t.tenant == "" {
		n = 1
	}
	for _, k := range t.Keys {
		given, least := map[string]bool{t.tenant: true}, perTenant
		for _, fk := range t.ForeignKeys {
			if fk.target != nil && fk.target != t && slices.ContainsFunc(fk.Columns, func(c string) bool { return slices.Contains(k.Columns, c) }) {
				least = min(least, len(f.rows[fk.target][who])-1)
				for _, c := range fk.Columns {
					given[c] = true
				}
			}
		}
		if !slices.ContainsFunc(k.Columns, func(c string) bool { return !given[c] }) {
			n = min(n, least)
		}
	}
	return max(1, n)
}

// add adds row i of a tenant, trying other values where keys are taken.
func (f *filler) add(ctx context.Context, tx *sql.Tx, t *table, who, i int) error {
	fixed := row{}
	if t.tenant == "" {
		var err error
		if fixed, err = f.shared(ctx, tx, t, who); err != nil || fixed == nil {
			return err
		}
	} else if i == 0 {
		for name, v := range f.reserved[t][who] {
			fixed[name] = v
		}
	}
	var last error
	for range 6 {
		r, err := f.compose(ctx, tx, t, who, i, fixed)
		if err != nil {
			return err
		}
		var stored row
		last = guard(ctx, tx, func() (err error) {
			stored, err = insert(ctx, tx, t, r)
			return err
		})
		switch s := state(last); {
		case last == nil:
			if t.tenant != "" && (stored[t.tenant] == nil || *stored[t.tenant] != f.tenants[who].ID.String()) {
				return &unfit{t.tenant, "a trigger gave the row to another tenant"}
			}
			f.keep(t, who, stored, r)
			return nil
		case s == uniqueViolation, s == exclusionViolation, s == checkViolation, len(s) == 5 && s[:2] == "22":
			delete(f.known, t)
		case errors.Is(last, sql.ErrNoRows):
			return errors.New("a trigger or a rule suppressed the row")
		default:
			return last
		}
	}
	return last
}

func (f *filler) keep(t *table, who int, stored, given row) {
	both := f.rows[t]
	both[who] = append(both[who], stored)
	f.rows[t] = both
	if !slices.Contains(f.inserted, t) {
		f.inserted = append(f.inserted, t)
	}
	known := row{}
	for _, k := range t.Checks {
		for _, name := range k.Columns {
			if v, ok := given[name]; ok {
				known[name] = v
			}
		}
	}
	f.known[t] = known
}

// shared finds a row of a table of all tenants, or says what a new one must have. The
// result is nil if there is one. A table whose key is the tenant's id gets it.
func (f *filler) shared(ctx context.Context, tx *sql.Tx, t *table, who int) (row, error) {
	if len(f.rows[t][who]) > 0 {
		return nil, nil
	}
	fixed := row{}
	for _, from := range f.cat.Tables {
		for _, fk := range from.ForeignKeys {
			for i, name := range fk.Columns {
				if fk.target == t && from.tenant != "" && name == from.tenant {
					fixed[fk.Refs[i]] = text(f.tenants[who].ID.String())
				}
			}
		}
	}
	if len(fixed) == 0 && who > 0 && len(f.rows[t][0]) > 0 {
		f.rows[t] = [2][]row{f.rows[t][0], f.rows[t][0]}
		return nil, nil
	}
	found, err := existing(ctx, tx, t, fixed)
	if found != nil {
		both := f.rows[t]
		both[who] = append(both[who], found)
		f.rows[t] = both
		return nil, nil
	}
	return fixed, err
}

// existing reads one row of the table that has the values.
func existing(ctx context.Context, tx *sql.Tx, t *table, having row) (row, error) {
	query := "select "
	values := make([]*string, len(t.Columns))
	into := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		if i > 0 {
			query += ", "
		}
		query += quote(c.Name) + "::text"
		into[i] = &values[i]
	}
	query += " from " + t.sql() + " where true"
	var args []any
	for name, v := range having {
		args = append(args, *v)
		query += fmt.Sprintf(" and %s::text = $%d", quote(name), len(args))
	}
	err := guard(ctx, tx, func() error {
		return tx.QueryRowContext(ctx, query+" limit 1", args...).Scan(into...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := row{}
	for i, c := range t.Columns {
		r[c.Name] = values[i]
	}
	return r, nil
}

// refillLate sets references that stayed NULL because their rows came later.
func (f *filler) refillLate(ctx context.Context, tx *sql.Tx, t *table) error {
	if t.tenant == "" {
		return nil
	}
	for who := range f.tenants {
		for i, r := range f.rows[t][who] {
			for _, fk := range t.ForeignKeys {
				if fk.required(t) || !slices.ContainsFunc(fk.Columns, func(c string) bool { return r[c] == nil }) {
					continue
				}
				given := row{}
				for _, c := range fk.Columns {
					if r[c] != nil {
						given[c] = r[c]
					}
				}
				target := f.refer(t, fk, who, i, given)
				if target == nil {
					continue
				}
				// A check may want the NULL: then it stays.
				if err := guard(ctx, tx, func() error { return point(ctx, tx, t, r, fk, target) }); err != nil && state(err) == "" {
					return fmt.Errorf("stratumtest: filling %v: %w", t, err)
				}
			}
		}
	}
	return nil
}

// point makes a row refer to another.
func point(ctx context.Context, q querier, t *table, r row, fk foreignKey, target row) error {
	set := ""
	var args []any
	for i, name := range fk.Columns {
		if i > 0 {
			set += ", "
		}
		args = append(args, target[fk.Refs[i]])
		set += fmt.Sprintf("%s = cast($%d::text as %s)", quote(name), len(args), t.column(name).Type)
	}
	cond, more := where(t, r, len(args))
	if _, err := q.ExecContext(ctx, "update "+t.sql()+" set "+set+" where "+cond, append(args, more...)...); err != nil {
		return err
	}
	for i, name := range fk.Columns {
		r[name] = target[fk.Refs[i]]
	}
	return nil
}
