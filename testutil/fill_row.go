package stratumtest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// row is a row by column; nil is NULL. A column that is missing has its default.
type row map[string]*string

// querier is a *sql.DB, a *sql.Tx or a *sql.Conn.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// guard runs work so that its failure leaves a transaction usable.
func guard(ctx context.Context, q querier, work func() error) error {
	if _, ok := q.(*sql.Tx); !ok {
		return work()
	}
	if _, err := q.ExecContext(ctx, "savepoint stratum"); err != nil {
		return err
	}
	if err := work(); err != nil {
		if _, e := q.ExecContext(ctx, "rollback to savepoint stratum"); e != nil {
			return fmt.Errorf("%w, and %w", err, e)
		}
		return err
	}
	_, err := q.ExecContext(ctx, "release savepoint stratum")
	return err
}

// compose makes a row of a tenant that the table should take. The columns of fixed keep
// their values; at chooses among the rows to refer to, -1 is the last.
func (f *filler) compose(ctx context.Context, q querier, t *table, who, at int, fixed row) (row, error) {
	f.n++
	r := row{}
	pinned := map[string]bool{}
	pin := func(name string, v *string) { r[name], pinned[name] = v, true }
	if t.tenant != "" {
		pin(t.tenant, text(f.tenants[who].ID.String()))
	}
	for name, v := range fixed {
		pin(name, v)
	}
	var own []foreignKey // references of the row to itself
	for _, fk := range t.ForeignKeys {
		target := f.refer(t, fk, who, at, r)
		switch {
		case target != nil:
			for i, name := range fk.Columns {
				if !pinned[name] {
					pin(name, target[fk.Refs[i]])
				}
			}
		case !slices.ContainsFunc(fk.Columns, func(c string) bool { return !pinned[c] }): // given
		case fk.target == t && fk.required(t):
			own = append(own, fk)
		case fk.required(t):
			if !fk.Deferrable || fk.target == nil {
				return nil, fmt.Errorf("there is no row of %v to refer to by %s", fk.target, fk.Name)
			}
			for i, name := range fk.Columns { // deferred: the row comes later
				if !pinned[name] {
					pin(name, f.reserve(fk.target, who, fk.Refs[i]))
				}
			}
		default:
			for _, name := range fk.Columns {
				if !pinned[name] && !t.column(name).NotNull {
					pin(name, null)
				}
			}
		}
	}
	if err := f.guess(t, r, pinned); err != nil {
		return nil, err
	}
	for _, fk := range own {
		for i, name := range fk.Columns {
			if r[fk.Refs[i]] == nil {
				pin(fk.Refs[i], text(t.column(fk.Refs[i]).values(f.n)[0]))
			}
			pin(name, r[fk.Refs[i]])
		}
	}
	return r, f.solve(ctx, q, t, r, pinned)
}

// guess gives values to the columns that have none and no default.
func (f *filler) guess(t *table, r row, pinned map[string]bool) error {
	for _, c := range t.Columns {
		if pinned[c.Name] || c.Generated {
			continue
		}
		if hook := f.cfg.hook(t, c.Name); hook != nil {
			r[c.Name], pinned[c.Name] = null, true
			if v := hook(f.n); v != nil {
				r[c.Name] = text(fmt.Sprint(v))
			}
			continue
		}
		if (c.Identity != "" || c.Default != "") && !f.insist(t, c) {
			continue
		}
		if v, ok := f.known[t][c.Name]; ok && !t.inKey(c.Name) {
			r[c.Name] = v // it passed the checks before
			continue
		}
		values := c.values(f.n)
		if len(values) == 0 {
			return fmt.Errorf("no value is known for the column %s of type %s", c.Name, c.Type)
		}
		r[c.Name] = text(values[0])
	}
	return nil
}

// insist reports whether a value must be given although there is a default: it is one
// constant in a unique key, or decides on the partition.
func (f *filler) insist(t *table, c *column) bool {
	if bound := f.bound(t); strings.Contains(bound, hashed) {
		return slices.Contains(t.mentioned(bound), c.Name)
	}
	return c.Identity == "" && t.inKey(c.Name) && !strings.Contains(c.Default, "(")
}

// hashed is in the constraint of a hash partition.
const hashed = "satisfies_hash_partition("

// refer chooses the row to refer to by a foreign key, consistent with what r has already.
func (f *filler) refer(t *table, fk foreignKey, who, at int, r row) row {
	if fk.target == nil {
		return nil
	}
	list := f.rows[fk.target][who]
	for k := range list {
		i := len(list) - 1 - k
		if at >= 0 {
			i = (at + k) % len(list)
		}
		fits := true
		for j, name := range fk.Columns {
			if v, ok := r[name]; ok && v != nil && (list[i][fk.Refs[j]] == nil || *v != *list[i][fk.Refs[j]]) {
				fits = false
			}
		}
		if fits {
			return list[i]
		}
	}
	return nil
}

// reserve promises a value of a key that a row of the target will have.
func (f *filler) reserve(target *table, who int, name string) *string {
	if f.reserved[target][who] == nil {
		both := f.reserved[target]
		both[who] = row{}
		f.reserved[target] = both
	}
	r := f.reserved[target][who]
	if r[name] == nil {
		f.n++
		r[name] = text(target.column(name).values(f.n)[0])
	}
	return r[name]
}

// insertSQL makes the statement that inserts r, and its arguments. Values are sent as text.
func insertSQL(t *table, r row) (string, []any) {
	var names, values []string
	var args []any
	overriding := ""
	for _, c := range t.Columns {
		v, ok := r[c.Name]
		if !ok {
			continue
		}
		if c.Identity == "a" {
			overriding = " overriding system value"
		}
		args = append(args, v)
		names = append(names, c.Name)
		values = append(values, fmt.Sprintf("cast($%d::text as %s)", len(args), c.Type))
	}
	if len(names) == 0 {
		return "insert into " + t.sql() + " as stratum_row default values", nil
	}
	return fmt.Sprintf("insert into %s as stratum_row (%s)%s values (%s)", t.sql(), quoteAll(names), overriding, strings.Join(values, ", ")), args
}

// insert inserts r and returns it as it was stored.
func insert(ctx context.Context, q querier, t *table, r row) (row, error) {
	query, args := insertSQL(t, r)
	var list []string
	values := make([]*string, len(t.Columns))
	into := make([]any, len(t.Columns))
	for i, c := range t.Columns {
		list = append(list, quote(c.Name)+"::text")
		into[i] = &values[i]
	}
	if err := q.QueryRowContext(ctx, query+" returning "+strings.Join(list, ", "), args...).Scan(into...); err != nil {
		return nil, err
	}
	stored := row{}
	for i, c := range t.Columns {
		stored[c.Name] = values[i]
	}
	return stored, nil
}

// where identifies a row: by the first key that it has whole, or by all of its
// columns. Its arguments begin at $from+1.
func where(t *table, r row, from int) (string, []any) {
	var names []string
	for _, k := range t.Keys {
		if k.Plain && !slices.ContainsFunc(k.Columns, func(c string) bool { return r[c] == nil }) {
			names = k.Columns
			break
		}
	}
	if names == nil {
		for _, c := range t.Columns {
			names = append(names, c.Name)
		}
	}
	var parts []string
	var args []any
	for _, name := range names {
		if r[name] == nil {
			parts = append(parts, quote(name)+" is null")
			continue
		}
		args = append(args, *r[name])
		parts = append(parts, fmt.Sprintf("%s::text = $%d", quote(name), from+len(args)))
	}
	return strings.Join(parts, " and "), args
}
