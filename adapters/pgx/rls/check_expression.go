package rls

import (
	"fmt"
	"slices"
	"strings"
)

// This file judges the parsed predicate of a policy by its shape.

// expression applies the rules on one predicate.
func (c *checker) expression(p *policy, e expr, known map[string]function) {
	in := func(format string, args ...any) string {
		return "has a " + e.clause + " that " + fmt.Sprintf(format, args...)
	}
	column := func(n *node, depth int) bool { return n.bare().column(p.Att, depth) }
	if value, constant := e.tree.truth(); constant {
		if !value && p.Permissive {
			c.policyFinding("policy_always_false", p, fmt.Sprintf("drop policy %s on %s;", p.Quoted, p.Table), "%s", in("is never true"))
		}
		return
	}
	if p.Permissive && p.Applies {
		if e.tree.any(func(n *node, depth int) bool { return depth == 0 && n.is("BOOLEXPR") && n.word("boolop") == "or" }) {
			c.policyFinding("policy_or_branch", p, p.narrow(), "%s", in("has an OR: %s", e.text))
		}
		if p.Att != 0 && !e.tree.any(func(n *node, depth int) bool { return n.column(p.Att, depth) }) {
			c.policyFinding("policy_no_tenant", p, p.alter(func(e expr) (string, bool) { return p.predicate() + " and (" + e.text + ")", true }),
				"%s", in("does not look at %s: %s", p.Column, e.text))
		}
	}
	if p.Att != 0 {
		c.comparisons(p, e, column, in)
	}
	c.callsOf(p, e, known, in)
}

// comparisons judges what the tenant's column is compared with, and how.
func (c *checker) comparisons(p *policy, e expr, column func(*node, int) bool, in func(string, ...any) string) {
	whole := ""
	if e.tree.is("OPEXPR") && len(e.tree.nodes("args")) == 2 {
		whole = p.narrow() // nothing else is in the predicate that could get lost
	}
	cast := e.tree.any(func(n *node, depth int) bool {
		return n.is("COERCEVIAIO", "FUNCEXPR", "ARRAYCOERCEEXPR") && slices.ContainsFunc(slices.Concat(n.nodes("arg"), n.nodes("args")), func(a *node) bool { return column(a, depth) })
	})
	if cast {
		c.policyFinding("policy_casts_column", p, whole, "%s", in("computes something of %s before it compares: %s", p.Column, e.text))
	}
	literal := e.tree.any(func(n *node, depth int) bool {
		args := n.nodes("args")
		if !n.is("OPEXPR", "SCALARARRAYOPEXPR", "DISTINCTEXPR") || len(args) != 2 {
			return false
		}
		for i, a := range args {
			if converted(a, func(n *node) bool { return column(n, depth) }) && converted(args[1-i], (*node).literal) {
				return true
			}
		}
		return false
	})
	if literal {
		c.policyFinding("policy_hardcoded_tenant", p, p.narrow(), "%s", in("names a tenant: %s", e.text))
	}
}

// converted reports whether n, or what n casts, is such.
func converted(n *node, such func(*node) bool) bool {
	for n.is("COERCEVIAIO", "RELABELTYPE", "COERCETODOMAIN") && len(n.nodes("arg")) == 1 && !such(n) {
		n = n.nodes("arg")[0]
	}
	return such(n)
}

// literal reports whether n is a value written in the text.
func (n *node) literal() bool {
	if n.is("ARRAYEXPR") {
		elements := n.nodes("elements")
		return len(elements) > 0 && !slices.ContainsFunc(elements, func(e *node) bool { return !converted(e, (*node).literal) })
	}
	return n.is("CONST") && n.word("constisnull") == "false"
}

// The numbers of SQLVALUEFUNCTION that name a role: CURRENT_ROLE, CURRENT_USER, USER, SESSION_USER.
var roleFunctions = []string{"9", "10", "11", "12"}

// callsOf judges the functions that a predicate calls.
func (c *checker) callsOf(p *policy, e expr, known map[string]function, in func(string, ...any) string) {
	u := usage{known: known}
	u.visit(e.tree, false)
	if e.tree.any(func(n *node, _ int) bool {
		return n.is("SQLVALUEFUNCTION") && slices.Contains(roleFunctions, n.word("op")) || n.is("FUNCEXPR") && slices.Contains([]string{"current_user", "session_user", "getpgusername"}, known[n.word("funcid")].Name)
	}) {
		c.policyFinding("policy_current_user", p, p.narrow(), "%s", in("asks for the role of the session: %s", e.text))
	}
	if len(u.volatile) > 0 {
		c.policyFinding("policy_volatile_function", p, "", "%s", in("calls %s, which is VOLATILE", u.names(u.volatile)))
	}
	if len(u.perRow) > 0 {
		c.policyFinding("auth_rls_initplan", p, p.alter(func(e expr) (string, bool) { return wrap(e, known) }), "%s", in("calls %s for each row: %s", u.names(u.perRow), e.text))
	}
	if len(u.strict) > 0 {
		c.policyFinding("policy_missing_ok", p, p.alter(func(e expr) (string, bool) { return replaceSettings(e, known, "%s, true)", ""), true }),
			"%s", in("fails where the setting %s is missing", strings.Join(u.strict, ", ")))
	}
	if len(u.cast) > 0 {
		c.policyFinding("policy_nullif", p, p.alter(func(e expr) (string, bool) { return replaceSettings(e, known, "", "NULLIF(%s, ''::text)"), true }),
			"%s", in("fails where the setting %s is empty", strings.Join(u.cast, ", ")))
	}
}

// usage collects the calls of a predicate.
type usage struct {
	known                  map[string]function
	volatile, perRow       []string // oids
	strict, cast, settings []string // names of settings: without missing_ok, cast without nullif, all
}

func (u *usage) visit(n *node, once bool) {
	if n == nil {
		return
	}
	if n.is("SUBLINK") && !n.any(func(m *node, depth int) bool { return depth > 0 && m.column(0, depth) }) {
		once = true // a sub-select that does not look at the row is computed once
	}
	if n.is("COERCEVIAIO") && n.word("resulttype") != "25" && len(n.nodes("arg")) == 1 {
		if arg := n.nodes("arg")[0].bare(); arg.is("FUNCEXPR") && u.known[arg.word("funcid")].Name == "current_setting" {
			u.cast = append(u.cast, settingName(arg))
		}
	}
	if n.is("FUNCEXPR") {
		f := u.known[n.word("funcid")]
		if f.Volatility == "v" {
			u.volatile = append(u.volatile, f.OID)
		}
		if !once && f.Volatility != "i" && !n.rowBound() {
			u.perRow = append(u.perRow, f.OID)
		}
		if f.Name == "current_setting" && f.Builtin {
			u.settings = append(u.settings, settingName(n))
			if args := n.nodes("args"); len(args) == 1 {
				u.strict = append(u.strict, settingName(n))
			} else if ok, constant := args[1].truth(); constant && !ok {
				u.strict = append(u.strict, settingName(n))
			}
		}
	}
	for _, f := range n.fields {
		for _, child := range f.nodes {
			u.visit(child, once)
		}
	}
}

// computedName stands for a name that is not in the text.
const computedName = "(computed)"

// settingName is the name that a call of current_setting gives, or a sign that it is computed.
func settingName(call *node) string {
	if args := call.nodes("args"); len(args) > 0 {
		if name, ok := args[0].text(); ok {
			return name
		}
	}
	return computedName
}

func (u *usage) names(oids []string) string {
	var list []string
	for _, oid := range oids {
		list = append(list, u.known[oid].Printed+"()")
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ", ")
}

// printedSetting is how the server prints the beginning of a call of current_setting.
func printedSetting(name string) string {
	return "current_setting('" + strings.ReplaceAll(name, "'", "''") + "'::text"
}

// replaceSettings rewrites the calls of current_setting in a printed predicate: strict is what becomes of
// a call without missing_ok, any of every other.
func replaceSettings(e expr, known map[string]function, strict, other string) string {
	u := usage{known: known}
	u.visit(e.tree, false)
	slices.Sort(u.settings)
	text := e.text
	for _, name := range slices.Compact(u.settings) {
		begin := printedSetting(name)
		if strict != "" {
			text = strings.ReplaceAll(text, begin+", false)", fmt.Sprintf(strict, begin))
			text = strings.ReplaceAll(text, begin+")", fmt.Sprintf(strict, begin))
			continue
		}
		for _, end := range []string{")", ", true)", ", false)"} {
			text = strings.ReplaceAll(text, begin+end, fmt.Sprintf(other, begin+end))
		}
	}
	return text
}

// wrap puts the calls of a printed predicate into sub-selects. It is not ok where a call has arguments that it cannot find the end of.
func wrap(e expr, known map[string]function) (string, bool) {
	u := usage{known: known}
	u.visit(e.tree, false)
	slices.Sort(u.perRow)
	for _, oid := range slices.Compact(u.perRow) {
		f := known[oid]
		switch call := f.Printed + "()"; {
		case f.Name == "current_setting" && f.Builtin:
			e.text = replaceSettings(e, known, "", "( SELECT %s)")
		case strings.Contains(e.text, call):
			e.text = strings.ReplaceAll(e.text, call, "( SELECT "+call+")")
		default:
			return "", false
		}
	}
	return e.text, true
}
