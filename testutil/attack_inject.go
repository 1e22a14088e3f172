package stratumtest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// injectionVectors are those of an attacker who writes the SQL. Parameters keep such an
// attacker out; a plain scope does not hold one that is in.
func injectionVectors() []vector {
	v := func(name string, queries func(p *probe) []string) vector {
		return vector{name: name, class: Injection, severity: High, table: func(p *probe) { inject(p, queries(p)) }}
	}
	return []vector{
		v("set_config", func(p *probe) []string {
			return p.eachSetting("select pg_catalog.set_config({name}, {id}, true)")
		}),
		v("set-local", func(p *probe) []string { return p.eachSetting("set local {setting} = {id}") }),
		v("set-session", func(p *probe) []string { return p.eachSetting("set {setting} = {id}") }),
		v("reset", func(p *probe) []string { return append(p.eachSetting("reset {setting}"), "reset all") }),
		v("row-security-off", func(*probe) []string { return []string{"set local row_security = off"} }),
		v("set-role", func(p *probe) []string { return p.eachRole("set local role %s") }),
		v("set-session-authorization", func(p *probe) []string { return p.eachRole("set local session authorization %s") }),
		{name: "multi-statement", class: Injection, severity: High, table: multiStatement},
	}
}

// eachSetting makes a statement for each setting that policies and functions read:
// {name} is its name as a text, {setting} as an identifier, and {id} the victim.
func (p *probe) eachSetting(format string) []string {
	var list []string
	for _, name := range p.cat.settings() {
		parts := strings.Split(name, ".")
		list = append(list, strings.NewReplacer("{name}", literal(name), "{id}", literal(p.id(victim)), "{setting}", quote(parts[0])+"."+quote(strings.Join(parts[1:], "."))).Replace(format))
	}
	return list
}

func (p *probe) eachRole(format string) []string {
	list := []string{}
	for _, name := range append([]string{"none"}, p.cat.Roles...) {
		if name != "none" {
			name = quote(name)
		} else if strings.Contains(format, "authorization") {
			name = "default"
		}
		list = append(list, fmt.Sprintf(format, name))
	}
	return list
}

// inject runs each statement and then reads, in one transaction of the attacker.
func inject(p *probe, statements []string) {
	query := p.form("select count(*) from {t} where {c} = {x}")
	for _, s := range statements {
		var n int64
		err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, s); err != nil {
				return nil // refused, or nothing that this server knows
			}
			var err error
			n, err = p.count(ctx, tx, query, p.id(victim))
			return err
		})
		if judge(err) == accepted && n > 0 {
			p.leak("-- parameters instead of SQL made of input; the sealed scope holds this, too", "after %q rows of the other tenant are read (%d)", s, n)
			return
		}
		if state(err) == "" && p.held(err) && err != nil {
			return
		}
	}
}

// multiStatement puts a statement in front of the query, in one text without parameters.
func multiStatement(p *probe) {
	for _, s := range p.eachSetting("select pg_catalog.set_config({name}, {id}, true)") {
		var n int64
		err := p.try(attacker, func(ctx context.Context, tx *sql.Tx) error {
			query := fmt.Sprintf("%s; create temporary table stratum_probe on commit drop as select from %s where %s::text = %s", s, p.t.sql(), quote(p.t.tenant), literal(p.id(victim)))
			if _, err := tx.ExecContext(ctx, query); err != nil {
				return nil // one statement at a time, as it should be
			}
			var err error
			n, err = p.count(ctx, tx, "select count(*) from pg_temp.stratum_probe")
			return err
		})
		if judge(err) == accepted && n > 0 {
			p.leak("-- parameters instead of SQL made of input; the sealed scope holds this, too", "a text of two statements reads rows of the other tenant (%d)", n)
		}
	}
}
