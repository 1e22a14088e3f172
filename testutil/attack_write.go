package stratumtest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

func writeVectors() []vector {
	return []vector{
		{name: "insert-as-other", class: Leak, severity: Critical, table: insertAsOther},
		{name: "insert-without-tenant", class: Leak, severity: High, table: insertWithoutTenant},
		{name: "copy-from", class: Leak, severity: Critical, table: copyFrom},
		{name: "update", class: Leak, severity: Critical, table: func(p *probe) { p.reach("w", "update {t} set {h} = {h} where {c} = {x}") }},
		{name: "update-returning", class: Leak, severity: Critical, table: func(p *probe) {
			p.countWritten("w", "with w as (update {t} set {h} = {h} returning {c}) select count(*) from w where {c} = {x}")
		}},
		{name: "update-blind", class: Leak, severity: Critical, table: updateBlind},
		{name: "update-in-cte", class: Leak, severity: Critical, table: func(p *probe) {
			p.countWritten("w", "with w as (update {t} set {h} = {h} where {c} = {x} returning 1) select count(*) from w")
		}},
		{name: "update-join", class: Leak, severity: Critical, table: func(p *probe) {
			p.reach("w", "update {t} x set {h} = x.{h} from (values (1)) v (n) where x.{c} = {x}")
		}},
		{name: "take-over", class: Leak, severity: Critical, table: takeOver},
		{name: "move-away", class: Leak, severity: Critical, table: moveAway},
		{name: "delete", class: Leak, severity: Critical, table: func(p *probe) { p.reach("d", "delete from {t} where {c} = {x}") }},
		{name: "delete-returning", class: Leak, severity: Critical, table: func(p *probe) {
			p.countWritten("d", "with w as (delete from {t} where {c} = {x} returning {c}) select count(*) from w")
		}},
		{name: "delete-blind", class: Leak, severity: Critical, table: deleteBlind},
		{name: "merge", class: Leak, severity: Critical, table: merge},
		{name: "truncate", class: Leak, severity: Critical, table: truncate},
		{name: "ddl", class: Leak, severity: Critical, table: ddl},
	}
}

// written puts the table, and a column that may be written, into a statement.
func (p *probe) written(query string) string {
	return p.form(strings.ReplaceAll(query, "{h}", quote(p.t.harmless().Name)))
}

// reach executes a statement that affects rows of the victim only.
func (p *probe) reach(command, form string) {
	query := p.written(form)
	var n int64
	err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
		n, err = p.exec(ctx, tx, query, p.id(victim))
		return err
	})
	p.reached(command, query, n, err)
}

// countWritten is reach for a statement that counts itself.
func (p *probe) countWritten(command, form string) {
	query := p.written(form)
	var n int64
	err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
		n, err = p.count(ctx, tx, query, p.id(victim))
		return err
	})
	p.reached(command, query, n, err)
}

// reached judges a statement that affected n rows of the victim.
func (p *probe) reached(command, query string, n int64, err error) {
	if state(err) == foreignKeyViolation {
		p.leak(p.remedy(p.t, command), "only a foreign key stops it, policies do not: %s", query)
		return
	}
	if !p.held(err) && n > 0 {
		p.leak(p.remedy(p.t, command), "rows of the other tenant are reached (%d): %s", n, query)
	}
}

// fresh composes a row of a tenant that is not there yet, with what the login may insert.
func (p *probe) fresh(who int, fixed row) (row, error) {
	r, err := p.filler.compose(p.ctx, p.cfg.Owner, p.t, who, -1, fixed)
	if err != nil {
		return nil, err
	}
	for _, c := range p.t.Columns {
		if _, given := fixed[c.Name]; !given && !c.Insertable && c.Name != p.t.tenant {
			delete(r, c.Name)
		}
	}
	return r, nil
}

// insert inserts a row as the attacker. It returns by how many the attacker's own rows
// grew: a row that is not among them went elsewhere.
func (p *probe) insert(ctx context.Context, tx *sql.Tx, r row) (affected, grown int64, err error) {
	before := p.mine(ctx, tx, p.t, attacker)
	query, args := insertSQL(p.t, r)
	affected, err = p.exec(ctx, tx, query, args...)
	if err != nil || before < 0 {
		return affected, 0, err
	}
	return affected, p.mine(ctx, tx, p.t, attacker) - before, nil
}

func insertAsOther(p *probe) {
	if !p.t.May.Insert {
		return
	}
	r, err := p.fresh(victim, nil)
	if err != nil {
		p.skip("no row could be made: %v", err)
		return
	}
	var n, grown int64
	err = p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
		n, grown, err = p.insert(ctx, tx, r)
		return err
	})
	switch {
	case constrained(err):
		p.leak(p.remedy(p.t, "a"), "only a constraint stops a row for the other tenant, policies do not: %v", err)
	case p.held(err):
	case n > 0 && grown < n: // else a trigger gave it to the attacker
		p.leak(p.remedy(p.t, "a"), "a row is planted with the other tenant")
	}
}

func insertWithoutTenant(p *probe) {
	if !p.t.May.Insert {
		return
	}
	var n, grown int64
	err := again(func() error {
		r, err := p.fresh(attacker, nil)
		if err != nil {
			return err
		}
		delete(r, p.t.tenant)
		return p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
			n, grown, err = p.insert(ctx, tx, r)
			return err
		})
	})
	stamp := fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s SET DEFAULT nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')::%s;",
		p.t.sql(), quote(p.t.tenant), p.t.tenantType())
	switch s := state(err); {
	case s == notNullViolation && field(err, "ColumnName", "Column") == p.t.tenant, s == insufficientPrivilege:
		if p.t.column(p.t.tenant).Default == "" {
			p.found(Finding{Class: Notice, Severity: Low, Fix: stamp, Detail: "no default stamps the tenant: every INSERT must name it"})
		}
	case s == uniqueViolation && len(p.rows(p.t, attacker)) == 1: // the keys have room for no more
	case p.held(err):
	case n > 0 && p.t.May.Select && grown < n:
		p.leak(stamp+"\n"+p.remedy(p.t, "a"), "a row without a tenant, or of another one, is stored")
	}
}

func copyFrom(p *probe) {
	if !p.t.May.Insert {
		return
	}
	r, err := p.fresh(victim, nil)
	if err != nil {
		p.skip("no row could be made: %v", err)
		return
	}
	var names []string
	var line []string
	for name, v := range r {
		names = append(names, name)
		if v == nil {
			line = append(line, `\N`)
			continue
		}
		line = append(line, strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`).Replace(*v))
	}
	// The last line is no number of columns that fits, so that the server takes nothing for good. It
	// refuses a table under row-level security before it reads a line.
	lines := strings.Join(line, "\t") + "\n" + strings.Repeat("x\t", len(names)) + "x\n"
	err = raw(p, "COPY FROM", func(ctx context.Context, c CopierFrom) error {
		_, err := c.CopyFromText(ctx, "copy "+p.t.sql()+" ("+quoteAll(names)+") from stdin", strings.NewReader(lines))
		return err
	})
	if state(err) == "22P04" {
		p.leak(p.remedy(p.t, "a"), "COPY FROM takes a row for the other tenant")
		return
	}
	_ = p.held(err)
}

// updateBlind updates without reading a column: then only the policy for UPDATE stands
// in the way, not that for SELECT.
func updateBlind(p *probe) {
	c := p.t.harmless()
	if c.Name == p.t.tenant {
		return // see take-over
	}
	p.blind("w", fmt.Sprintf("update %s set %s = cast($1::text as %s)", p.t.sql(), quote(c.Name), c.Type), p.rows(p.t, attacker)[0][c.Name])
}

// takeOver gives all rows that it can reach to the attacker.
func takeOver(p *probe) {
	p.blind("w", fmt.Sprintf("update %s set %s", p.t.sql(), own(p.t, "", 1)), text(p.id(attacker)))
}

// blind executes a statement without a condition; the attacker's own rows do not mind it.
func (p *probe) blind(command, query string, arg *string) {
	var n, mine int64
	err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
		mine = p.mine(ctx, tx, p.t, attacker)
		n, err = p.exec(ctx, tx, query, arg)
		return err
	})
	switch {
	case constrained(err):
		p.leak(p.remedy(p.t, command), "only a constraint stops it, policies do not: %s", query)
	case !p.held(err) && mine >= 0 && n > mine:
		p.leak(p.remedy(p.t, command), "%d rows are reached, of which %d are the tenant's: %s", n, mine, query)
	}
}

// moveAway gives rows of the attacker to the victim: one, by its key, and all, without
// reading a column, for then the policy for SELECT does not look at the new row.
func moveAway(p *probe) {
	r := p.rows(p.t, attacker)[len(p.rows(p.t, attacker))-1]
	cond, args := where(p.t, r, 1)
	for _, cond := range []string{" where " + cond, ""} {
		if cond == "" {
			args = nil
		}
		query := fmt.Sprintf("update %s set %s%s", p.t.sql(), own(p.t, "", 1), cond)
		var n int64
		err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
			n, err = p.exec(ctx, tx, query, append([]any{p.id(victim)}, args...)...)
			return err
		})
		switch {
		case constrained(err):
			p.found(Finding{Severity: High, Fix: p.remedy(p.t, "w"), Detail: "only a constraint stops rows that are moved to the other tenant, policies do not: " + err.Error()})
			return
		case !p.held(err) && n > 0:
			p.leak(p.remedy(p.t, "w"), "rows are moved to the other tenant: %s", query)
			return
		}
	}
}

// deleteBlind deletes without reading a column: then only the policy for DELETE stands in
// the way. The attacker's rows that refer to those of the table go in the same statement.
func deleteBlind(p *probe) {
	if !p.t.May.Delete {
		return
	}
	all := true
	var parts []string
	for i, t := range p.referring(p.t) {
		if all = all && t.May.Delete; t.May.Delete {
			parts = append(parts, fmt.Sprintf("d%d as (delete from %s)", i, t.sql()))
		}
	}
	query := "delete from " + p.t.sql()
	if len(parts) > 0 {
		query = "with " + strings.Join(parts, ", ") + " " + query
	}
	var n, mine int64
	err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) (err error) {
		mine = p.mine(ctx, tx, p.t, attacker)
		n, err = p.exec(ctx, tx, query)
		return err
	})
	switch {
	case state(err) == foreignKeyViolation && all:
		p.leak(p.remedy(p.t, "d"), "only foreign keys stop a DELETE without a condition, policies do not")
	case !p.held(err) && mine >= 0 && n > mine:
		p.leak(p.remedy(p.t, "d"), "%d rows are deleted, of which %d are the tenant's: delete from %s", n, mine, p.t.sql())
	}
}

// referring are the tables that refer to t, directly or not.
func (a *attack) referring(t *table) []*table {
	var list []*table
	seen := map[*table]bool{t: true}
	var visit func(t *table)
	visit = func(t *table) {
		for _, from := range a.cat.Tables {
			if !seen[from] && slices.ContainsFunc(from.ForeignKeys, func(f foreignKey) bool { return f.target == t }) {
				seen[from] = true
				visit(from)
				list = append(list, from)
			}
		}
	}
	for up := t; up != nil; up = up.parent {
		visit(up)
	}
	return list
}

func merge(p *probe) {
	if p.cat.Version < 150000 {
		p.skip("this server has no MERGE")
		return
	}
	p.reach("w", "merge into {t} x using (values (1)) v (n) on x.{c} = {x} when matched then update set {h} = x.{h}")
	if !p.ended {
		p.reach("d", "merge into {t} x using (values (1)) v (n) on x.{c} = {x} when matched then delete")
	}
}

// truncate passes by policies; it is a privilege alone.
func truncate(p *probe) {
	for _, how := range []string{"", " cascade"} {
		err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
			_, err := p.exec(ctx, tx, "truncate "+p.t.sql()+how)
			return err
		})
		if err == nil {
			p.leak(fmt.Sprintf("REVOKE TRUNCATE ON %s FROM %s, PUBLIC;", p.t.sql(), quote(p.login)), "TRUNCATE deletes the rows of all tenants")
			return
		}
		if how != "" || state(err) != notSupported { // which it says of a table that others refer to
			_ = p.held(err)
			return
		}
	}
}

// ddl tries what only an owner may.
func ddl(p *probe) {
	for _, form := range []string{
		"alter table {t} disable row level security",
		"alter table {t} no force row level security",
		"create policy stratum_probe on {t} using (true)",
		"create trigger stratum_probe before update on {t} for each row execute function suppress_redundant_updates_trigger()",
		"create rule stratum_probe as on delete to {t} do instead nothing",
	} {
		query := p.form(form)
		err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
			_, err := p.exec(ctx, tx, query)
			return err
		})
		if err == nil {
			fix := fmt.Sprintf("ALTER TABLE %s OWNER TO stratum_owner;", p.t.sql())
			if strings.HasPrefix(form, "create trigger") && !p.t.Owned {
				fix = fmt.Sprintf("REVOKE TRIGGER ON %s FROM %s, PUBLIC;", p.t.sql(), quote(p.login))
			}
			p.leak(fix, "the login may change the table: %s", query)
			return
		}
		if p.held(err); p.ended {
			return
		}
	}
}
