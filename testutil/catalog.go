package stratumtest

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:embed catalog.sql
var catalogSQL string

// catalog is what the server says about the database. Names of fields are those that
// catalog.sql gives them.
type catalog struct {
	Tables    []*table
	Views     []*view
	Functions []*function
	Sequences []*sequence
	Role      role     // through which db works
	Roles     []string // all others
	Version   int

	byOID map[int64]*table
}

// relation is anything with a name in a schema.
type relation struct{ Schema, Name string }

func (r relation) String() string { return r.Schema + "." + r.Name }
func (r relation) sql() string    { return quote(r.Schema) + "." + quote(r.Name) }

type table struct {
	relation
	OID             int64
	Kind            string // r, p (partitioned) or f (foreign)
	Secured, Forced bool
	Pages           int64
	Owner           string
	Owned           bool // by the role, or by one that it is a member of
	Parent          int64
	Partition       bool
	Bound           string // a partition's constraint
	May             privileges
	Columns         []*column
	Keys            []key
	ForeignKeys     []foreignKey
	Checks          []check
	Policies        []policy

	tenant string   // the tenant column; empty: a table of all tenants
	parent *table   // of a partition or an inheriting table
	leaves []*table // partitions that hold rows
}

type privileges struct{ Select, Insert, Update, Delete, Truncate bool }

type column struct {
	Name, Type string
	NotNull    bool
	Default    string
	Generated  bool
	Identity   string   // a: always, d: by default
	Base       string   // the type below a domain
	Domain     []string // checks of the domain
	Category   string
	Composite  bool
	Element    string   // of an array
	Labels     []string // of an enum, or of an array of them
	Fields     int      // of a composite type
	Insertable bool
	Updatable  bool
}

// counted reports whether the column numbers its rows itself.
func (c *column) counted() bool { return c.Identity != "" || strings.Contains(c.Default, "nextval(") }

// key is a unique key or an exclusion constraint.
type key struct {
	Name      string
	Columns   []string // in no order; those of expressions and predicates, too
	Primary   bool
	Exclusion bool
	Plain     bool // columns only
}

type foreignKey struct {
	Name               string
	Target             int64
	Deferrable         bool
	Def                string
	OnDelete, OnUpdate string // a no action, r restrict, c cascade, n set null, d set default
	Columns, Refs      []string

	target *table
}

type check struct {
	Expr    string
	Columns []string
}

type policy struct {
	Name, Command string // r, a, w, d or *
	Permissive    bool
	Applies       bool // to the role
	Using, Check  string
}

type view struct {
	relation
	OID                    int64
	Kind                   string // v or m
	Owner                  string
	Select, Delete, Update bool
	Columns                []string
	Reads                  []string // names of the columns of the tables below it
}

type function struct {
	relation
	Signature string
	Kind      string // f, p, a, w
	Set       bool
	Owner     string
	Definer   bool
	Trigger   bool
	Source    string
	Volatile  string
	Execute   bool
	Args      []string // types of those without default
}

type sequence struct {
	relation
	Select, Update, Usage bool
}

type role struct {
	Super, Bypass, CreateRole bool
	Member                    []string // roles that own tables or bypass row-level security
	Files                     []string // predefined roles that pass by privileges
}

// readCatalog reads everything in one query.
func readCatalog(ctx context.Context, owner *sql.DB, login, tenantColumn string) (*catalog, error) {
	var text string
	if err := owner.QueryRowContext(ctx, catalogSQL, login).Scan(&text); err != nil {
		return nil, fmt.Errorf("stratumtest: reading the catalog: %w", err)
	}
	c := &catalog{byOID: map[int64]*table{}}
	if err := json.Unmarshal([]byte(text), c); err != nil {
		return nil, fmt.Errorf("stratumtest: reading the catalog: %w", err)
	}
	for _, t := range c.Tables {
		c.byOID[t.OID] = t
		if t.column(tenantColumn) != nil {
			t.tenant = tenantColumn
		}
	}
	for _, t := range c.Tables {
		t.parent = c.byOID[t.Parent]
		for i := range t.ForeignKeys {
			t.ForeignKeys[i].target = c.byOID[t.ForeignKeys[i].Target]
		}
	}
	for _, t := range c.Tables {
		if !t.Partition || t.Kind == "p" {
			continue
		}
		for up := t.parent; up != nil; up = up.parent {
			up.leaves = append(up.leaves, t)
		}
	}
	return c, nil
}

func (t *table) column(name string) *column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// tenantType is the type of the tenant column, for casts.
func (t *table) tenantType() string { return t.column(t.tenant).Type }

// inKey reports whether a key or a foreign key uses the column.
func (t *table) inKey(name string) bool {
	for _, k := range t.Keys {
		if slices.Contains(k.Columns, name) {
			return true
		}
	}
	for _, f := range t.ForeignKeys {
		if slices.Contains(f.Columns, name) {
			return true
		}
	}
	return false
}

// harmless is a column that any update may write: no key or check has a say in it. It
// is the tenant column if there is no other.
func (t *table) harmless() *column {
	for _, c := range t.Columns {
		checked := slices.ContainsFunc(t.Checks, func(k check) bool { return slices.Contains(k.Columns, c.Name) })
		if c.Name != t.tenant && !c.Generated && c.Identity != "a" && c.Updatable && !checked && !t.inKey(c.Name) {
			return c
		}
	}
	return t.column(t.tenant)
}

// required reports whether a row cannot do without the reference.
func (f foreignKey) required(t *table) bool {
	for _, name := range f.Columns {
		if !t.column(name).NotNull {
			return false
		}
	}
	return true
}

var settingPattern = regexp.MustCompile(`current_setting\('([^']+)'`)

// settings are the names of the settings that policies and functions read.
func (c *catalog) settings() []string {
	var names []string
	add := func(text string) {
		for _, m := range settingPattern.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], ".") && !slices.Contains(names, m[1]) {
				names = append(names, m[1])
			}
		}
	}
	for _, t := range c.Tables {
		for _, p := range t.Policies {
			add(p.Using + p.Check)
		}
	}
	for _, f := range c.Functions {
		add(f.Source)
	}
	return names
}
