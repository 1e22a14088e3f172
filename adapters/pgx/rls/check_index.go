package rls

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// index is an index of a table with tenants' rows. Its slices have one entry per key column.
type index struct {
	Table      string
	Column     string // holds the tenant, quoted
	Name       string
	Method     string
	Unique     bool
	Exprs      string   // the expressions as a tree
	Columns    []string // of the table, quoted
	Keys       []string // columns, quoted; empty for an expression
	Printed    []string
	Types      []string
	Pattern    []bool // made for LIKE
	Leaky      []bool // its operators are not LEAKPROOF
	Descending []bool
	Include    string
	Predicate  string
	Constraint bool // a constraint owns it
}

// indexes applies the rules on indexes.
func (c *checker) indexes(ctx context.Context, tx pgx.Tx) error {
	sql, err := execute("check_indexes", nil)
	if err != nil {
		return err
	}
	rows, err := c.query(ctx, tx, sql)
	if err != nil {
		return err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[index])
	if err != nil {
		return err
	}
	var oids []string
	for _, x := range list {
		for _, e := range parseTrees(x.Exprs) {
			oids = append(oids, e.calls()...)
		}
	}
	known, err := readFunctions(ctx, tx, oids)
	if err != nil {
		return err
	}
	for _, x := range list {
		c.index(x, known)
	}
	return nil
}

// index judges one index.
func (c *checker) index(x *index, known map[string]function) {
	exprs := parseTrees(x.Exprs)
	var searches, types []string
	computed := make([]bool, len(x.Keys)) // an expression that has to become a column
	for i, key := range x.Keys {
		tree := x.Method == "btree" || x.Method == "hash"
		switch {
		case key == "" && len(exprs) > 0:
			var leaks string
			leaks, exprs = leaky(exprs[0], known), exprs[1:]
			if leaks != "" {
				computed[i] = true
				searches = append(searches, x.Printed[i]+" (by "+leaks+")")
				continue
			}
			fallthrough
		default:
			switch {
			case x.Pattern[i]:
				searches = append(searches, x.Printed[i]+" (by LIKE)")
			case x.Leaky[i] && !tree:
				searches = append(searches, x.Printed[i]+" (by the operators of "+x.Method+" over "+x.Types[i]+")")
			case x.Leaky[i]:
				types = append(types, x.Printed[i]+" ("+x.Types[i]+")")
			}
		}
	}
	if len(searches) > 0 {
		fix, noFix := x.rewrite(computed)
		c.add("index_not_leakproof", "index", x.Name, fmt.Sprintf("the index %s of %s cannot serve a search for %s", x.Name, x.Table, strings.Join(searches, ", ")), fix, noFix)
	}
	if len(types) > 0 {
		c.add("index_type_not_leakproof", "index", x.Name, fmt.Sprintf("the index %s of %s cannot serve a search for %s", x.Name, x.Table, strings.Join(types, ", ")), "", "")
	}
}

// leaky names what the expression computes that is not LEAKPROOF; empty if there is nothing.
func leaky(e *node, known map[string]function) string {
	var names []string
	e.walk(0, func(n *node, _ int) bool {
		if n.is("COERCEVIAIO") {
			names = append(names, "a cast through text")
		}
		for _, field := range []string{"funcid", "opfuncid"} {
			if f, ok := known[n.word(field)]; ok && !f.Leakproof {
				names = append(names, f.Printed+"()")
			}
		}
		return true
	})
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

var notWord = regexp.MustCompile(`[^a-z0-9]+`)

// rewrite is SQL for an index that row-level security can use: expressions become generated columns, which
// are compared as text is, the tenant stands in front, and prefixes are found in the order of bytes.
func (x *index) rewrite(computed []bool) (fix, noFix string) {
	if x.Method != "btree" && x.Method != "hash" {
		return "", "No rewrite makes this search leakproof. Keep what is searched most in a generated column of its own with an index (tenant, column), or search among the rows of one tenant only."
	}
	if x.Constraint {
		return "", "A constraint owns the index."
	}
	var b strings.Builder
	keys := []string{}
	taken := slices.Clone(x.Columns)
	for i, key := range x.Keys {
		if computed[i] {
			name := strings.Trim(notWord.ReplaceAllString(strings.ToLower(x.Printed[i]), "_"), "_")
			name = pgx.Identifier{name[:min(len(name), maxIdentifier-4)]}.Sanitize()
			for n := 1; slices.Contains(taken, name) || slices.Contains(taken, strings.Trim(name, `"`)); n++ {
				name = fmt.Sprintf(`"%s%d"`, strings.TrimRight(strings.Trim(name, `"`), "0123456789"), n)
			}
			taken = append(taken, name)
			fmt.Fprintf(&b, "alter table %s add column %s %s generated always as (%s) stored;\n", x.Table, name, x.Types[i], x.Printed[i])
			key = name
		} else if key == "" {
			key = "(" + x.Printed[i] + ")"
		}
		if key == x.Column {
			continue
		}
		if x.Pattern[i] {
			key += ` collate "C"` // a prefix is then a range, or ^@
		}
		if x.Descending[i] {
			key += " desc"
		}
		keys = append(keys, key)
	}
	unique := ""
	if x.Unique {
		unique = "unique "
	}
	fmt.Fprintf(&b, "create %sindex on %s (%s)%s%s;\n", unique, x.Table, strings.Join(append([]string{x.Column}, keys...), ", "), x.Include, x.Predicate)
	fmt.Fprintf(&b, "drop index %s;", x.Name)
	return b.String(), ""
}
