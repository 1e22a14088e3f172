package rls_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// books is what each pair starts from: one protected table.
const books = `create table invoice (id uuid primary key default gen_random_uuid(), no bigint, note text);`

// ledger is a database whose tables are protected for the role app.
type ledger struct {
	db    *pgtest.Database
	app   string
	super *pgx.Conn
}

// newLedger makes a ledger with the tables of setup. Those with the same tables are copies of one.
func newLedger(t testing.TB, setup string, tables ...rls.Table) *ledger {
	t.Helper()
	key := fmt.Sprint(setup, tables)
	l := &ledger{app: embedpg.App, db: pgtest.NewWith(t, key, func(ctx context.Context, super *pgx.Conn) error {
		if _, err := super.Exec(ctx, "set role stratum_owner; "+books+setup); err != nil {
			return err
		}
		return rls.Protect(ctx, super, append([]rls.Table{{Name: "invoice", CompositeKey: true}}, tables...)...)
	})}
	l.super = l.db.Conn(t, embedpg.Superuser)
	return l
}

// newLedgerWithRole makes one whose application has a role of its own, so that the test can change what it is.
func newLedgerWithRole(t testing.TB, setup string) *ledger {
	t.Helper()
	l := &ledger{app: "check_" + strings.ToLower(rand.Text()[:8])}
	t.Cleanup(func() { l.dropRoles(t) }) // after the database
	l.db = pgtest.New(t)
	l.super = l.db.Conn(t, embedpg.Superuser)
	exec(t, l.super, "create role "+l.app+" login noinherit; grant usage on schema public to "+l.app+"; set role stratum_owner; "+books+setup)
	protect(t, l.super, rls.Table{Name: "invoice", CompositeKey: true, Roles: rls.Roles{App: l.app}})
	exec(t, l.super, "reset role")
	return l
}

// text puts the role's name into SQL.
func (l *ledger) text(sql string) string { return strings.ReplaceAll(sql, "$app", l.app) }

func (l *ledger) dropRoles(t testing.TB) {
	if l.db == nil {
		return
	}
	ctx := context.Background() // that of the test has ended
	conn, err := pgx.Connect(ctx, l.db.Server().URL(embedpg.Superuser, "postgres"))
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, `do $$
		declare _role name;
		begin
			for _role in select rolname from pg_roles where starts_with(rolname::text, '`+l.app+`') loop
				execute format('drop owned by %1$I; drop role %1$I', _role);
			end loop;
		end $$`)
	if err != nil {
		t.Error(err)
	}
}

func (l *ledger) config() rls.CheckConfig { return rls.CheckConfig{Roles: rls.Roles{App: l.app}} }

func check(t testing.TB, conn *pgx.Conn, cfg rls.CheckConfig) *rls.Report {
	t.Helper()
	r, err := rls.Check(t.Context(), conn, cfg)
	if err != nil {
		t.Fatal(err, cause(err))
	}
	return r
}

// of are the findings of a rule, those about an object if it is not empty.
func of(r *rls.Report, rule, object string) []rls.Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f rls.Finding) bool {
		return f.Rule != rule || !strings.Contains(f.Object, object)
	})
}

// Each flaw is reported by its rule, and its Fix takes it away.
func TestRulesFindFlaws(t *testing.T) {
	if testing.Short() {
		t.Skip("a database for each flaw")
	}
	for _, p := range allPairs() {
		t.Run(p.rule, func(t *testing.T) {
			t.Parallel()
			l := p.ledger(t)
			p.apply(t, l, p.flaw)
			report := check(t, l.super, p.config(l))
			found := of(report, p.rule, l.text(p.object))
			if len(found) == 0 {
				t.Fatalf("not reported; only %v", ids(report))
			}
			for _, f := range found {
				t.Logf("%s\n%s", f.Message, f.Fix)
				if (f.Fix == "") != p.noFix || (f.NoFix == "") == p.noFix {
					t.Errorf("fix %q, and none because %q", f.Fix, f.NoFix)
				}
				exec(t, l.super, f.Fix)
			}
			if p.noFix {
				return
			}
			for _, f := range of(check(t, l.super, p.config(l)), p.rule, l.text(p.object)) {
				t.Errorf("still reported after its fix: %s\n%s", f.Message, found[0].Fix)
			}
		})
	}
}

// A schema without the flaw is not reported. Several rules have the same sound schema.
func TestRulesLeaveSoundSchemasAlone(t *testing.T) {
	if testing.Short() {
		t.Skip("a database for each schema")
	}
	rules := map[string][]pair{}
	for _, p := range allPairs() {
		key := fmt.Sprint(p.setup, p.tables, p.sound, p.super, p.roles, p.connections)
		rules[key] = append(rules[key], p)
	}
	for _, same := range rules {
		t.Run(same[0].rule, func(t *testing.T) {
			t.Parallel()
			l := same[0].ledger(t)
			same[0].apply(t, l, same[0].sound)
			report := check(t, l.super, same[0].config(l))
			for _, p := range same {
				for _, f := range of(report, p.rule, l.text(p.object)) {
					t.Errorf("reported: %s: %s", p.rule, f.Message)
				}
			}
		})
	}
}

func allPairs() []pair { return slices.Concat(pairs, policyPairs) }

func (p pair) ledger(t testing.TB) *ledger {
	t.Helper()
	if p.roles {
		return newLedgerWithRole(t, p.setup)
	}
	return newLedger(t, p.setup, p.tables...)
}

func (p pair) config(l *ledger) rls.CheckConfig {
	cfg := l.config()
	cfg.Connections = p.connections
	return cfg
}

func (p pair) apply(t testing.TB, l *ledger, sql string) {
	t.Helper()
	if !p.super {
		sql = "set role stratum_owner; " + sql + "; reset role"
	}
	exec(t, l.super, l.text(sql))
}

func ids(r *rls.Report) []string {
	var list []string
	for _, f := range r.Findings {
		list = append(list, f.Rule+" "+f.Object)
	}
	return list
}

func TestEveryRuleHasAPair(t *testing.T) {
	covered := map[string]int{"server_cve": 1} // TestHoles: a test cannot choose the server
	for _, p := range allPairs() {
		covered[p.rule]++
	}
	for _, r := range rls.Rules() {
		if covered[r.ID] == 0 {
			t.Errorf("rule %s has no pair of schemas", r.ID)
		}
		delete(covered, r.ID)
		if r.Sentence == "" || r.Why == "" || r.Subject == "" {
			t.Errorf("rule %s is not described", r.ID)
		}
	}
	for id := range covered {
		t.Errorf("there is no rule %s", id)
	}
}
