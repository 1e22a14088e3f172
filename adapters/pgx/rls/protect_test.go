package rls_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestProtectSharesExistingRowsOut(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	app := db.Conn(t, embedpg.App)
	for _, c := range []struct {
		table string
		a, b  int64
	}{{"customer", 1, 1}, {"invoice", 4, 6}, {"invoice_line", 12, 18}} {
		mustAs(t, app, textA, "select from "+c.table, c.a)
		mustAs(t, app, textB, "select from "+c.table, c.b)
	}
	if n := one[int](t, db.Conn(t, embedpg.System), "select count(*) from invoice_line"); n != 30 {
		t.Errorf("the system sees %d lines", n)
	}
	if n := one[int](t, db.Conn(t, embedpg.Owner), "select count(*) from invoice_line"); n != 0 {
		t.Errorf("the owner sees %d lines: FORCE is off", n)
	}
}

func TestProtectAgainChangesNothing(t *testing.T) {
	t.Parallel()
	_, owner := newShop(t)
	before := versions(t, owner)
	tx, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	protect(t, owner, protectedShop()...)
	locks := lines(t, owner, `select relation::regclass || ' ' || mode from pg_locks
		where pid = pg_backend_pid() and locktype = 'relation' and relation in ('customer'::regclass, 'invoice'::regclass, 'invoice_line'::regclass)
		union all select 'advisory' from pg_locks where pid = pg_backend_pid() and locktype = 'advisory'`)
	if len(locks) > 0 {
		t.Errorf("a re-run took locks: %v", locks)
	}
	if xid := one[*string](t, owner, "select pg_current_xact_id_if_assigned()::text"); xid != nil {
		t.Error("a re-run wrote something")
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, versions(t, owner)); d != "" {
		t.Error(d)
	}
}

// restrictive makes a policy, otherwise unchanged, one that grants nothing.
const restrictive = `do $$
declare
	remark text := (select obj_description(oid, 'pg_policy') from pg_policy where polrelid = 'invoice'::regclass and polname = 'stratum_select');
begin
	drop policy stratum_select on invoice;
	create policy stratum_select on invoice as restrictive for select to stratum_app
		using (tenant_id = (select nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid));
	execute format('comment on policy stratum_select on invoice is %L', remark);
end $$`

func TestProtectRepairsDrift(t *testing.T) {
	t.Parallel()
	db, owner := newShop(t)
	want := schema(t, owner)
	for _, drift := range []string{
		"drop policy stratum_select on invoice",
		"alter policy stratum_select on invoice using (true)",
		"alter policy stratum_update on invoice with check (true)",
		"alter policy stratum_system_select on invoice to stratum_app",
		"alter policy stratum_delete on invoice to public",
		"alter policy stratum_insert on invoice to stratum_app, stratum_subtree",
		"drop policy stratum_select on invoice; create policy stratum_select on invoice for all to stratum_app using (true)",
		"drop policy stratum_select on invoice; create policy stratum_select on invoice as restrictive for select to stratum_app using (true)",
		"comment on policy stratum_select on invoice is null",
		restrictive,
		"alter table invoice no force row level security",
		"alter table invoice disable row level security",
		"alter table invoice alter tenant_id drop default",
		"alter table invoice alter tenant_id set default '" + textA + "'",
		"alter table invoice alter tenant_id drop not null",
		"grant truncate on invoice to stratum_app",
		"grant select on invoice to public",
		"grant references on invoice to public",
		"grant all on invoice to stratum_app, stratum_system",
		"grant select on invoice to stratum_app with grant option",
		"revoke insert on invoice from stratum_app",
		"revoke all on invoice from stratum_system",
		"revoke usage on sequence invoice_invoice_id_seq from stratum_app",
		"drop index invoice_line_tenant_id_id_idx",
	} {
		exec(t, owner, drift)
		if cmp.Equal(want, schema(t, owner)) {
			t.Fatalf("%s changed nothing", drift)
		}
		protect(t, owner, protectedShop()...)
		if d := cmp.Diff(want, schema(t, owner)); d != "" {
			t.Errorf("after %s: %s", drift, d)
		}
	}
	mustAs(t, db.Conn(t, embedpg.App), textA, "select from invoice", 4)
}

func TestProtectGivesOnlyRowsWithoutATenantOne(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, `
		create table a (id int primary key, tenant_id uuid, owner uuid);
		insert into a values (1, '`+textA+`', '`+textB+`'), (2, null, '`+textB+`');
		create table b (id int primary key, tenant_id uuid);
		insert into b values (1, '`+textA+`'), (2, null);
		create table c (id int primary key, tenant_id uuid);
		insert into c values (1, '`+textA+`'), (2, null);
		create table d (id int primary key, tenant_id uuid not null);
		insert into d values (1, '`+textA+`'), (2, '`+textB+`');
		create table empty (id int);`)
	protect(t, owner,
		rls.Table{Name: "a", Backfill: "owner"},
		rls.Table{Name: "b", Tenant: tenantB},
		// An OR must not swallow the condition that is added.
		rls.Table{Name: "c", Backfill: "a.owner from a where false or a.id = c.id -- comment"},
		rls.Table{Name: "d"}, rls.Table{Name: "empty"})
	app := db.Conn(t, embedpg.App)
	for _, table := range []string{"a", "b", "c", "d"} {
		mustAs(t, app, textA, "select from "+table+" where id = 1", 1)
		mustAs(t, app, textB, "select from "+table+" where id = 2", 1)
		mustAs(t, app, textA, "select from "+table, 1)
	}
}

func TestProtectRefusesRowsWithoutATenant(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, shop)
	before := schema(t, owner)
	shopTables := protectedShop()
	shopTables[2].Backfill = "(select i.tenant_id from invoice i where i.invoice_id = invoice_line.invoice_id and i.invoice_id < 10)"
	err := rls.Protect(t.Context(), owner, shopTables...)
	if d := refused(t, err, "rows of public.invoice_line left without a tenant: 3"); d["rows"] != int64(3) || d["table"] != "invoice_line" || d["field"] != "Backfill" {
		t.Error(d)
	}
	shopTables[2].Backfill = ""
	err = rls.Protect(t.Context(), owner, shopTables...)
	if d := refused(t, err, "rows of public.invoice_line left without a tenant: 30", "set Tenant or Backfill"); d["rows"] != int64(30) || d["field"] != "Tenant" {
		t.Error(d)
	}
	shopTables[2].Backfill = "i.tenant_id from invoice i"
	err = rls.Protect(t.Context(), owner, shopTables...)
	if d := refused(t, err, "more than one tenant: 30"); d["rows"] != int64(30) {
		t.Error(d)
	}
	for _, bad := range []string{"nonsense", "1 +", "'x'::uuid", "42", "(select tenant_id from customer)", "select org from customer", "c.org from customer c where c.customer_id"} {
		shopTables[1].Backfill = bad
		if d := refused(t, rls.Protect(t.Context(), owner, shopTables...), "the Backfill of invoice does not work: "); d["table"] != "invoice" {
			t.Error(d)
		}
	}
	if d := cmp.Diff(before, schema(t, owner)); d != "" {
		t.Errorf("a refusal left something behind: %s", d)
	}
}

// The parent was protected in an earlier call: FORCE would hide it from the Backfill, and
// a coalesce would then give every row to the wrong tenant without a word.
func TestBackfillReadsProtectedTables(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, shop)
	protect(t, owner, protectedShop()[0])
	exec(t, owner, `
		create function org_of(id int) returns uuid language sql stable as 'select c.tenant_id from customer c where c.customer_id = id';
		create view people as select * from customer`)
	for _, hidden := range []string{"coalesce(org_of(customer_id), '" + textB + "')", "coalesce((select p.tenant_id from people p where p.customer_id = invoice.customer_id), '" + textB + "')"} {
		err := rls.Protect(t.Context(), owner, rls.Table{Name: "invoice", Backfill: hidden})
		refused(t, err, "row-level security", "must be named in the same call")
	}
	protect(t, owner, rls.Table{Name: "invoice",
		Backfill: "coalesce((select c.tenant_id from customer c where c.customer_id = invoice.customer_id), '" + textB + "')"})
	mustAs(t, db.Conn(t, embedpg.App), textA, "select from invoice", 4)
	if one[int](t, owner, "select count(*) from customer") != 0 {
		t.Error("FORCE was not put back")
	}
	exec(t, owner, "drop view people")
	protect(t, owner, protectedShop()[0], rls.Table{Name: "invoice_line", Backfill: `coalesce(
		(select org_of(customer_id) from invoice i where i.invoice_id = invoice_line.invoice_id), '` + textB + `')`})
	mustAs(t, db.Conn(t, embedpg.App), textA, "select from invoice_line", 12)
}

// Each Backfill of a call is asked for what it reads itself.
func TestEachBackfillReadsProtectedTables(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, shop+"create table org (id int primary key, own uuid); insert into org values (1, '"+textB+"')")
	protect(t, owner, protectedShop()[0])
	protect(t, owner, rls.Table{Name: "org", Backfill: "own"}, protectedShop()[1],
		rls.Table{Name: "invoice_line", Backfill: "c.tenant_id from customer c join invoice i using (customer_id) where i.invoice_id = invoice_line.invoice_id"})
	mustAs(t, db.Conn(t, embedpg.App), textA, "select from invoice_line", 12)
}

func TestProtectInTheCallersTransaction(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, shop)
	before := schema(t, owner)
	tx, err := owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exec(t, owner, "create table more (id int)")
	protect(t, owner, rls.Table{Name: "more"})
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "customer"}), "public.customer left without a tenant: 2")
	if n := one[int](t, owner, "select count(*) from customer"); n != 2 { // the transaction goes on
		t.Error(n)
	}
	if _, err := tx.Exec(t.Context(), "nonsense"); err == nil {
		t.Fatal("no error")
	}
	refused(t, rls.Protect(t.Context(), owner, rls.Table{Name: "customer"}), "has failed")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, schema(t, owner)); d != "" {
		t.Error(d)
	}

	tx, err = owner.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, rls.Protect(t.Context(), owner, protectedShop()...), "repeatable read", "READ COMMITTED")
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec(t, owner, "set default_transaction_isolation = serializable; set default_transaction_read_only = on; set search_path = public; set row_security = on; set jit = on")
	protect(t, owner, protectedShop()...)
	if p := one[string](t, owner, "select current_setting('search_path') || current_setting('row_security') || current_setting('jit')"); p != "publiconon" {
		t.Errorf("settings were left changed: %s", p)
	}
}

func TestProtectFromManyConnections(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, shop+"create table part (id int, k int) partition by list (k); create table part1 partition of part for values in (1); create table part2 partition of part for values in (2)")
	var wg sync.WaitGroup
	for i := range 4 {
		conn := db.Conn(t, embedpg.Owner)
		tables := append(protectedShop(), rls.Table{Name: "part"})
		if i%2 == 1 { // another order of independent tables
			tables = append([]rls.Table{{Name: "part"}}, protectedShop()...)
		}
		wg.Go(func() {
			if err := rls.Protect(t.Context(), conn, tables...); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	before := versions(t, owner)
	protect(t, owner, append(protectedShop(), rls.Table{Name: "part"})...)
	if d := cmp.Diff(before, versions(t, owner)); d != "" {
		t.Error(d)
	}
}

// Rows that others add between the first look and the lock are seen.
func TestProtectSeesRowsAddedMeanwhile(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, "create table late (id int)")
	other := db.Conn(t, embedpg.Owner)
	exec(t, other, "begin; insert into late values (1)")
	done := make(chan error, 1)
	go func() { done <- rls.Protect(t.Context(), owner, rls.Table{Name: "late"}) }()
	watch := db.Conn(t, embedpg.Owner)
	for !one[bool](t, watch, "select exists (select from pg_locks where not granted and relation = 'late'::regclass)") {
		select {
		case err := <-done:
			t.Fatalf("Protect did not wait: %v", err)
		default:
		}
	}
	exec(t, other, "commit")
	refused(t, <-done, "rows of public.late left without a tenant: 1")
}

func TestProtectReturnsTheServersErrors(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, shop)
	other := db.Conn(t, embedpg.Owner)
	exec(t, other, "begin; lock table customer")
	exec(t, owner, "set lock_timeout = '50ms'")
	err := rls.Protect(t.Context(), owner, protectedShop()...)
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "55P03" {
		t.Error(err)
	}
	exec(t, other, "rollback")
	protect(t, owner, protectedShop()...)
}
