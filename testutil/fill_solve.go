package stratumtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// maxTries bounds how many combinations of values are tried for one check.
const maxTries = 3000

// solve changes r until it satisfies types and checks, without touching what is pinned.
func (f *filler) solve(ctx context.Context, q querier, t *table, r row, pinned map[string]bool) error {
	checks := slices.Clone(t.Checks)
	if bound := f.bound(t); bound != "" {
		checks = append(checks, check{Expr: bound, Columns: t.mentioned(bound)})
	}
	domains := false
	for _, c := range t.Columns {
		domains = domains || c.Type != c.Base
	}
	if len(checks) == 0 && !domains {
		return nil
	}
	for range len(checks) + len(t.Columns) + 1 {
		bad, failing := f.failing(ctx, q, t, r, checks)
		if len(failing) == 0 && bad == nil {
			return nil
		}
		broken := &check{}
		if bad != nil {
			broken.Columns = []string{bad.Name} // its type does not take the value
		} else {
			broken = &checks[failing[0]]
		}
		if !f.repair(ctx, q, t, r, pinned, checks, broken, len(failing)) {
			if bad != nil {
				return &unfit{column: bad.Name, text: fmt.Sprintf("no value for the column %s of type %s was accepted; checks: %s", bad.Name, bad.Type, strings.Join(bad.Domain, ", "))}
			}
			return &unfit{column: strings.Join(broken.Columns, ", "), text: "no row was found that satisfies " + describe([]check{*broken})}
		}
	}
	return &unfit{text: "no row was found that satisfies " + describe(checks)}
}

// unfit says for which column nothing was found.
type unfit struct{ column, text string }

func (u *unfit) Error() string { return u.text }

// bound is what a row must satisfy to find its partition: that of the partition, or of
// any one below a partitioned table.
func (f *filler) bound(t *table) string {
	if t.Bound != "" {
		return t.Bound
	}
	if len(t.leaves) == 0 {
		return ""
	}
	var any []string
	for _, leaf := range t.leaves {
		if leaf.Bound == "" {
			return "" // it takes everything
		}
		any = append(any, "("+leaf.Bound+")")
	}
	return strings.Join(any, " OR ")
}

// mentioned are the columns whose names occur in the expression.
func (t *table) mentioned(expr string) []string {
	var names []string
	for _, c := range t.Columns {
		if strings.Contains(expr, c.Name) {
			names = append(names, c.Name)
		}
	}
	return names
}

// failing evaluates the checks for r. It returns the column whose type refuses its
// value, or the numbers of the checks that fail.
func (f *filler) failing(ctx context.Context, q querier, t *table, r row, checks []check) (*column, []int) {
	passed, err := f.evaluate(ctx, q, t, r, checks)
	if err == nil {
		var list []int
		for i, ok := range passed {
			if !ok {
				list = append(list, i)
			}
		}
		return nil, list
	}
	for _, c := range t.Columns {
		if v, ok := r[c.Name]; ok {
			one := fmt.Sprintf("select cast($1::text as %s)::text", c.Type)
			if guard(ctx, q, func() error { return q.QueryRowContext(ctx, one, v).Scan(new(*string)) }) != nil {
				return c, nil
			}
		}
	}
	all := make([]int, len(checks)) // a check raises an error
	for i := range all {
		all[i] = i
	}
	return nil, all
}

// evaluate asks the server which checks r passes, without a row being there.
func (f *filler) evaluate(ctx context.Context, q querier, t *table, r row, checks []check) ([]bool, error) {
	var inputs, outputs []string
	var args []any
	for _, c := range t.Columns {
		v, ok := r[c.Name]
		switch {
		case ok:
			args = append(args, v)
			inputs = append(inputs, fmt.Sprintf("cast($%d::text as %s) as %s", len(args), c.Type, quote(c.Name)))
		case c.Default != "" && !c.counted():
			inputs = append(inputs, fmt.Sprintf("cast((%s) as %s) as %s", c.Default, c.Type, quote(c.Name)))
		default:
			inputs = append(inputs, fmt.Sprintf("null::%s as %s", baseOf(c), quote(c.Name)))
		}
	}
	for _, k := range checks {
		outputs = append(outputs, "coalesce(("+k.Expr+"), true)::int::text")
	}
	outputs = append(outputs, "left(("+quote(t.Name)+".*)::text, 0)") // so that no column is optimized away
	query := fmt.Sprintf("select concat_ws(',', %s) from (select %s offset 0) as %s", strings.Join(outputs, ", "), strings.Join(inputs, ", "), quote(t.Name))
	var answer string
	if err := guard(ctx, q, func() error { return q.QueryRowContext(ctx, query, args...).Scan(&answer) }); err != nil {
		return nil, err
	}
	passed := make([]bool, len(checks))
	for i, s := range strings.Split(answer, ",")[:len(checks)] {
		passed[i] = s == "1"
	}
	return passed, nil
}

// baseOf is the type for a NULL, which a domain may refuse.
func baseOf(c *column) string {
	if len(c.Domain) > 0 || c.Type != c.Base {
		return c.Base
	}
	return c.Type
}

// repair tries combinations of values for the columns of a broken check until fewer
// checks fail.
func (f *filler) repair(ctx context.Context, q querier, t *table, r row, pinned map[string]bool, checks []check, broken *check, failing int) bool {
	var names []string
	var choices [][]*string
	for _, name := range broken.Columns {
		c := t.column(name)
		if c == nil || pinned[name] || c.Generated || c.Identity == "a" {
			continue
		}
		names = append(names, name)
		choices = append(choices, f.choices(t, c, checks))
	}
	before := row{}
	for _, name := range names {
		if v, ok := r[name]; ok {
			before[name] = v
		}
	}
	at := make([]int, len(names))
	for range maxTries {
		for i, name := range names {
			r[name] = choices[i][at[i]]
		}
		bad, left := f.failing(ctx, q, t, r, checks)
		if bad == nil && (len(left) < failing || len(left) == 0 || failing == 0) || bad != nil && failing == 0 && !slices.Contains(names, bad.Name) {
			return true
		}
		if !next(at, choices) {
			break
		}
	}
	for _, name := range names {
		delete(r, name)
		if v, ok := before[name]; ok {
			r[name] = v
		}
	}
	return false
}

// next counts on; the first column changes the fastest.
func next(at []int, choices [][]*string) bool {
	for i := range at {
		if at[i]++; at[i] < len(choices[i]) {
			return true
		}
		at[i] = 0
	}
	return false
}

// tries is how many values are worth trying that differ in nothing but their number.
func tries(bound string) int {
	if strings.Contains(bound, hashed) {
		return 500
	}
	return 1
}

// choices are the values to try for a column: what its checks suggest, what its type
// suggests, and NULL.
func (f *filler) choices(t *table, c *column, checks []check) []*string {
	h := &hints{}
	for _, d := range c.Domain {
		h.read(d)
	}
	for _, k := range checks {
		if slices.Contains(k.Columns, c.Name) {
			h.read(k.Expr)
		}
	}
	var list []*string
	seen := map[string]bool{}
	hinted := h.values(c, f.n)
	if len(hinted) > 0 { // another one first for each row
		hinted = slices.Concat(hinted[f.n%len(hinted):], hinted[:f.n%len(hinted)])
	}
	values := slices.Concat(hinted, c.values(f.n))
	for k := range tries(f.bound(t)) {
		values = append(values, c.values(f.n + 1 + k)[0])
	}
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			list = append(list, &v)
		}
	}
	if !c.NotNull {
		list = append(list, null)
	}
	return list
}
