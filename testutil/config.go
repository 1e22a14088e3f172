package stratumtest

import (
	"context"
	"database/sql"
	"io"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// DefaultColumn is the tenant column where [Config.Column] names none.
const DefaultColumn = "tenant_id"

// Config says what is attacked. Owner is required.
type Config struct {
	// Owner is the database as the owner of its tables, or as a superuser: it reads the
	// catalog, fills the tables and cleans up.
	Owner *sql.DB

	// Column is the name of the tenant column. A table that has it is a tenant table. It
	// is a uuid or a text. Empty: [DefaultColumn].
	Column string

	// Tenants are two tenants, the attacker first. Nil: two fresh ones, which the
	// resolver of the application does not know.
	Tenants []*core.Tenant

	// Exclude names tables, views and functions that are not attacked, each as "name" or
	// "schema.name". Tables are still filled if others refer to them.
	Exclude []string

	// Sealed makes findings of class [Injection] fail: the scope is expected to withstand
	// an attacker who writes the SQL.
	Sealed bool

	// Fill gives values where none can be guessed, by "table.column" or
	// "schema.table.column". The function gets another n for each row, and returns the value as the
	// text that PostgreSQL reads, or nil for NULL.
	//
	//	Fill: map[string]func(n int) any{"invoice.number": func(n int) any { return fmt.Sprintf("INV-%06d", n) }}
	Fill map[string]func(n int) any
}

// CopierFrom is what a driver connection has to offer for COPY FROM STDIN to be
// attacked. It returns the number of rows.
type CopierFrom interface {
	CopyFromText(ctx context.Context, sql string, r io.Reader) (int64, error)
}

// CopierTo is what a driver connection has to offer for COPY TO STDOUT to be
// attacked. It returns the number of rows.
type CopierTo interface {
	CopyToText(ctx context.Context, sql string, w io.Writer) (int64, error)
}

// Listener is what a driver connection has to offer for notifications to be
// attacked. It returns the next one that the session gets.
type Listener interface {
	WaitNotification(ctx context.Context) (channel, payload string, err error)
}

func (c Config) withDefaults() (Config, error) {
	if c.Owner == nil {
		return c, core.Errorf(core.Validation, "Config.Owner is nil: without the owner of the tables nothing can be filled").With("field", "Owner")
	}
	if c.Column == "" {
		c.Column = DefaultColumn
	}
	if c.Tenants == nil {
		c.Tenants = makeTenants(2)
		return c, nil
	}
	if len(c.Tenants) != 2 {
		return c, core.Errorf(core.Validation, "Config.Tenants has %d tenants instead of two", len(c.Tenants)).With("field", "Tenants")
	}
	a, b := c.Tenants[0], c.Tenants[1]
	if a == nil || b == nil || a.ID.IsZero() || b.ID.IsZero() || a.ID == b.ID {
		return c, core.Errorf(core.Validation, "Config.Tenants needs two tenants with different ids").With("field", "Tenants")
	}
	return c, nil
}

// excludes reports whether the configuration excludes schema.name.
func (c Config) excludes(schema, name string) bool {
	for _, x := range c.Exclude {
		if x == name || x == schema+"."+name {
			return true
		}
	}
	return false
}

// hook returns the user's generator for a column, or nil.
func (c Config) hook(t *table, column string) func(int) any {
	if f := c.Fill[t.Schema+"."+t.Name+"."+column]; f != nil {
		return f
	}
	return c.Fill[t.Name+"."+column]
}

// quote makes an identifier of a name.
func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// quoteAll makes a list of identifiers.
func quoteAll(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = quote(n)
	}
	return strings.Join(list, ", ")
}

// literal makes a string constant, for SQL that is shown to people.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
