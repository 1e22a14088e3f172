package rls_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

var update = flag.Bool("update", false, "write the golden files and docs/rls-rules.md")

// golden compares with a file, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs; run the test with -update if that is meant\n%s", name, diff)
	}
}

// What Protect makes is what Check wants: for any role that asks, there is nothing to say but that ids are unique.
func TestProtectedIsSound(t *testing.T) {
	db, owner := newDB(t, `
		create table customer (id uuid primary key default gen_random_uuid(), name text not null);
		create table invoice (id bigint generated always as identity primary key, customer uuid not null references customer on delete cascade, at timestamptz);
		create table line (id bigserial primary key, invoice bigint references invoice on delete set null);
		create table event (id bigint generated always as identity, at date not null) partition by range (at);
		create table event_1 partition of event for values from ('2026-01-01') to ('2027-01-01');`)
	protect(t, owner, rls.Table{Name: "customer", CompositeKey: true}, rls.Table{Name: "invoice", CompositeKey: true, ForeignKeys: true},
		rls.Table{Name: "line", CompositeKey: true, ForeignKeys: true}, rls.Table{Name: "event"})
	for _, role := range []string{embedpg.Superuser, embedpg.Owner, embedpg.App, embedpg.System, embedpg.Subtree} {
		r := check(t, db.Conn(t, role), rls.CheckConfig{})
		if r.Tables != 5 || r.Role != role || r.Server == "" {
			t.Errorf("as %s: %d tables, role %s, server %q", role, r.Tables, r.Role, r.Server)
		}
		for _, f := range r.Findings {
			if f.Severity != rls.Info {
				t.Errorf("as %s: %s %s: %s\n%s", role, f.Severity, f.Rule, f.Message, f.Fix)
			}
		}
		// Who sees all rows can look for orphans; from the others Check says what it takes.
		unseen := 0
		for _, u := range r.Unchecked {
			if u.Rule != "fk_orphans" || !strings.Contains(u.Reason, "run Check as") {
				t.Errorf("as %s: %+v", role, u)
			}
			unseen++
		}
		if sees := role == embedpg.Superuser || role == embedpg.System; (unseen == 0) != sees || !sees && unseen != 2 {
			t.Errorf("as %s: %d keys not checked: %v", role, unseen, r.Unchecked)
		}
	}
}

// Orphans are found by the role of the system as by a superuser, and SkipRows leaves them alone.
func TestOrphansAsSystem(t *testing.T) {
	l := newLedger(t, lines2, lineTable...)
	exec(t, l.super, lineKey+"; set session_replication_role = replica; insert into line (tenant_id, invoice) values (gen_random_uuid(), gen_random_uuid())")
	system := l.db.Conn(t, embedpg.System)
	if found := of(check(t, system, l.config()), "fk_orphans", ""); len(found) != 1 || !strings.HasSuffix(found[0].Message, ": 1") {
		t.Errorf("found %v", found)
	}
	r := check(t, system, rls.CheckConfig{SkipRows: true})
	if len(of(r, "fk_orphans", "")) != 0 || len(r.Unchecked) != 1 || r.Unchecked[0].Reason != "SkipRows is set" {
		t.Errorf("with SkipRows: %v", r.Unchecked)
	}
	exec(t, l.super, "alter policy stratum_system_select on invoice using (id is null)")
	if r := check(t, system, l.config()); len(of(r, "fk_orphans", "")) != 0 || len(r.Unchecked) != 1 {
		t.Errorf("with a policy that hides rows from the system: %v", r.Unchecked)
	}
}

// flaws are some, of each severity, which every version of the server prints in the same way.
const flaws = `create table "Odd Name" (tenant_id uuid not null);
create view v as select id from invoice;
grant select on v to stratum_app;
create index on invoice (tenant_id, lower(note));
grant truncate on invoice to stratum_app;`

func TestGolden(t *testing.T) {
	l := newLedger(t, "")
	exec(t, l.super, "set role stratum_owner; "+flaws+"; reset role; create function app_tenant() returns uuid language sql stable as 'select null::uuid'; create table u (tenant_id uuid not null); alter table u owner to stratum_owner;"+
		"alter table u enable row level security, force row level security; create policy p on u for select to stratum_app using (tenant_id = (select app_tenant()))")
	cfg := l.config()
	cfg.Baseline = &rls.Baseline{Version: 1, Findings: []rls.BaselineEntry{{Rule: "rls_disabled", Object: `public."Odd Name"`}, {Rule: "rls_disabled", Object: "public.gone"}}}
	r := check(t, l.super, cfg)
	r.Server, r.Role = "15.0", "postgres"
	for name, format := range map[string]func() ([]byte, error){"check.json": r.JSON, "check.sarif": r.SARIF} {
		got, err := format()
		if err != nil {
			t.Fatal(err)
		}
		golden(t, filepath.Join("testdata", name), append(got, '\n'))
		again, _ := format()
		if !bytes.Equal(got, again) {
			t.Errorf("%s differs from one call to the next", name)
		}
	}
}

// What section 3 of SARIF 2.1.0 demands of a log beyond the names of its fields.
func TestSARIF(t *testing.T) {
	l := newLedger(t, "")
	exec(t, l.super, flaws)
	text, err := check(t, l.super, l.config()).SARIF()
	if err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID              string
				RuleIndex           int
				Level               string
				Message             struct{ Text string }
				PartialFingerprints map[string]string
			}
		}
	}
	if err := json.Unmarshal(text, &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) < 5 {
		t.Fatalf("got %+v", log)
	}
	seen := map[string]bool{}
	for _, r := range log.Runs[0].Results {
		if got := log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID; got != r.RuleID { // 3.27.6
			t.Errorf("ruleIndex of %s leads to %s", r.RuleID, got)
		}
		if r.Level != "error" && r.Level != "warning" && r.Level != "note" { // 3.27.10
			t.Errorf("level %q", r.Level)
		}
		print := r.PartialFingerprints["stratumRuleObject/v1"]
		if r.Message.Text == "" || len(print) != 32 || seen[print] {
			t.Errorf("result %+v", r)
		}
		seen[print] = true
	}
}

func TestBaseline(t *testing.T) {
	l := newLedger(t, "")
	exec(t, l.super, flaws)
	before := check(t, l.super, l.config())

	var file bytes.Buffer
	if err := before.Baseline().Write(&file); err != nil {
		t.Fatal(err)
	}
	baseline, err := rls.ReadBaseline(&file)
	if err != nil {
		t.Fatal(err)
	}
	cfg := l.config()
	cfg.Baseline = baseline
	after := check(t, l.super, cfg)
	if len(after.Findings) != 0 || len(after.Stale) != 0 || len(after.Suppressed) != len(before.Findings) {
		t.Errorf("with everything in the baseline: %v left, stale %v", ids(after), after.Stale)
	}
	if diff := cmp.Diff(baseline, after.Baseline()); diff != "" {
		t.Error("another baseline the second time", diff)
	}

	exec(t, l.super, "revoke truncate on invoice from stratum_app; alter table invoice no force row level security")
	after = check(t, l.super, cfg)
	if len(after.Findings) != 1 || after.Findings[0].Rule != "rls_not_forced" {
		t.Errorf("new findings %v", ids(after))
	}
	if want := []rls.BaselineEntry{{Rule: "grant_excess", Object: "public.invoice to stratum_app"}}; !cmp.Equal(after.Stale, want) {
		t.Errorf("stale %v", after.Stale)
	}

	for _, text := range []string{"", "[]", `{"version": 2, "findings": []}`, `{"version": 1, "rules": []}`} {
		if _, err := rls.ReadBaseline(strings.NewReader(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

// Check says what it was not asked for, or cannot do, instead of passing.
func TestCheckRefuses(t *testing.T) {
	l := newLedger(t, "")
	for field, cfg := range map[string]rls.CheckConfig{
		"Roles.App": {Roles: rls.Roles{App: embedpg.Owner}},
		"Roles":     {Roles: rls.Roles{App: "a", System: "a"}},
		"Column":    {Column: strings.Repeat("x", 64)},
		"tables":    {Exclude: []string{"missing"}},
	} {
		_, err := rls.Check(t.Context(), l.super, cfg)
		if got := refused(t, err)["field"]; got != field {
			t.Errorf("field %v, want %s: %v", got, field, err)
		}
	}
	exec(t, l.super, "begin")
	_, err := rls.Check(t.Context(), l.super, rls.CheckConfig{})
	refused(t, err, "in a transaction")
	exec(t, l.super, "rollback")

	r := check(t, l.super, rls.CheckConfig{Roles: rls.Roles{App: "nobody"}, Column: "org", Exclude: []string{"public.invoice"}})
	if r.Tables != 0 || len(r.Unchecked) != 2 {
		t.Errorf("%d tables, unchecked %v", r.Tables, r.Unchecked)
	}
}

// Schemas, Exclude and Column choose what is looked at.
func TestCheckChooses(t *testing.T) {
	l := newLedger(t, "")
	exec(t, l.super, `create schema "Other"; create table "Other".t (tenant_id uuid not null, org uuid not null); create table u (tenant_id uuid not null); create table w (org uuid not null)`)
	for want, cfg := range map[string]rls.CheckConfig{
		`"Other".t public.u`: {},
		`"Other".t`:          {Schemas: []string{"Other"}},
		"public.u":           {Exclude: []string{`"Other".t`}},
		`"Other".t public.w`: {Column: "org", Exclude: []string{"invoice"}},
	} {
		var got []string
		for _, f := range of(check(t, l.super, cfg), "rls_disabled", "") {
			got = append(got, f.Object)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%+v: %v, want %s", cfg, got, want)
		}
	}
}

// Check writes nothing and leaves the connection as it was.
func TestCheckLeavesNoTrace(t *testing.T) {
	l := newLedger(t, ledgerT)
	exec(t, l.super, l.text(reads("coalesce("+own+", false)")))
	exec(t, l.super, "set search_path = public; create function seen() returns boolean language plpgsql stable as $$begin raise exception 'was run'; end$$; create policy q on t for insert to stratum_app with check (seen())")
	before := versions(t, l.super)
	r := check(t, l.super, l.config())
	if diff := cmp.Diff(before, versions(t, l.super)); diff != "" {
		t.Error(diff)
	}
	if got := one[string](t, l.super, "select concat_ws('|', current_setting('search_path'), current_setting('jit'), current_setting('app.current_tenant_id', true))"); got != one[string](t, l.super, "select 'public|' || current_setting('jit')") {
		t.Errorf("settings are %s", got)
	}
	if l.super.PgConn().TxStatus() != 'I' {
		t.Error("in a transaction")
	}
	// A function of the user's is not run, and the report says so.
	if len(r.Unchecked) != 1 || !strings.Contains(r.Unchecked[0].Reason, "public.seen()") {
		t.Errorf("unchecked %v", r.Unchecked)
	}
	var mode string
	if err := l.super.QueryRow(t.Context(), "show transaction_read_only", pgx.QueryExecModeSimpleProtocol).Scan(&mode); err != nil || mode != "off" {
		t.Errorf("read only %s, %v", mode, err)
	}
}
