package stratumtest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

func keyVectors() []vector {
	return []vector{
		{name: "unique-probe", class: Oracle, severity: Medium, table: uniqueProbe},
		{name: "upsert", class: Leak, severity: Critical, table: upsert},
		{name: "foreign-key", class: Leak, severity: High, table: foreignKeyProbe},
		{name: "cascade", class: Leak, severity: Critical, table: cascade},
	}
}

// foreign are the unique keys that span tenants.
func (t *table) foreign() []key {
	var list []key
	for _, k := range t.Keys {
		if !slices.Contains(k.Columns, t.tenant) && len(k.Columns) > 0 {
			list = append(list, k)
		}
	}
	return list
}

// surrogate reports whether the values of a key mean nothing by themselves: whether one
// exists says as much as a sequence does. One such column is enough for a primary key,
// where a partition's column may stand beside it.
func (t *table) surrogate(k key) bool {
	means := func(name string) bool {
		c := t.column(name)
		refers := slices.ContainsFunc(t.ForeignKeys, func(f foreignKey) bool { return slices.Contains(f.Columns, name) })
		number := c.Base == "integer" || c.Base == "bigint" || c.Base == "smallint"
		return !(c.Base == "uuid" || c.counted() || refers || number && k.Primary)
	}
	if k.Primary {
		return slices.ContainsFunc(k.Columns, func(name string) bool { return !means(name) })
	}
	return !slices.ContainsFunc(k.Columns, means)
}

// taken are the values of a key in a row of the victim that every column has.
func (p *probe) taken(k key) row {
	for _, r := range slices.Backward(p.rows(p.t, victim)) {
		fixed := row{}
		for _, name := range k.Columns {
			if c := p.t.column(name); r[name] == nil || c.Generated {
				fixed = nil
				break
			}
			fixed[name] = r[name]
		}
		if fixed != nil {
			return fixed
		}
	}
	return nil
}

// uniqueProbe inserts a value that the victim has: the error tells that it exists.
func uniqueProbe(p *probe) {
	if !p.t.May.Insert {
		return
	}
	for _, k := range p.t.foreign() {
		fixed := p.taken(k)
		if fixed == nil {
			continue
		}
		r, err := p.fresh(attacker, fixed)
		if err != nil {
			p.skip("no row with the key %s could be made: %v", k.Name, err)
			continue
		}
		err = p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
			_, _, err := p.insert(ctx, tx, r)
			return err
		})
		f := Finding{Detail: fmt.Sprintf("the key %s (%s) tells whether another tenant has a value", k.Name, strings.Join(k.Columns, ", "))}
		switch s := state(err); {
		case s == uniqueViolation && p.t.surrogate(k):
			f.Class, f.Severity = Notice, Low
			p.found(f)
		case s == uniqueViolation || s == exclusionViolation:
			f.Fix = p.widen(k)
			p.found(f)
		case s == foreignKeyViolation: // the value is a reference, and that was refused
		case err != nil:
			_ = p.held(err)
		}
	}
}

// widen is the SQL that puts the tenant into a key.
func (p *probe) widen(k key) string {
	if !k.Plain {
		return fmt.Sprintf("-- make %s anew with %s as its first column", quote(k.Name), quote(p.t.tenant))
	}
	kind := "UNIQUE"
	if k.Primary {
		kind = "PRIMARY KEY"
	}
	return fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s, ADD %s (%s); -- DROP INDEX if it is no constraint",
		p.t.sql(), quote(k.Name), kind, quoteAll(append([]string{p.t.tenant}, k.Columns...)))
}

// upsert inserts onto the victim's key, once to overwrite its row and once to take it.
func upsert(p *probe) {
	if !p.t.May.Insert {
		return
	}
	for _, k := range p.t.Keys {
		fixed := p.taken(k)
		if fixed == nil || !k.Plain {
			continue
		}
		for _, who := range []int{victim, attacker} {
			given := row{}
			for name, v := range fixed {
				given[name] = v
			}
			given[p.t.tenant] = text(p.id(who))
			if slices.Contains(k.Columns, p.t.tenant) && who == attacker {
				continue // the attacker's own key
			}
			p.overwrite(k, given, who)
			if p.ended {
				return
			}
		}
	}
}

func (p *probe) overwrite(k key, given row, who int) {
	r, err := p.fresh(who, given)
	if err != nil {
		p.skip("no row with the key %s could be made: %v", k.Name, err)
		return
	}
	insertion, args := insertSQL(p.t, r)
	h := quote(p.t.harmless().Name)
	query := fmt.Sprintf("%s on conflict (%s) do update set %s = excluded.%s", insertion, quoteAll(k.Columns), h, h)
	if who == attacker {
		query = fmt.Sprintf("%s on conflict (%s) do update set %s = excluded.%s", insertion, quoteAll(k.Columns), quote(p.t.tenant), quote(p.t.tenant))
	}
	var n, grown int64
	err = p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
		before := p.mine(ctx, tx, p.t, attacker)
		n, err = p.exec(ctx, tx, query, args...)
		if err == nil {
			grown = p.mine(ctx, tx, p.t, attacker) - before
		}
		return err
	})
	switch {
	case constrained(err): // another key, which unique-probe looks at
	case p.held(err):
	case n > 0 && (who == attacker || grown < n):
		p.leak(p.remedy(p.t, "w"), "ON CONFLICT (%s) DO UPDATE reaches a row of the other tenant", strings.Join(k.Columns, ", "))
	}
}

// foreignKeyProbe refers to a row of the victim. Foreign keys pass by row-level security.
func foreignKeyProbe(p *probe) {
	for _, f := range p.t.ForeignKeys {
		if f.target == nil || f.target.tenant == "" || len(p.rows(f.target, victim)) == 0 {
			continue
		}
		err := again(func() error {
			return p.refer(f, func(ctx context.Context, tx *sql.Tx, query string, args []any) error {
				_, err := p.exec(ctx, tx, query, args...)
				if err == nil && f.Deferrable {
					_, err = p.exec(ctx, tx, "set constraints all immediate")
				}
				return err
			}, nil)
		})
		if state(err) == foreignKeyViolation {
			continue
		}
		if !p.held(err) {
			p.leak(p.composite(p.t, f), "a row refers to one of the other tenant by %s (%s): which of its keys exist can be asked", f.Name, strings.Join(f.Columns, ", "))
		}
	}
}

// refer runs use with the statement that makes a row of the attacker refer to one of the
// victim, in a transaction that end ends; nil rolls it back.
func (p *probe) refer(f foreignKey, use func(ctx context.Context, tx *sql.Tx, query string, args []any) error, end func(tx *sql.Tx) error) error {
	list := p.rows(f.target, victim)
	target := list[len(list)-1]
	fixed := row{}
	for i, name := range f.Columns {
		if name != p.t.tenant {
			fixed[name] = target[f.Refs[i]]
		}
	}
	var query string
	var args []any
	if p.t.May.Insert {
		r, err := p.fresh(attacker, fixed)
		if err != nil {
			return err
		}
		query, args = insertSQL(p.t, r)
	} else {
		var set []string
		for name, v := range fixed {
			args = append(args, v)
			set = append(set, fmt.Sprintf("%s = cast($%d::text as %s)", quote(name), len(args), p.t.column(name).Type))
		}
		cond, more := where(p.t, p.rows(p.t, attacker)[0], len(args))
		query, args = "update "+p.t.sql()+" set "+strings.Join(set, ", ")+" where "+cond, append(args, more...)
	}
	return p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
		if err := use(ctx, tx, query, args); err != nil || end == nil {
			return err
		}
		return end(tx)
	})
}

// cascade plants a row of the attacker below one of the victim, and then lets the victim
// delete its own: the attacker's row goes with it, or stands in the way.
func cascade(p *probe) {
	for _, f := range p.t.ForeignKeys {
		if f.target == nil || f.target.tenant == "" || !f.target.May.Delete || !p.t.May.Insert || len(p.rows(f.target, victim)) == 0 {
			continue
		}
		xid := ""
		err := p.refer(f, func(ctx context.Context, tx *sql.Tx, query string, args []any) error {
			if _, err := p.exec(ctx, tx, query, args...); err != nil {
				return err
			}
			return tx.QueryRowContext(ctx, "select pg_catalog.pg_current_xact_id()::xid::text").Scan(&xid)
		}, func(tx *sql.Tx) error { return tx.Commit() })
		p.steward.own(xid)
		if state(err) == foreignKeyViolation || p.held(err) {
			continue
		}
		p.deleteParent(f)
		if err := p.steward.uproot(p.ctx, p.t, xid); err != nil {
			p.skip("the planted row could not be removed yet: %v", err)
		}
	}
}

// deleteParent deletes the victim's row and asks the server's counters what else went.
func (p *probe) deleteParent(f foreignKey) {
	list := p.rows(f.target, victim)
	cond, args := where(f.target, list[len(list)-1], 0)
	var gone, mine int64
	err := p.try(victim, func(ctx context.Context, tx *sql.Tx) error {
		before := p.mine(ctx, tx, p.t, victim)
		if _, err := p.exec(ctx, tx, "delete from "+f.target.sql()+" where "+cond, args...); err != nil {
			return err
		}
		mine = before - p.mine(ctx, tx, p.t, victim)
		n, err := p.count(ctx, tx, "select pg_catalog.pg_stat_get_xact_tuples_deleted($1::bigint::oid) + pg_catalog.pg_stat_get_xact_tuples_updated($1::bigint::oid)", p.t.OID)
		gone = n
		return err
	})
	fix := p.composite(p.t, f)
	switch {
	case state(err) == foreignKeyViolation:
		p.found(Finding{Class: Leak, Severity: Medium, Fix: fix, Detail: fmt.Sprintf("a row that another tenant planted by %s may keep a tenant from deleting its own", f.Name)})
	case p.held(err):
	case gone > mine:
		p.leak(fix, "a tenant deletes its own row, and %s changes or deletes a row of another tenant", f.Name)
	}
}
