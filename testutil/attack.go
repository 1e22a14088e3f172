package stratumtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

// AssertIsolation attacks the database behind db and reports as an error of the test each
// finding that fails and each gap. Everything else that it found is logged. db takes its
// scope from the context, as that of stratumpgx does; it may be any.
func AssertIsolation(t testing.TB, db *sql.DB, cfg Config) {
	t.Helper()
	report, err := Attack(t.Context(), db, cfg)
	if report != nil {
		for _, g := range report.Gaps {
			t.Error(g)
		}
		for _, f := range report.Failures() {
			t.Error(f)
		}
		t.Log(report)
	}
	if err != nil {
		t.Error(err)
	}
}

// The tenants of an attack. Each vector runs as the attacker, against the victim.
const (
	attacker = 0
	victim   = 1
)

// attackTimeout bounds each attempt: what waits for a lock waits no longer.
const attackTimeout = 5 * time.Second

// leaveTimeout bounds the cleaning up, which goes on after the context has ended.
const leaveTimeout = time.Minute

// Attack fills the database, attacks it through db and leaves it as it was. The error
// says that the attack itself failed, or that the database is not as found; the report
// then has what was found until then. See the package documentation.
func Attack(ctx context.Context, db *sql.DB, cfg Config) (report *Report, err error) {
	fresh := cfg.Tenants == nil
	cfg, err = cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &attack{db: db, cfg: cfg, report: &Report{Held: map[string]int{}, sealed: cfg.Sealed}}
	var login string
	if err := db.QueryRowContext(a.as(ctx, attacker), "select current_user::text").Scan(&login); err != nil {
		return nil, fmt.Errorf("stratumtest: the database as tenant %s: %w", cfg.Tenants[attacker].ID, err)
	}
	a.login = login
	if a.cat, err = readCatalog(ctx, cfg.Owner, login, cfg.Column); err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(a.cat.Tables, func(t *table) bool { return t.tenant != "" }) {
		return nil, core.Errorf(core.Validation, "no table has a column %q: there is nothing to isolate, or Config.Column names the wrong one", cfg.Column).With("field", "Column")
	}
	if a.steward, err = newSteward(ctx, cfg, a.cat, fresh); err != nil {
		return nil, err
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
		defer cancel()
		err = errors.Join(err, a.steward.leave(clean))
	}()
	a.filler = newFiller(cfg, a.cat)
	if err := a.steward.fill(ctx, a.filler); err != nil {
		return a.report, err
	}
	a.report.Gaps = a.filler.gaps
	a.markers = a.secrets()
	err = a.run(ctx)
	a.report.sort()
	return a.report, err
}

// attack is one run of all vectors.
type attack struct {
	db      *sql.DB
	cfg     Config
	login   string
	cat     *catalog
	steward *steward
	filler  *filler
	report  *Report
	markers []string // values that only the victim has
}

// as is the context of one of the tenants.
func (a *attack) as(ctx context.Context, who int) context.Context {
	return core.NewContext(ctx, a.cfg.Tenants[who])
}

// id is the id of one of the tenants as text.
func (a *attack) id(who int) string { return a.cfg.Tenants[who].ID.String() }

// rows are the rows that were filled in.
func (a *attack) rows(t *table, who int) []row { return a.filler.rows[t][who] }

// A vector is one way to attack: each table, or the database as a whole.
type vector struct {
	name     string
	class    Class
	severity Severity
	table    func(p *probe)
	database func(p *probe)
}

// vectors are all of them. That which narrows the pool comes last.
func vectors() []vector {
	return slices.Concat(readVectors(), writeVectors(), keyVectors(), objectVectors(), scopeVectors(), sessionVectors(), injectionVectors(),
		[]vector{{name: "concurrent", class: Leak, severity: Critical, database: concurrent}})
}

// run runs every vector.
func (a *attack) run(ctx context.Context) error {
	targets := a.targets(ctx)
	for _, v := range vectors() {
		if v.database != nil {
			a.probe(ctx, v, nil, v.database)
			continue
		}
		for _, t := range targets {
			if err := ctx.Err(); err != nil {
				return err
			}
			a.probe(ctx, v, t, v.table)
		}
	}
	return ctx.Err()
}

// targets are the tenant tables that can be attacked: those with rows of both tenants.
func (a *attack) targets(ctx context.Context) []*table {
	var list []*table
	for _, t := range a.cat.Tables {
		switch {
		case t.tenant == "" || a.cfg.excludes(t.Schema, t.Name):
		case t.Kind == "f":
			a.report.NotAttacked = append(a.report.NotAttacked, Skipped{t.String(), "*", "a foreign table: isolation is up to the other server"})
		case len(a.rows(t, attacker)) == 0 || len(a.rows(t, victim)) == 0:
			a.empty(t)
		default:
			a.report.Tables = append(a.report.Tables, t.String())
			list = append(list, t)
			a.assertSeen(ctx, t)
		}
	}
	return list
}

// empty makes sure that a table without rows is a gap.
func (a *attack) empty(t *table) {
	if !slices.ContainsFunc(a.report.Gaps, func(g Gap) bool { return g.Table == t.String() }) {
		a.report.Gaps = append(a.report.Gaps, Gap{Table: t.String(), Reason: "it has no rows of both tenants", Help: "see the gaps of its partitions"})
	}
}

// assertSeen makes a gap of a table in which a tenant does not see its own rows.
func (a *attack) assertSeen(ctx context.Context, t *table) {
	if !t.May.Select || t.parent != nil && t.parent.May.Select {
		return // partitions often may not be read by themselves
	}
	for who := range a.cfg.Tenants {
		var n int
		err := a.db.QueryRowContext(a.as(ctx, who), "select count(*) from "+t.sql()+" where "+quote(t.tenant)+"::text = $1", a.id(who)).Scan(&n)
		if err == nil && n > 0 {
			continue
		}
		reason := "a tenant does not see its own rows, so an attack that finds nothing proves nothing"
		if err != nil {
			reason += ": " + full(err)
		}
		a.report.Gaps = append(a.report.Gaps, Gap{Table: t.String(), Column: t.tenant, Reason: reason,
			Help: "is db scoped by the context, by the setting that the policies read? Is the column of the tables granted?"})
		return
	}
}

// secrets are the values that only rows of the victim have, long enough to be no coincidence.
func (a *attack) secrets() []string {
	count := map[string]int{}
	for t, both := range a.filler.rows {
		if t.tenant == "" {
			continue
		}
		for who, rows := range both {
			for _, r := range rows {
				for _, v := range r {
					if v != nil && len(*v) >= 8 {
						count[*v] |= 1 << who
					}
				}
			}
		}
	}
	list := []string{a.id(victim)}
	for v, who := range count {
		if who == 1<<victim && v != list[0] {
			list = append(list, v)
		}
	}
	slices.Sort(list)
	return list
}
