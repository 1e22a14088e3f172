package stratumtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// readForms are queries that count what the attacker sees of the victim. {t} is the
// table, {c} its tenant column, {x} the victim's id.
var readForms = []struct{ name, query string }{
	{"select", "select count(*) from {t} where {c} = {x}"},
	{"select-only", "select count(*) from only {t} where {c} = {x}"},
	{"table-command", "with x as (table {t}) select count(*) from x where {c} = {x}"},
	{"tablesample", "select count(*) from {t} tablesample system (100) where {c} = {x}"},
	{"whole-row", "select count(*) from (select x.*::{t} as whole from {t} x) y where (y.whole).{c} = {x}"},
	{"row-text", "select count(*) from {t} x where strpos((x.*)::text, $1::text) > 0"},
	{"json", "select count(*) from {t} x where strpos(to_jsonb(x.*)::text, $1::text) > 0"},
	{"join", "select count(*) from {t} x join {t} y on x.{c} is distinct from y.{c} where x.{c} = {x} or y.{c} = {x}"},
	{"outer-join", "select count(y.{c}) from (values (1)) v (n) left join {t} y on y.{c} = {x}"},
	{"lateral", "select count(*) from (values (1)) v (n), lateral (select {c} from {t} limit 1000) l where l.{c} = {x}"},
	{"sub-query", "select (select count(*) from {t} where {c} = {x})"},
	{"exists", "select case when exists (select from {t} where {c} = {x}) then 1 else 0 end"},
	{"aggregate", "select case when strpos(string_agg({c}::text, ','), $1::text) > 0 then 1 else 0 end from {t}"},
	{"window", "select count(*) from (select {c}, row_number() over (order by {c}) from {t}) x where {c} = {x}"},
	{"union", "select count(*) from (select {c} from {t} union all select {c} from {t}) x where {c} = {x}"},
	{"recursive", "with recursive x as (select {c} from {t} union select {c} from x) select count(*) from x where {c} = {x}"},
	{"system-columns", "select count(*) from {t} where ctid is not null and tableoid is not null and {c} = {x}"},
	{"for-update", "select count(*) from (select from {t} where {c} = {x} for update) x"},
}

func readVectors() []vector {
	var list []vector
	for _, form := range readForms {
		list = append(list, vector{name: form.name, class: Leak, severity: Critical, table: func(p *probe) { p.read(form.query) }})
	}
	return append(list,
		vector{name: "error-channel", class: Leak, severity: High, table: errorChannel},
		vector{name: "cursor", class: Leak, severity: Critical, table: cursor},
		vector{name: "copy-to", class: Leak, severity: Critical, table: copyTo},
		vector{name: "statistics", class: Leak, severity: Medium, table: statistics},
		vector{name: "explain", class: Notice, severity: Low, table: explain},
	)
}

// read counts in both directions: a flaw of the driver may have only one.
func (p *probe) read(form string) {
	query := p.form(form)
	for _, who := range []int{attacker, victim} {
		var n int64
		err := p.try(who, func(ctx context.Context, tx *sql.Tx) (err error) {
			n, err = p.count(ctx, tx, query, p.id(1-who))
			return err
		})
		if p.held(err) {
			return
		}
		if n > 0 {
			p.leak(p.remedy(p.t, "r"), "one tenant reads rows of the other (%d): %s", n, query)
			return
		}
	}
}

// form puts the table into a query.
func (p *probe) form(query string) string {
	return strings.NewReplacer("{t}", p.t.sql(), "{c}", quote(p.t.tenant), "{x}", "cast($1::text as "+p.t.tenantType()+")").Replace(query)
}

// errorChannel asks by an error that is raised for rows of the victim only. Policies
// come before conditions that can fail.
func errorChannel(p *probe) {
	query := p.form("select count(*) from {t} where case when {c} = {x} then 1 / (random() * 0)::int else 1 end = 1")
	err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
		_, err := p.count(ctx, tx, query, p.id(victim))
		return err
	})
	if state(err) == divisionByZero {
		p.leak(p.remedy(p.t, "r"), "a condition is evaluated on rows of the other tenant: %s", query)
		return
	}
	_ = err == nil || p.held(err)
}

func cursor(p *probe) {
	n := 0
	err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := p.exec(ctx, tx, p.form("declare stratum_cursor cursor for select {c}::text from {t}")); err != nil {
			return err
		}
		seen, err := column1(ctx, tx, "fetch all from stratum_cursor")
		for _, id := range seen {
			if id == p.id(victim) {
				n++
			}
		}
		return err
	})
	if !p.held(err) && n > 0 {
		p.leak(p.remedy(p.t, "r"), "a cursor reads rows of the other tenant (%d)", n)
	}
}

// raw asks the driver connection in the attacker's scope for something beyond database/sql.
func raw[T any](p *probe, what string, use func(ctx context.Context, c T) error) error {
	ctx, cancel := context.WithTimeout(p.as(p.ctx, attacker), attackTimeout)
	defer cancel()
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	can := false
	err = conn.Raw(func(dc any) error {
		c, ok := dc.(T)
		if can = ok; !ok {
			return nil
		}
		return use(ctx, c)
	})
	if !can {
		return errors.Join(err, fmt.Errorf("the driver connection cannot %s", what))
	}
	return err
}

func copyTo(p *probe) {
	var out bytes.Buffer
	err := raw(p, "COPY TO", func(ctx context.Context, c CopierTo) error {
		_, err := c.CopyToText(ctx, "copy "+p.t.sql()+" to stdout", &out)
		if err != nil && p.t.Kind == "p" { // which COPY does not read by its name
			_, err = c.CopyToText(ctx, "copy (select * from "+p.t.sql()+") to stdout", &out)
		}
		return err
	})
	if !p.held(err) && strings.Contains(out.String(), p.id(victim)) {
		p.leak(p.remedy(p.t, "r"), "COPY TO writes rows of the other tenant")
	}
}

// statistics asks whether pg_stats, which holds sample values, hides those of the table
// from the login, as it does where row-level security is active.
func statistics(p *probe) {
	var open bool
	err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "select not pg_catalog.row_security_active($1::text::regclass) and pg_catalog.has_any_column_privilege($1::text::regclass, 'select')",
			p.t.sql()).Scan(&open)
	})
	if !p.held(err) && open {
		p.leak(p.remedy(p.t, "r"), "pg_stats shows the login the most common values of the table, of all tenants")
	}
}

// explain looks whether EXPLAIN ANALYZE counts rows of the victim: it does, where they
// are met by a scan. Nothing but the planner's choice of an index prevents it.
func explain(p *probe) {
	if !p.t.May.Select {
		return
	}
	plan := ""
	err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
		lines, err := column1(ctx, tx, p.form("explain (analyze, costs off, timing off, summary off) select from {t}"))
		plan = strings.Join(lines, "\n")
		return err
	})
	if !p.held(err) && strings.Contains(plan, "Rows Removed by Filter") {
		p.leak("", "EXPLAIN ANALYZE, where users can run it, counts the rows that policies hide")
	}
}
