package rls

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// policy is a policy of a table with tenants' rows.
type policy struct {
	Table, Quoted, Name string // the name as SQL needs it, and as it is
	Command             string // r, a, w, d, or * for all
	Permissive, Public  bool
	Roles               string // as SQL needs them
	Applies             bool   // to the application's role
	Reachable           bool   // it would after SET ROLE
	Using, Check        string // as the server prints them
	UsingTree           string
	CheckTree           string
	Column              string // holds the tenant, quoted
	Att                 int    // its number; 0 if there is no such column
	Type                string
	Relation            string // the table's name without its schema, quoted
	App                 string // the application's role
	Row                 string // a made-up row, as a list of SELECT
	Printed             string // the predicate of Protect, as the server prints it
	Ours                bool   // it has a name that Protect gives
}

// expr is one of the two predicates of a policy.
type expr struct {
	clause, text string
	tree         *node
}

// function is what a predicate calls.
type function struct {
	OID, Name  string
	Builtin    bool
	Volatility string // i, s or v
	Leakproof  bool
	Printed    string // as the server prints a call, without the parentheses
}

func (p *policy) object() string { return "policy " + p.Quoted + " on " + p.Table }

// exprs are the predicates that the policy has.
func (p *policy) exprs() []expr {
	var list []expr
	if p.Using != "" {
		list = append(list, expr{"USING", p.Using, parseTree(p.UsingTree)})
	}
	if p.Check != "" {
		list = append(list, expr{"WITH CHECK", p.Check, parseTree(p.CheckTree)})
	}
	return list
}

// predicate is what admits rows to a table by a tenant: the one form that is isolated and fast.
func (p *policy) predicate() string {
	return fmt.Sprintf("%s = (select nullif(pg_catalog.current_setting('%s', true), '')::%s)", p.Column, setting, p.Type)
}

// alter is SQL that changes the predicates by rewrite. It is empty if one of them cannot be rewritten.
func (p *policy) alter(rewrite func(expr) (string, bool)) string {
	var b strings.Builder
	fmt.Fprintf(&b, "alter policy %s on %s", p.Quoted, p.Table)
	for _, e := range p.exprs() {
		text, ok := rewrite(e)
		if !ok {
			return ""
		}
		fmt.Fprintf(&b, " %s (%s)", strings.ToLower(e.clause), text)
	}
	return b.String() + ";"
}

// narrow is SQL that puts the predicate of Protect in place of those that the policy has.
func (p *policy) narrow() string {
	if p.Att == 0 {
		return ""
	}
	return p.alter(func(expr) (string, bool) { return p.predicate(), true })
}

// policies applies the rules on policies.
func (c *checker) policies(ctx context.Context, tx pgx.Tx) error {
	list, err := c.readPolicies(ctx, tx)
	if err != nil {
		return err
	}
	var oids []string
	for _, p := range list {
		for _, e := range p.exprs() {
			oids = append(oids, e.tree.calls()...)
		}
	}
	known, err := readFunctions(ctx, tx, oids)
	if err != nil {
		return err
	}
	prober := prober{tx: tx, known: known, all: list, done: map[probeKey]verdict{}}
	for _, p := range list {
		c.shape(p)
		for _, e := range p.exprs() {
			if e.text == p.Printed {
				continue // the predicate of Protect
			}
			c.expression(p, e, known)
			if err := c.probe(ctx, p, e, &prober); err != nil {
				return err
			}
		}
	}
	c.together(list)
	return nil
}

func (c *checker) readPolicies(ctx context.Context, tx pgx.Tx) ([]*policy, error) {
	sql, err := execute("check_policies", nil)
	if err != nil {
		return nil, err
	}
	rows, err := c.query(ctx, tx, sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[policy])
}

// readFunctions looks functions up.
func readFunctions(ctx context.Context, tx pgx.Tx, oids []string) (map[string]function, error) {
	sql, err := execute("check_functions", nil)
	if err != nil {
		return nil, err
	}
	slices.Sort(oids)
	rows, _ := tx.Query(ctx, sql, pgx.QueryExecModeDescribeExec, slices.Compact(oids))
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[function])
	if err != nil {
		return nil, err
	}
	known := make(map[string]function, len(list))
	for _, f := range list {
		known[f.OID] = f
	}
	return known, nil
}

// policyFinding reports a finding on a policy.
func (c *checker) policyFinding(rule string, p *policy, fix, format string, args ...any) {
	c.add(rule, "policy", p.object(), fmt.Sprintf("the policy %s of %s ", p.Quoted, p.Table)+fmt.Sprintf(format, args...), fix, "")
}

// placeholders are words of names that were not meant to stay.
var placeholders = []string{"todo", "fixme", "tmp", "temp", "test", "xxx", "placeholder", "debug", "hack"}

// shape judges what a policy is for.
func (c *checker) shape(p *policy) {
	if p.Public {
		c.policyFinding("policy_to_public", p, fmt.Sprintf("alter policy %s on %s to %s;", p.Quoted, p.Table, pgx.Identifier{p.App}.Sanitize()),
			"is for every role of the server")
	}
	if p.Reachable {
		c.policyFinding("policy_role_settable", p, fmt.Sprintf("revoke %s from %s;", p.Roles, pgx.Identifier{p.App}.Sanitize()),
			"is for %s, which the application's role can become", p.Roles)
	}
	if p.Command == "*" {
		c.policyFinding("policy_for_all", p, p.split(), "is FOR ALL")
	}
	words := strings.FieldsFunc(strings.ToLower(p.Name), func(r rune) bool { return (r < 'a' || r > 'z') && r < 128 })
	if slices.ContainsFunc(words, func(w string) bool { return slices.Contains(placeholders, w) }) {
		c.policyFinding("policy_placeholder_name", p, fmt.Sprintf("alter policy %s on %s rename to tenant_%s;", p.Quoted, p.Table, strings.ToLower(commands[p.Command])),
			"has the name of something unfinished")
	}
}

var commands = map[string]string{"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}

// split is SQL that makes one policy per command of one for all.
func (p *policy) split() string {
	kind := "permissive"
	if !p.Permissive {
		kind = "restrictive"
	}
	check := p.Check
	if check == "" {
		check = p.Using
	}
	var b strings.Builder
	fmt.Fprintf(&b, "drop policy %s on %s;", p.Quoted, p.Table)
	for _, command := range []string{"select", "insert", "update", "delete"} {
		name := p.Name
		for len(name)+len(command)+1 > maxIdentifier {
			name = strings.ToValidUTF8(name[:len(name)-1], "")
		}
		fmt.Fprintf(&b, "\ncreate policy %s on %s as %s for %s to %s", pgx.Identifier{name + "_" + command}.Sanitize(), p.Table, kind, command, p.Roles)
		if command != "insert" && p.Using != "" {
			fmt.Fprintf(&b, " using (%s)", p.Using)
		}
		if (command == "insert" || command == "update") && check != "" {
			fmt.Fprintf(&b, " with check (%s)", check)
		}
		b.WriteString(";")
	}
	return b.String()
}

// together judges the policies of each table side by side.
func (c *checker) together(list []*policy) {
	byTable := map[string][]*policy{}
	for _, p := range list {
		byTable[p.Table] = append(byTable[p.Table], p)
	}
	for table, policies := range byTable {
		// Those of Protect stay, others are in excess.
		slices.SortStableFunc(policies, func(a, b *policy) int { return boolRank(b.Ours) - boolRank(a.Ours) })
		reads := 0
		for i, p := range policies {
			if p.Permissive && p.Applies && p.Command == "r" {
				reads++
			}
			for _, q := range policies[:i] {
				same := p.Permissive == q.Permissive && p.Command == q.Command && p.Roles == q.Roles && p.Using == q.Using && p.Check == q.Check
				overlap := p.Command == q.Command || p.Command == "*" || q.Command == "*"
				drop := fmt.Sprintf("drop policy %s on %s;", p.Quoted, p.Table)
				if same {
					c.policyFinding("policy_duplicate", p, drop, "is the same as %s", q.Quoted)
				} else if overlap && p.Permissive && q.Permissive && p.Applies && q.Applies {
					c.policyFinding("multiple_permissive_policies", p, drop, "is permissive for %s, as %s is, and they are ORed", commands[p.Command], q.Quoted)
					break
				}
			}
		}
		permissive := slices.DeleteFunc(slices.Clone(policies), func(p *policy) bool { return !p.Permissive || !p.Applies })
		if len(permissive) > 0 && reads == len(permissive) {
			c.add("policy_select_only", "table", table, "the application can read "+table+" and write nothing: all its policies are FOR SELECT", "", "")
		}
	}
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}
