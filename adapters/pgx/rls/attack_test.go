package rls_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

const (
	insufficient = "42501" // row-level security, too
	foreignKey   = "23503"
)

func TestATenantReachesNoOther(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	app := db.Conn(t, embedpg.App)

	mustAs(t, app, textA, "select from invoice where invoice_id = 5", 0)
	mustAs(t, app, textA, "select from invoice where tenant_id = '"+textB+"'", 0)
	mustAs(t, app, textA, "select from invoice i join customer c on true", 4)
	mustAs(t, app, textA, "update invoice set created_at = now() where invoice_id = 5", 0)
	mustAs(t, app, textA, "update invoice set created_at = now()", 4)
	mustAs(t, app, textA, "delete from invoice_line where invoice_id = 5", 0)
	mustAs(t, app, textA, "delete from invoice_line", 12)
	mustAs(t, app, textB, "select from invoice_line", 18)

	fails(t, app, textA, "insert into customer (customer_id, name, org, tenant_id) values (9, 'x', 'x', '"+textB+"')", insufficient)
	fails(t, app, textA, "update customer set tenant_id = '"+textB+"'", insufficient)
	fails(t, app, textA, "update customer set tenant_id = null", insufficient)
	fails(t, app, textA, "insert into customer (customer_id, name, org) values (2, 'x', 'x') on conflict (customer_id) do update set name = 'x'", insufficient)
	fails(t, app, textA, "merge into customer c using (values (1)) v(i) on true when matched then update set tenant_id = '"+textB+"'", insufficient)
	for _, ddl := range []string{
		"truncate invoice_line", "alter table invoice disable row level security", "drop policy stratum_select on invoice",
		"create trigger t before insert on invoice execute function suppress_redundant_updates_trigger()", "set role stratum_system",
	} {
		fails(t, app, textA, ddl, insufficient)
	}
	mustAs(t, app, textA, "set local row_security = on; select from customer", 1)
	fails(t, app, textA, "set local row_security = off; select from customer", insufficient)

	mustAs(t, app, textA, "insert into customer (customer_id, name, org) values (9, 'x', 'x')", 1)
	mustAs(t, app, textA, "select from customer", 2)
	mustAs(t, app, textB, "select from customer", 1)
	mustAs(t, app, textB, "insert into invoice (customer_id) values (2) returning invoice_id", 1) // the sequence works
}

func TestNoTenantIsNoRows(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	app := db.Conn(t, embedpg.App)
	none := func(when string) {
		t.Helper()
		for _, sql := range []string{"select from customer", "update customer set name = ''", "delete from customer"} {
			tag, err := app.Exec(t.Context(), sql)
			if err != nil || tag.RowsAffected() != 0 {
				t.Errorf("%s: %s: %v, %v", when, sql, tag, err)
			}
		}
		if _, err := app.Exec(t.Context(), "insert into customer (customer_id, name, org) values (9, '', '')"); err == nil {
			t.Errorf("%s: a row was inserted", when)
		}
	}
	none("before any setting")
	mustAs(t, app, textA, "select from customer", 1)
	if s := one[*string](t, app, "select current_setting('app.current_tenant_id', true)"); s == nil || *s != "" {
		t.Fatalf("after the transaction the setting is %v", s)
	}
	none("after a transaction")
	fails(t, app, "", "insert into customer (customer_id, name, org) values (9, '', '')", insufficient)
	fails(t, app, "garbage", "select from customer", "22P02")
	if n := one[int](t, db.Conn(t, embedpg.System), "select count(*) from customer"); n != 2 {
		t.Errorf("%d customers are left", n)
	}
	sub := db.Conn(t, embedpg.Subtree)
	if _, err := sub.Exec(t.Context(), "select from customer"); err == nil {
		t.Error("the subtree role has rights before it has a policy")
	}
}

func TestSystemWorksAcrossTenants(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	system := db.Conn(t, embedpg.System)
	for _, c := range []struct {
		sql  string
		want int64
	}{
		{"select from invoice", 10},
		{"update invoice set created_at = now()", 10},
		{"update customer set tenant_id = tenant_id", 2},
		{"delete from invoice_line", 30},
		{"insert into invoice_line (invoice_id, tenant_id) values (5, '" + textB + "')", 1},
	} {
		tag, err := system.Exec(t.Context(), c.sql)
		if err != nil || tag.RowsAffected() != c.want {
			t.Errorf("%s: %v, %v", c.sql, tag, err)
		}
	}
	// The system must say whose row it is.
	if _, err := system.Exec(t.Context(), "insert into invoice (customer_id) values (1)"); err == nil {
		t.Error("a row without a tenant was inserted")
	}
	if _, err := system.Exec(t.Context(), "truncate invoice_line"); err == nil {
		t.Error("the system may truncate")
	}
}

func TestForeignKeysEndAtTheTenant(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	app := db.Conn(t, embedpg.App)
	fails(t, app, textA, "insert into invoice (customer_id) values (2)", foreignKey)
	fails(t, app, textA, "insert into invoice_line (invoice_id) values (5)", foreignKey)
	fails(t, app, textA, "update invoice set customer_id = 2", foreignKey)
	fails(t, app, textA, "insert into invoice (customer_id) values (99)", foreignKey) // no oracle: the same answer
	mustAs(t, app, textA, "delete from customer", 1)
	mustAs(t, app, textA, "select from invoice_line", 0)
	mustAs(t, app, textB, "select from invoice_line", 18)
}

// The attack that composite keys are against works without them.
func TestWithoutForeignKeysACascadeCrossesTenants(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, shop)
	tables := protectedShop()
	tables[1].ForeignKeys = false
	tables[2].ForeignKeys = false
	protect(t, owner, tables...)
	app := db.Conn(t, embedpg.App)
	mustAs(t, app, textB, "insert into invoice (customer_id) values (1)", 1)
	mustAs(t, app, textA, "delete from customer", 1)
	mustAs(t, app, textB, "select from invoice", 6) // the seventh went with A's customer

	exec(t, db.Conn(t, embedpg.System), "insert into customer values (3, '', '', '"+textA+"')")
	mustAs(t, app, textB, "insert into invoice (customer_id) values (3)", 1)
	before := schema(t, owner)
	tables[1].ForeignKeys = true
	d := refused(t, rls.Protect(t.Context(), owner, tables...), "rows of public.invoice that refer", "of another tenant, or to none: 1")
	if d["rows"] != int64(1) || d["table"] != "public.invoice" {
		t.Error(d)
	}
	if after := schema(t, owner); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Error("the refusal left something behind")
	}
	exec(t, db.Conn(t, embedpg.System), "delete from invoice where customer_id = 3")
	protect(t, owner, tables...)
}

func TestCursorsAndPreparedStatementsFollowTheSetting(t *testing.T) {
	t.Parallel()
	db, _ := newShop(t)
	app := db.Conn(t, embedpg.App)
	exec(t, app, "prepare q as select from invoice; set plan_cache_mode = force_generic_plan")
	mustAs(t, app, textA, "execute q", 4)
	mustAs(t, app, textB, "execute q", 6)
	err := pgx.BeginFunc(t.Context(), app, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), "set local app.current_tenant_id = '"+textA+"'; declare c cursor for select from invoice")
		if err != nil {
			return err
		}
		tag, err := tx.Exec(t.Context(), "fetch all from c")
		if err == nil && tag.RowsAffected() != 4 {
			t.Errorf("the cursor gave %v", tag)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
