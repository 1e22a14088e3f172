package stratumtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/testutil"
)

// A flaw is one thing that is wrong with the shop, and where it must be found. Other
// vectors may find it, too.
type flaw struct {
	name    string
	sql     string // run by the superuser after the schema
	role    string // what the login is, if it is another than the application's
	super   bool   // Config.Owner is the superuser
	faults  faults
	vectors []string
	table   string // "" for any
	class   stratumtest.Class
}

const (
	anyRow = "set role stratum_owner; "
	reset  = "reset role; "
)

var flaws = []flaw{
	{name: "no row-level security", sql: "alter table note disable row level security", table: "public.note",
		vectors: []string{"select", "select-only", "table-command", "tablesample", "whole-row", "row-text", "json", "join", "outer-join", "lateral", "sub-query", "exists", "aggregate", "window", "union",
			"recursive", "system-columns", "for-update", "error-channel", "cursor", "copy-to", "copy-from", "statistics", "insert-as-other", "update", "update-returning", "update-blind", "update-in-cte",
			"update-join", "take-over", "move-away", "delete", "delete-returning", "delete-blind", "merge", "no-tenant", "no-tenant-insert", "row-lock", "upsert"}, faults: faults{nobody: true}},
	{name: "no policy on a new table", sql: anyRow + "create table fresh (tenant_id uuid not null, id bigserial primary key, what text); grant all on fresh to stratum_app; grant usage on sequence fresh_id_seq to stratum_app", table: "public.fresh",
		vectors: []string{"select", "truncate", "insert-as-other"}},
	{name: "fail-open policy", sql: anyRow + "drop policy s on note; create policy s on note for select to stratum_app using (coalesce(current_setting('app.current_tenant_id', true), '') = '' or " + mine + ")",
		faults: faults{nobody: true}, table: "public.note", vectors: []string{"no-tenant"}},
	{name: "fail-open insert", sql: anyRow + "drop policy i on note; create policy i on note for insert to stratum_app with check (coalesce(current_setting('app.current_tenant_id', true), '') = '' or " + mine + ")",
		faults: faults{nobody: true}, table: "public.note", vectors: []string{"no-tenant-insert"}},
	{name: "an application that owns the table without FORCE", sql: reset + "alter table note no force row level security; alter table note owner to stratum_app", super: true, table: "public.note", vectors: []string{"select", "ddl"}},
	{name: "an application that owns the table", sql: reset + "alter table note owner to stratum_app", super: true, table: "public.note", vectors: []string{"ddl", "truncate"}},
	{name: "BYPASSRLS", role: "bypassrls in role stratum_app", vectors: []string{"login", "select"}},
	{name: "membership in the owner", role: "in role stratum_app, stratum_owner", vectors: []string{"login"}},
	{name: "a lax second policy for INSERT", sql: anyRow + "create policy lax on note for insert to stratum_app with check (true)", table: "public.note", vectors: []string{"insert-as-other"}},
	{name: "a lax second policy for all", sql: anyRow + "create policy lax on note to public using (body is not null)", table: "public.note", vectors: []string{"select", "update", "delete", "insert-as-other"}},
	{name: "a lax WITH CHECK for UPDATE", sql: anyRow + "drop policy u on note; create policy u on note for update to stratum_app using (" + mine + ") with check (true)", table: "public.note", vectors: []string{"move-away"}},
	{name: "UPDATE without a condition", sql: anyRow + "drop policy u on note; create policy u on note for update to stratum_app using (true) with check (" + mine + ")", table: "public.note", vectors: []string{"take-over"}},
	{name: "UPDATE of everything", sql: anyRow + "drop policy u on note; create policy u on note for update to stratum_app using (true)", table: "public.note", vectors: []string{"update-blind", "move-away"}},
	{name: "DELETE without a condition", sql: anyRow + "drop policy d on note; create policy d on note for delete to stratum_app using (true)", table: "public.note", vectors: []string{"delete-blind"}},
	{name: "DELETE without a condition, with references", sql: anyRow + "drop policy d on customer; create policy d on customer for delete to stratum_app using (true)", table: "public.customer", vectors: []string{"delete-blind"}},
	{name: "SELECT without a condition", sql: anyRow + "drop policy s on note; create policy s on note for select to stratum_app using (true)", table: "public.note", vectors: []string{"select", "cursor", "copy-to"}},
	{name: "only SELECT has a policy", sql: anyRow + "drop policy i on note; drop policy u on note; drop policy d on note; create policy rest on note to stratum_app using (id > 0)", table: "public.note", vectors: []string{"insert-as-other", "update", "delete"}},
	{name: "TRUNCATE granted", sql: anyRow + "grant truncate on note to stratum_app", table: "public.note", vectors: []string{"truncate"}},
	{name: "TRIGGER granted", sql: anyRow + "grant trigger on note to stratum_app", table: "public.note", vectors: []string{"ddl"}},
	{name: "a partition granted", sql: anyRow + "alter table event_2025 disable row level security; grant select on event_2025 to stratum_app", table: "public.event_2025", vectors: []string{"select"}},
	{name: "an inheriting table", sql: anyRow + "create table archived_note (primary key (id)) inherits (note); grant select on archived_note to stratum_app", table: "public.archived_note", vectors: []string{"select"}},
	{name: "a view of the owner's", sql: reset + "alter view my_notes reset (security_invoker); alter view my_notes owner to postgres", table: "public.my_notes", vectors: []string{"view", "view-write"}},
	{name: "a materialized view", sql: reset + "create materialized view all_notes as select body from note; grant select on all_notes to stratum_app", table: "public.all_notes", vectors: []string{"materialized-view"}},
	{name: "a SECURITY DEFINER function", sql: reset + "create function notes() returns setof note language sql stable security definer as 'select * from note'", table: "public.notes", vectors: []string{"function"}},
	{name: "a SECURITY DEFINER function by id", sql: reset + "create function customer_by(wanted bigint) returns text language sql stable security definer as 'select mail from customer where id = wanted'", table: "public.customer_by", vectors: []string{"function"}},
	{name: "a SECURITY DEFINER function that writes", sql: reset + "create function forget() returns void language sql security definer as 'delete from note'", table: "public.forget", vectors: []string{"function"}},
	{name: "a SECURITY DEFINER procedure", sql: reset + "create procedure expire() language sql security definer as 'update note set at = now()'", table: "public.expire", vectors: []string{"function"}},
	{name: "a foreign key without the tenant", sql: anyRow + "alter table invoice drop constraint invoice_tenant_id_customer_id_fkey, add constraint bare foreign key (customer_id) references customer (id)", table: "public.invoice", vectors: []string{"foreign-key", "cascade"}},
	{name: "a cascade without the tenant", sql: anyRow + "alter table address drop constraint address_tenant_id_customer_id_fkey, add constraint bare foreign key (customer_id) references customer (id) on delete cascade", table: "public.address",
		vectors: []string{"foreign-key", "cascade"}},
	{name: "a SET NULL without the tenant", sql: anyRow + "alter table category drop constraint category_tenant_id_parent_id_fkey, add constraint bare foreign key (parent_id) references category (id) on delete set null", table: "public.category",
		vectors: []string{"foreign-key", "cascade"}},
	{name: "a unique key without the tenant", sql: anyRow + "alter table product drop constraint product_tenant_id_sku_key, add unique (sku)", table: "public.product", class: stratumtest.Oracle, vectors: []string{"unique-probe"}},
	{name: "a unique index on an expression", sql: anyRow + "create unique index on customer (lower(name))", table: "public.customer", class: stratumtest.Oracle, vectors: []string{"unique-probe"}},
	{name: "an exclusion constraint without the tenant", sql: anyRow + "alter table booking add exclude using gist (during with &&)", table: "public.booking", class: stratumtest.Oracle, vectors: []string{"unique-probe"}},
	{name: "errors that show rows", sql: anyRow + "alter table product_category disable row level security", table: "public.product_category", vectors: []string{"error-text"}},
	{name: "a default of one tenant", sql: anyRow + "alter table note alter tenant_id set default '00000000-0000-7000-8000-000000000001'; drop policy i on note; create policy i on note for insert to stratum_app with check (true)", table: "public.note",
		vectors: []string{"insert-without-tenant"}},
	{name: "a tenant that may be missing", sql: anyRow + "alter table note alter tenant_id drop default, alter tenant_id drop not null; drop policy i on note; create policy i on note for insert to stratum_app with check (tenant_id is null or " + mine + ")",
		table: "public.note", vectors: []string{"insert-without-tenant"}},
	{name: "no default", sql: anyRow + "alter table note alter tenant_id drop default", table: "public.note", class: stratumtest.Notice, vectors: []string{"insert-without-tenant"}},
	{name: "sequences that may be set back", sql: anyRow + "grant update on sequence note_id_seq to stratum_app", table: "public.note_id_seq", vectors: []string{"sequence"}},
	{name: "sequences that may be read", sql: anyRow + "grant select on sequence note_id_seq to stratum_app", table: "public.note_id_seq", class: stratumtest.Notice, vectors: []string{"sequence"}},
	{name: "large objects", sql: anyRow + "alter table note add attachment oid", vectors: []string{"large-object"}},
	{name: "notifications with rows", sql: reset + `create function tell() returns trigger language plpgsql as $$ begin perform pg_notify('notes', new.body); return new; end $$;
		create trigger tell after update on note for each row execute function tell()`, vectors: []string{"notification"}},
	{name: "a tenant set for the session", faults: faults{session: true}, vectors: []string{"connection-reuse", "no-tenant"}},
	{name: "a tenant bound in Connect", faults: faults{connect: true}, vectors: []string{"select", "connection-reuse", "statement-reuse", "concurrent"}},
	{name: "a transaction for any context", faults: faults{crossTx: true}, vectors: []string{"transaction-reuse"}},
	{name: "sessions that are not cleaned", faults: faults{keeps: true}, vectors: []string{"temporary-table", "cursor-with-hold", "search-path", "listen-leftover"}},
	{name: "settings that stay", faults: faults{keeps: true}, class: stratumtest.Injection, vectors: []string{"session-setting", "advisory-lock"}},
}

func TestEachFlawIsFound(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of attacks")
	}
	t.Parallel()
	for _, f := range flaws {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, f.faults, protectedShop(), f.sql)
			if f.role != "" {
				d.app = scoped(t, d.login(t, f.role), f.faults)
			}
			if f.super {
				d.owner = plain(t, d.URL(embedpg.Superuser))
			}
			before := contents(t, d)
			cfg := f.config(d)
			report, err := stratumtest.Attack(t.Context(), d.app, cfg)
			if err != nil {
				t.Error(err)
			}
			if f.class == "" {
				f.class = stratumtest.Leak
			}
			for _, v := range f.vectors {
				if !slices.ContainsFunc(report.Findings, func(g stratumtest.Finding) bool {
					return g.Vector == v && (g.Class == f.class || f.class == stratumtest.Leak && g.Class == stratumtest.Oracle) && (f.table == "" || g.Table == f.table) && g.Severity > 0 && g.Detail != ""
				}) {
					t.Errorf("not found by %s on %q", v, f.table)
				}
			}
			if report.OK() != (f.class == stratumtest.Notice || f.class == stratumtest.Injection) && !f.faults.keeps {
				t.Error("the report is OK:", report.OK())
			}
			if t.Failed() || testing.Verbose() {
				t.Log(report)
			}
			same(t, before, contents(t, d))
		})
	}
}

// config leaves out what has nothing to do with the flaw.
func (f flaw) config(d opened) stratumtest.Config {
	cfg := stratumtest.Config{Owner: d.owner}
	for _, name := range sound {
		if name != "note" && "public."+name != f.table && !strings.Contains(f.sql, "from "+name) {
			cfg.Exclude = append(cfg.Exclude, name)
		}
	}
	return cfg
}

// The SQL that the findings propose makes the schema pass.
func TestTheFixesFix(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of attacks")
	}
	t.Parallel()
	for _, f := range flaws {
		switch f.name {
		case "no row-level security", "no policy on a new table", "a lax second policy for INSERT", "a lax second policy for all", "a lax WITH CHECK for UPDATE", "UPDATE of everything", "DELETE without a condition",
			"SELECT without a condition", "TRUNCATE granted", "TRIGGER granted", "a partition granted", "a view of the owner's", "a materialized view", "a SECURITY DEFINER function by id", "a cascade without the tenant",
			"a SET NULL without the tenant", "a unique key without the tenant", "sequences that may be set back":
		default:
			continue // the fix is no SQL, or a decision of people
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			d := open(t, faults{}, protectedShop(), f.sql)
			var done []string
			for range 3 { // one flaw may have hidden another
				report, err := stratumtest.Attack(t.Context(), d.app, f.config(d))
				if err != nil {
					t.Fatal(err)
				}
				if report.OK() {
					if len(done) == 0 {
						t.Error("there was nothing to fix")
					}
					return
				}
				for _, finding := range report.Failures() {
					if !slices.Contains(done, finding.Fix) {
						done = append(done, finding.Fix)
						d.Exec(t, embedpg.Superuser, finding.Fix)
					}
				}
			}
			t.Errorf("it does not pass after %q", done)
		})
	}
}
