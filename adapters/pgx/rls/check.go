package rls

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// The roles of [CheckConfig] that [Roles] does not name.
const (
	DefaultOwner = "stratum_owner"
	DefaultLib   = "stratum_lib"
)

// CheckConfig says what [Check] looks at. The zero value is for a database as [Protect] and
// embedpg make it.
type CheckConfig struct {
	// Schemas are the schemas whose tables are checked, without quotes. The default is all but the system's.
	Schemas []string

	// Exclude are tables that hold no tenant's rows although they look it, written as in SQL.
	Exclude []string

	// Column holds the tenant; the default is tenant_id. A table that Protect put under
	// another column is checked by that one.
	Column string

	// Roles are the roles of the application.
	Roles Roles

	// Owner owns the protected tables, the default is stratum_owner; Lib owns the library's
	// schema, the default is stratum_lib. Without quotes.
	Owner, Lib string

	// Connections is how many connections all processes of the application together may open:
	// what DB.MaxConns of package stratumpgx says, times the processes. 0: they are not counted.
	Connections int

	// SkipRows leaves out what reads the rows of tables, which takes as long as they are large:
	// the search for rows whose foreign key leads nowhere. Everything else reads the catalog.
	SkipRows bool

	// Baseline holds the findings that are known; they do not appear among the Findings again.
	Baseline *Baseline
}

// Severity says how bad a finding is.
type Severity string

// The severities. An error shows or gives a tenant's rows to another, or may; a warning is a trap, a
// side channel or slow; an info is worth knowing.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// rank orders severities, the worst first.
func (s Severity) rank() int {
	return slices.Index([]Severity{Error, Warning, Info}, s)
}

// Finding is something that is wrong with one object.
type Finding struct {
	Rule     string   `json:"rule"`     // id of the [Rule]
	Severity Severity `json:"severity"` // that of the rule
	Kind     string   `json:"kind"`     // table, policy, role, function, view, index, …
	Object   string   `json:"object"`   // its name, quoted as SQL needs it: public.invoice, or policy p on public.invoice
	Message  string   `json:"message"`  // what was found
	Why      string   `json:"why"`      // what it leads to

	// Fix is SQL that mends it, one or more statements, to be read before it is run: by the owner of
	// the object, or by a superuser where a role is concerned. Where it is empty NoFix says why.
	Fix   string `json:"fix,omitempty"`
	NoFix string `json:"noFix,omitempty"`
}

// Unchecked is something that Check could not look into. It is neither good nor bad.
type Unchecked struct {
	Rule   string `json:"rule"`   // the rule that was not applied; empty if it is about several
	Object string `json:"object"` // what it was not applied to
	Reason string `json:"reason"` // with what it takes to have it checked
}

// Report is what [Check] found, in an order that depends on nothing but the findings.
type Report struct {
	Server     string          `json:"server"`     // version of the server
	Role       string          `json:"role"`       // role that Check ran as
	Tables     int             `json:"tables"`     // number of tables that hold tenants' rows
	Findings   []Finding       `json:"findings"`   // the worst first, then by rule and object
	Unchecked  []Unchecked     `json:"unchecked"`  // what could not be seen
	Suppressed []Finding       `json:"suppressed"` // findings that the baseline knows
	Stale      []BaselineEntry `json:"stale"`      // entries of the baseline that match nothing any more
}

// Count is the number of findings of a severity, without suppressed ones.
func (r *Report) Count(s Severity) int {
	n := 0
	for _, f := range r.Findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// Check examines a database: whether row-level security binds the application everywhere, what passes by it, and
// what it makes slow. [Rules] lists what is looked for.
//
// It reads the catalog in one READ ONLY transaction, so conn must not be in another. Any
// role can run it. Some rules need to see all rows; where the role cannot, the
// report says so in Unchecked, and what it takes.
//
// To decide what a policy lets pass, its predicate is computed over a made-up row, with the settings
// that it reads missing, empty and of another tenant. Functions that are not the server's own are never run.
func Check(ctx context.Context, conn *pgx.Conn, cfg CheckConfig) (*Report, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if conn.PgConn().TxStatus() != 'I' {
		return nil, core.Errorf(core.Validation, "the connection is in a transaction; Check needs one of its own").With("field", "conn")
	}
	c := &checker{cfg: cfg, report: &Report{Findings: []Finding{}, Unchecked: []Unchecked{}, Suppressed: []Finding{}, Stale: []BaselineEntry{}}}
	err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return c.run(ctx, tx)
	})
	if err != nil {
		return nil, translate("checking", err)
	}
	c.finish()
	return c.report, nil
}

func (cfg CheckConfig) withDefaults() CheckConfig {
	t := Table{Column: cfg.Column, Roles: cfg.Roles}.withDefaults()
	cfg.Column, cfg.Roles = t.Column, t.Roles
	cfg.Owner = cmp.Or(cfg.Owner, DefaultOwner)
	cfg.Lib = cmp.Or(cfg.Lib, DefaultLib)
	return cfg
}

func (cfg CheckConfig) validate() error {
	if err := (Table{Name: "checked", Column: cfg.Column, Roles: cfg.Roles}).validate(); err != nil {
		return err
	}
	if cfg.Connections < 0 || cfg.Connections > math.MaxInt32 {
		return core.Errorf(core.Validation, "Connections is %d, and must be 0 to %d", cfg.Connections, math.MaxInt32).With("field", "Connections")
	}
	for _, forbidden := range []string{cfg.Owner, cfg.Lib, cfg.Roles.System, cfg.Roles.Subtree} {
		if forbidden == cfg.Roles.App {
			return core.Errorf(core.Validation, "Roles.App is %s, which is the role of somebody else as well", forbidden).With("field", "Roles.App")
		}
	}
	return nil
}

// checker is one run.
type checker struct {
	cfg     CheckConfig
	report  *Report
	exclude []string // oids of the excluded tables
}

// run applies all rules.
func (c *checker) run(ctx context.Context, tx pgx.Tx) error {
	oids, err := lookup(ctx, tx, c.cfg.Exclude) // under the caller's search_path
	if err != nil {
		return err
	}
	c.exclude = make([]string, len(oids))
	for i, oid := range oids {
		c.exclude[i] = fmt.Sprint(oid)
	}
	// Under pg_catalog alone the server prints every other name with its schema.
	if _, err := tx.Exec(ctx, "set local search_path = pg_catalog; set local jit = off"); err != nil {
		return err
	}
	for _, step := range []func(context.Context, pgx.Tx) error{c.catalog, c.policies, c.indexes, c.orphans, c.behind, c.server} {
		if err := step(ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// catalog applies the rules that are SQL, all of a subject in one query.
func (c *checker) catalog(ctx context.Context, tx pgx.Tx) error {
	groups, err := catalogRules()
	if err != nil {
		return err
	}
	for _, parts := range groups {
		rows, err := c.query(ctx, tx, strings.Join(parts, "\nunion all\n"))
		if err != nil {
			return err
		}
		var rule, kind, object, message string
		var fix, noFix *string
		_, err = pgx.ForEachRow(rows, []any{&rule, &kind, &object, &message, &fix, &noFix}, func() error {
			c.add(rule, kind, object, message, deref(fix), deref(noFix))
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// query runs the named parts of SQL, or plain SQL, over the rows that all rules share.
func (c *checker) query(ctx context.Context, tx pgx.Tx, body string) (pgx.Rows, error) {
	scope, err := execute("check_scope", map[string]string{"Setting": setting})
	if err != nil {
		return nil, err
	}
	r := c.cfg.Roles
	return tx.Query(ctx, scope+body, pgx.QueryExecModeDescribeExec,
		c.cfg.Column, r.App, r.System, r.Subtree, c.cfg.Owner, c.cfg.Lib, c.cfg.Schemas, c.exclude, c.cfg.Connections)
}

// add reports a finding.
func (c *checker) add(rule, kind, object, message, fix, noFix string) {
	r := ruleByID(rule)
	f := Finding{Rule: rule, Severity: r.Severity, Kind: kind, Object: object, Message: message, Why: r.Why, Fix: fix}
	if fix == "" {
		f.NoFix = cmp.Or(noFix, r.noFix)
	}
	c.report.Findings = append(c.report.Findings, f)
}

// skip reports something that could not be checked.
func (c *checker) skip(rule, object, reason string) {
	c.report.Unchecked = append(c.report.Unchecked, Unchecked{Rule: rule, Object: object, Reason: reason})
}

// finish puts everything in order and takes the baseline's findings out.
func (c *checker) finish() {
	r := c.report
	slices.SortFunc(r.Findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Severity.rank(), b.Severity.rank()), cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Object, b.Object), cmp.Compare(a.Message, b.Message))
	})
	r.Findings = slices.Compact(r.Findings)
	slices.SortFunc(r.Unchecked, func(a, b Unchecked) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Object, b.Object), cmp.Compare(a.Reason, b.Reason))
	})
	r.Unchecked = slices.Compact(r.Unchecked)
	c.cfg.Baseline.apply(r)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
