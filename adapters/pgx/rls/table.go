package rls

import (
	"strings"
	"unicode/utf8"

	"github.com/stratum-hq/stratum-go/core"
)

// The defaults of [Table] and [Roles]. The roles are those that embedpg makes.
const (
	DefaultColumn  = "tenant_id"
	DefaultApp     = "stratum_app"
	DefaultSystem  = "stratum_system"
	DefaultSubtree = "stratum_subtree"
)

// Table is a table to protect, with its partitions if it has any.
type Table struct {
	// Name is written and found as in SQL: invoices, billing.invoices, or with
	// quotes where they are needed, billing."Invoices 2.0".
	Name string

	// Column holds the tenant: the plain name, without quotes, in the case it has. It
	// is added, as uuid, where it is missing. The default is tenant_id.
	Column string

	// Tenant gets all existing rows that have no tenant.
	Tenant core.ID

	// Backfill says which tenant each existing row without one belongs to. It is the text
	// that follows SET tenant_id = in an UPDATE of the table, either an expression
	//
	//	(select c.tenant_id from customer c where c.id = invoice.customer_id)
	//
	// or a join
	//
	//	c.tenant_id from customer c where c.id = invoice.customer_id
	//
	// A row that would get more than one tenant, or none, is an error. Tables are filled in
	// the order in which they are given. Tenant and Backfill exclude each other.
	Backfill string

	// CompositeKey adds UNIQUE (tenant_id, primary key), so that other tables
	// can refer to a row together with its tenant.
	CompositeKey bool

	// ForeignKeys makes each foreign key from this table to a protected one (of this
	// call, or protected before) composite: (tenant_id, columns). Foreign keys pass by
	// row-level security: without this, B can refer to A's row, and a cascade that A
	// starts deletes it. Name, actions, deferrability and comment of the key stay;
	// ON DELETE SET NULL sets the columns without the tenant. The target gets the unique key
	// that this needs. A key that was NOT VALID is valid afterwards.
	ForeignKeys bool

	// Replace drops other permissive policies of the table instead of refusing it.
	Replace bool

	// Roles are the roles that the policies are for.
	Roles Roles
}

// Roles names the roles of the application, without quotes. Each is optional.
type Roles struct {
	App     string // sees one tenant; the default is stratum_app
	System  string // works across tenants; the default is stratum_system
	Subtree string // will read a tenant and everything below it; the default is stratum_subtree
}

// withDefaults fills in what was left out.
func (t Table) withDefaults() Table {
	for _, d := range []struct {
		field *string
		value string
	}{
		{&t.Column, DefaultColumn},
		{&t.Roles.App, DefaultApp},
		{&t.Roles.System, DefaultSystem},
		{&t.Roles.Subtree, DefaultSubtree},
	} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	return t
}

// maxIdentifier is where PostgreSQL cuts names, silently.
const maxIdentifier = 63

// validate refuses what needs no server to be seen as wrong. Defaults are in place.
func (t Table) validate() error {
	refuse := func(field, format string, args ...any) error {
		return core.Errorf(core.Validation, format, args...).With("table", t.Name).With("field", field)
	}
	if strings.TrimSpace(t.Name) == "" {
		return refuse("Name", "a table has no name")
	}
	for _, text := range []struct{ field, value string }{{"Name", t.Name}, {"Backfill", t.Backfill}} {
		if !utf8.ValidString(text.value) || strings.Contains(text.value, "\x00") {
			return refuse(text.field, "%s of table %q is no text", text.field, t.Name)
		}
	}
	for _, name := range []struct{ field, value string }{
		{"Column", t.Column}, {"Roles.App", t.Roles.App}, {"Roles.System", t.Roles.System}, {"Roles.Subtree", t.Roles.Subtree},
	} {
		if len(name.value) > maxIdentifier || !utf8.ValidString(name.value) || strings.Contains(name.value, "\x00") {
			return refuse(name.field, "%s of table %s is %q: a name has 1 to %d bytes", name.field, t.Name, name.value, maxIdentifier)
		}
	}
	if t.Roles.App == t.Roles.System || t.Roles.App == t.Roles.Subtree || t.Roles.System == t.Roles.Subtree {
		return refuse("Roles", "the roles of table %s must differ: a role matched by two policies sees the rows of both", t.Name)
	}
	if t.Backfill != "" && !t.Tenant.IsZero() {
		return refuse("Backfill", "table %s sets both Tenant and Backfill: either all rows go to one tenant, or each to its own", t.Name)
	}
	return nil
}
