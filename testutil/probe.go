package stratumtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// probe is one vector at work, on one table or on the database.
type probe struct {
	*attack
	ctx   context.Context
	v     vector
	t     *table   // nil for the database
	told  []string // what was sent: it may come back in errors
	ended bool     // something was found, or could not be tried
}

// probe runs a vector and counts it as held if nothing else came of it.
func (a *attack) probe(ctx context.Context, v vector, t *table, run func(p *probe)) {
	ctx, cancel := context.WithTimeout(ctx, 6*attackTimeout)
	defer cancel()
	p := &probe{attack: a, ctx: ctx, v: v, t: t}
	run(p)
	if !p.ended {
		a.report.Held[v.name]++
	}
}

// leak reports a finding on the probe's table.
func (p *probe) leak(fix, format string, args ...any) {
	p.found(Finding{Fix: fix, Detail: fmt.Sprintf(format, args...)})
}

// found reports a finding; what is empty is the vector's.
func (p *probe) found(f Finding) {
	p.ended = true
	if f.Table == "" && p.t != nil {
		f.Table = p.t.String()
	}
	if f.Vector == "" {
		f.Vector = p.v.name
	}
	if f.Class == "" {
		f.Class = p.v.class
	}
	if f.Severity == 0 {
		f.Severity = p.v.severity
	}
	same := func(g Finding) bool {
		return g.Table == f.Table && g.Vector == f.Vector && g.Class == f.Class && g.Fix == f.Fix
	}
	if !slices.ContainsFunc(p.report.Findings, same) {
		p.report.Findings = append(p.report.Findings, f)
	}
}

// skip reports that the attack could not be tried.
func (p *probe) skip(format string, args ...any) {
	p.ended = true
	s := Skipped{Vector: p.v.name, Reason: fmt.Sprintf(format, args...)}
	if p.t != nil {
		s.Table = p.t.String()
	}
	p.report.NotAttacked = append(p.report.NotAttacked, s)
}

// held judges an error: it returns false if the attack went through, and skips if the
// error does not say.
func (p *probe) held(err error) bool {
	switch judge(err) {
	case accepted:
		return false
	case unclear:
		p.skip("%s", full(err))
	}
	return true
}

// try runs work as a tenant in a transaction that is rolled back.
func (p *probe) try(who int, work func(ctx context.Context, tx *sql.Tx) error) error {
	ctx, cancel := context.WithTimeout(p.as(p.ctx, who), attackTimeout)
	defer cancel()
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return work(ctx, tx)
}

// again repeats work with other values while keys are taken.
func again(work func() error) (err error) {
	for range 5 {
		if err = work(); state(err) != uniqueViolation && state(err) != exclusionViolation {
			return err
		}
	}
	return err
}

// readable returns a table that both tenants may read, for what is a matter of the driver
// and not of the table, and makes it the probe's.
func (p *probe) readable() bool {
	for _, t := range p.cat.Tables {
		if t.tenant != "" && t.May.Select && t.parent == nil && len(p.rows(t, attacker)) > 0 && len(p.rows(t, victim)) > 0 && !p.cfg.excludes(t.Schema, t.Name) {
			p.t = t
			return true
		}
	}
	p.skip("no table can be read")
	return false
}

// exec executes and returns how many rows were affected.
func (p *probe) exec(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	p.tell(args)
	result, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, p.overhear(err)
	}
	return result.RowsAffected()
}

// count reads one number.
func (p *probe) count(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	p.tell(args)
	var n sql.NullInt64
	err := p.overhear(q.QueryRowContext(ctx, query, args...).Scan(&n))
	return n.Int64, err
}

// mine is how many rows of its own a tenant sees in the table, or -1 if it may not look.
func (p *probe) mine(ctx context.Context, q querier, t *table, who int) int64 {
	if !t.May.Select {
		return -1
	}
	query, args := "select count(*) from "+t.sql(), []any(nil)
	if t.tenant != "" {
		query, args = query+" where "+own(t, "", 1), []any{p.id(who)}
	}
	n := int64(-1)
	_ = guard(ctx, q, func() (err error) {
		n, err = p.count(ctx, q, query, args...)
		return err
	})
	return n
}

func (p *probe) tell(args []any) {
	for _, arg := range args {
		switch v := arg.(type) {
		case string:
			p.told = append(p.told, v)
		case *string:
			if v != nil {
				p.told = append(p.told, *v)
			}
		}
	}
}

// overhear looks for values of the victim in an error that the attacker gets, apart from
// what it sent itself.
func (p *probe) overhear(err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	heard := full(err)
	if secret := p.secretIn(heard); secret != "" && p.v.class != Injection && p.t != nil {
		p.found(Finding{Vector: "error-text", Class: Leak, Severity: Medium, Fix: p.remedy(p.t, "r"),
			Detail: fmt.Sprintf("the error of the vector %s shows %q, a value of the other tenant: %s", p.v.name, secret, heard)})
		p.ended = false // the vector itself is not judged by that
	}
	return err
}

// secretIn returns a value of the victim that occurs in what the attacker read, and
// that it had not sent.
func (p *probe) secretIn(read string) string {
	for _, m := range p.markers {
		if strings.Contains(read, m) && !slices.ContainsFunc(p.told, func(s string) bool { return strings.Contains(s, m) || strings.Contains(m, s) && len(s) >= 8 }) {
			return m
		}
	}
	return ""
}

// own is the condition for rows of a tenant. The parameter is the tenant's id.
func own(t *table, alias string, parameter int) string {
	return fmt.Sprintf("%s%s = cast($%d::text as %s)", alias, quote(t.tenant), parameter, t.tenantType())
}
