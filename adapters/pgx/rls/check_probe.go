package rls

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// This file finds out what a policy admits by computing its predicate over a made-up row. No
// shape is looked for, so that COALESCE, CASE or NOT hide nothing.

// prober computes predicates.
type prober struct {
	tx    pgx.Tx
	known map[string]function
	all   []*policy // for the restrictive ones
	done  map[probeKey]verdict
}

// probeKey is what a verdict depends on, if the predicate looks at nothing but the tenant's column.
type probeKey struct{ predicate, column, kind, value string }

// verdict says what a predicate admitted: the row of a tenant and, apart, the row of none.
type verdict struct{ row, orphan bool }

// The settings under which a predicate is computed. Each takes the place of those that the predicate reads.
const (
	unsetSetting  = "stratum_probe.unset"  // never set
	emptySetting  = "stratum_probe.empty"  // as a setting is after the transaction that set it
	otherSetting  = "stratum_probe.other"  // another tenant than the row's
	switchSetting = "stratum_probe.switch" // one of switches
)

// samples are two values for each type of the tenant's column: the row's, and another.
var samples = map[string][2]string{
	"uuid":              {"5eed0001-0000-7000-8000-000000000001", "5eed0002-0000-7000-8000-000000000002"},
	"text":              {"stratum-probe-1", "stratum-probe-2"},
	"character varying": {"stratum-probe-1", "stratum-probe-2"},
	"bigint":            {"1918273645", "1918273646"},
	"integer":           {"1918273645", "1918273646"},
}

// switches are values with which settings switch something on.
var switches = []string{"on", "true", "1", "yes", "all", "*", "admin"}

// question is one predicate to be computed, together with the restrictive ones in its way.
type question struct {
	*prober
	policy   *policy
	parts    []expr
	settings []string // that the parts read
	alone    bool     // they look at the tenant's column only
}

// probe applies the rules on what a predicate admits.
func (c *checker) probe(ctx context.Context, p *policy, e expr, pr *prober) error {
	if !p.Permissive || !p.Applies || p.Att == 0 {
		return nil
	}
	q := question{prober: pr, policy: p, parts: pr.conjuncts(p, e), alone: true}
	reason := ""
	if _, ok := samples[p.Type]; !ok {
		reason = "no sample is known for a tenant of the type " + p.Type
	}
	for _, part := range q.parts {
		settings, unsafe := pr.safe(part)
		q.settings = append(q.settings, settings...)
		q.alone = q.alone && !part.tree.any(func(n *node, depth int) bool { return n.column(0, depth) && !n.column(p.Att, depth) })
		if reason == "" {
			reason = unsafe
		}
	}
	if reason == "" {
		err := c.judge(ctx, p, e, &q)
		var pe *pgconn.PgError
		if !errors.As(err, &pe) {
			return err
		}
		reason = pe.Message
	}
	c.skip("policy_fail_open", p.object(), "its "+e.clause+" was not computed over a row: "+reason)
	return nil
}

// judge asks for each way of failing open what it would admit.
func (c *checker) judge(ctx context.Context, p *policy, e expr, q *question) error {
	var admits [3]verdict
	for i, name := range []string{unsetSetting, emptySetting, otherSetting} {
		var err error
		if admits[i], err = q.ask(ctx, "", func(string) string { return name }); err != nil {
			return err
		}
	}
	unset, empty, other := admits[0], admits[1], admits[2]
	fix := p.narrow()
	switch {
	case unset.row && empty.row && other.row:
		c.policyFinding("policy_always_true", p, fix, "has a %s that admits every row, whatever the tenant: %s", e.clause, e.text)
		return nil
	case unset.row || empty.row:
		c.policyFinding("policy_fail_open", p, fix, "has a %s that admits rows of all tenants where no tenant is set: %s", e.clause, e.text)
	case other.row:
		c.policyFinding("policy_other_tenant", p, fix, "has a %s that admits a row of another tenant than the one that is set: %s", e.clause, e.text)
		return nil
	}
	if unset.orphan || empty.orphan || other.orphan {
		c.policyFinding("policy_admits_null", p, fix, "has a %s that admits rows without a tenant: %s", e.clause, e.text)
	}
	if other.row {
		return nil
	}
	name, value, err := q.bypass(ctx)
	if err == nil && name != "" {
		c.policyFinding("policy_bypass_setting", p, fix, "has a %s that admits every row once the setting %s is %q: %s", e.clause, name, value, e.text)
	}
	return err
}

// bypass finds a setting, and its value, that lets the row of another tenant pass.
func (q *question) bypass(ctx context.Context) (name, value string, err error) {
	for _, name := range q.settings {
		if name == setting {
			continue
		}
		for _, value := range switches {
			got, err := q.ask(ctx, value, func(s string) string {
				if s == name {
					return switchSetting
				}
				return otherSetting
			})
			if err != nil || got.row {
				return name, value, err
			}
		}
	}
	return "", "", nil
}

// ask computes the predicate with each setting that it reads replaced by what name says.
func (q *question) ask(ctx context.Context, value string, name func(setting string) string) (verdict, error) {
	texts := make([]string, len(q.parts))
	for i, part := range q.parts {
		texts[i] = "(" + part.text + ")"
		for _, s := range q.settings {
			texts[i] = strings.ReplaceAll(texts[i], printedSetting(s), printedSetting(name(s)))
		}
	}
	key := probeKey{strings.Join(texts, " and "), q.policy.Column, q.policy.Type, value}
	if v, ok := q.done[key]; ok && q.alone {
		return v, nil
	}
	v, err := q.compute(ctx, q.policy, key.predicate, value)
	if err == nil && q.alone {
		q.done[key] = v
	}
	return v, err
}

// conjuncts are the predicate and those of the restrictive policies that stand in its way.
func (pr *prober) conjuncts(p *policy, e expr) []expr {
	parts := []expr{e}
	for _, r := range pr.all {
		if r.Permissive || !r.Applies || r.Table != p.Table || r.Command != "*" && r.Command != p.Command {
			continue
		}
		for _, other := range r.exprs() {
			if other.clause == e.clause || r.Check == "" {
				parts = append(parts, other)
			}
		}
	}
	return parts
}

// safe returns the settings that a predicate reads, or why it must not be computed.
func (pr *prober) safe(e expr) (settings []string, reason string) {
	u := usage{known: pr.known}
	u.visit(e.tree, false)
	if slices.Contains(u.settings, computedName) {
		return nil, "it computes the name of a setting"
	}
	for _, oid := range e.tree.calls() {
		if f := pr.known[oid]; !f.Builtin || f.Volatility == "v" {
			return nil, "it calls " + u.names([]string{oid}) + ", which is not run here"
		}
	}
	e.tree.walk(0, func(n *node, _ int) bool {
		switch {
		case n.is("RANGETBLENTRY", "RTE") && n.word("rtekind") == "0":
			reason = "it reads another table, so that its answer depends on rows"
		case n.is("COERCETODOMAIN", "ROWCOMPAREEXPR"):
			reason = "it holds a " + n.tag + ", which is not run here"
		}
		return reason == ""
	})
	return u.settings, reason
}

// compute evaluates a predicate over a row of a tenant and one of none. A predicate that fails because
// of what a setting holds admits nothing. Nothing of it lasts, settings neither.
func (pr *prober) compute(ctx context.Context, p *policy, predicate, value string) (verdict, error) {
	sample := samples[p.Type]
	sql := "select coalesce((" + predicate + "), false) from (values (1, '" + sample[0] + "'), (2, null)) as v(\"stratum row\", \"stratum tenant\")" +
		" cross join lateral (select " + p.Row + ") as " + p.Relation + " order by v.\"stratum row\""
	nested, err := pr.tx.Begin(ctx)
	if err != nil {
		return verdict{}, err
	}
	admitted, err := func() ([]bool, error) {
		_, err := nested.Exec(ctx, "select pg_catalog.set_config($1, '', true), pg_catalog.set_config($2, $3, true), pg_catalog.set_config($4, $5, true)",
			pgx.QueryExecModeDescribeExec, emptySetting, otherSetting, sample[1], switchSetting, value)
		if err != nil {
			return nil, err
		}
		rows, _ := nested.Query(ctx, sql, pgx.QueryExecModeDescribeExec)
		return pgx.CollectRows(rows, pgx.RowTo[bool])
	}()
	if undo := nested.Rollback(ctx); undo != nil {
		return verdict{}, undo
	}
	var pe *pgconn.PgError
	switch {
	case errors.As(err, &pe) && (strings.HasPrefix(pe.Code, "22") || pe.Code == "42704"): // data exception, unknown setting
		return verdict{}, nil
	case err != nil:
		return verdict{}, err
	}
	return verdict{admitted[0], admitted[1]}, nil
}
