package stratumtest

import (
	"fmt"
	"slices"
	"strings"
)

// remedy is the SQL that stops a command (r, a, w or d) from reaching rows of others,
// after the reason that the catalog shows.
func (a *attack) remedy(t *table, command string) string {
	switch r := a.cat.Role; {
	case r.Super || r.Bypass:
		return fmt.Sprintf("ALTER ROLE %s NOSUPERUSER NOBYPASSRLS;", quote(a.login))
	case !t.Secured:
		fix := ""
		if t.parent != nil {
			fix = fmt.Sprintf("REVOKE ALL ON %s FROM %s; -- or, if it is used directly:\n", t.sql(), quote(a.login))
		}
		return fix + a.enable(t)
	case t.Owned && !t.Forced:
		return fmt.Sprintf("ALTER TABLE %s FORCE ROW LEVEL SECURITY; -- better, let another role own it:\nALTER TABLE %s OWNER TO stratum_owner;", t.sql(), t.sql())
	}
	var lax []string
	bound := false
	for _, p := range t.Policies {
		switch {
		case !p.Permissive || !p.Applies || p.Command != "*" && p.Command != command:
		case a.binds(p, command):
			bound = true
		default:
			lax = append(lax, fmt.Sprintf("DROP POLICY IF EXISTS %s ON %s;", quote(p.Name), t.sql()))
		}
	}
	if len(lax) > 0 && !bound {
		lax = append(lax, a.policyFor(t, command))
	}
	if len(lax) > 0 {
		return strings.Join(lax, "\n")
	}
	return "-- The policies of " + t.String() + " look right; is the scope that db sets theirs?"
}

// binds reports whether the policy compares the tenant, plainly.
func (a *attack) binds(p policy, command string) bool {
	expr := p.Using
	if command == "a" || command == "w" && p.Check != "" {
		expr = p.Check
		if expr == "" {
			expr = p.Using
		}
	}
	return strings.Contains(expr, a.cfg.Column) && !strings.Contains(expr, " OR ") && !strings.Contains(strings.ToLower(expr), "coalesce")
}

// enable is what a table without row-level security needs.
func (a *attack) enable(t *table) string {
	lines := []string{fmt.Sprintf("ALTER TABLE %s ENABLE ROW LEVEL SECURITY;\nALTER TABLE %s FORCE ROW LEVEL SECURITY;", t.sql(), t.sql())}
	for _, c := range []string{"r", "a", "w", "d"} {
		if !slices.ContainsFunc(t.Policies, func(p policy) bool { return p.Command == c || p.Command == "*" }) {
			lines = append(lines, a.policyFor(t, c))
		}
	}
	return strings.Join(lines, "\n")
}

// policyFor is the policy for one command, as rls.Protect makes it.
func (a *attack) policyFor(t *table, command string) string {
	name := map[string]string{"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}[command]
	how := "USING"
	if command == "a" {
		how = "WITH CHECK"
	}
	return fmt.Sprintf("CREATE POLICY %s ON %s FOR %s TO %s %s (%s);", quote("tenant_"+strings.ToLower(name)), t.sql(), name, quote(a.login), how, a.predicate(t))
}

// predicate compares the tenant column with the setting.
func (a *attack) predicate(t *table) string {
	setting := "app.current_tenant_id"
	if found := a.cat.settings(); len(found) > 0 {
		setting = found[0]
	}
	return fmt.Sprintf("%s = (SELECT nullif(pg_catalog.current_setting(%s, true), '')::%s)", quote(t.tenant), literal(setting), t.tenantType())
}

// composite is the SQL that makes a foreign key carry the tenant.
func (a *attack) composite(t *table, f foreignKey) string {
	var columns, refs []string
	for i, c := range f.Columns {
		if c != t.tenant {
			columns, refs = append(columns, c), append(refs, f.Refs[i])
		}
	}
	actions := ""
	if i := strings.Index(f.Def, " ON "); i >= 0 {
		actions = f.Def[i:]
	}
	if f.OnDelete == "n" { // the tenant is never set to NULL
		actions = strings.Replace(actions, "ON DELETE SET NULL", "ON DELETE SET NULL ("+quoteAll(columns)+")", 1)
	}
	all, target := append([]string{t.tenant}, columns...), append([]string{f.target.tenant}, refs...)
	return fmt.Sprintf("ALTER TABLE %s ADD UNIQUE (%s);\nALTER TABLE %s DROP CONSTRAINT %s, ADD CONSTRAINT %s FOREIGN KEY (%s) REFERENCES %s (%s)%s;",
		f.target.sql(), quoteAll(target), t.sql(), quote(f.Name), quote(f.Name), quoteAll(all), f.target.sql(), quoteAll(target), actions)
}
