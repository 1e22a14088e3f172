package rls_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestMaintainShowsRowsToTheirOwner(t *testing.T) {
	t.Parallel()
	_, owner := newShop(t)
	before := schema(t, owner)
	for _, tables := range [][]string{nil, {"invoice"}, {"public.customer", "invoice", "invoice"}} {
		err := rls.Maintain(t.Context(), owner, func(tx pgx.Tx) error {
			tag, err := tx.Exec(t.Context(), "update invoice set created_at = now()")
			if err == nil && tag.RowsAffected() != 10 {
				t.Errorf("%v: %v", tables, tag)
			}
			return err
		}, tables...)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(before, schema(t, owner)); d != "" {
			t.Errorf("%v: %s", tables, d)
		}
	}
	if n := one[int](t, owner, "select count(*) from invoice"); n != 0 {
		t.Errorf("the owner still sees %d rows", n)
	}
}

func TestMaintainKeepsOthersOut(t *testing.T) {
	t.Parallel()
	db, owner := newShop(t)
	app := db.Conn(t, embedpg.App)
	exec(t, app, "set lock_timeout = '20ms'")
	err := rls.Maintain(t.Context(), owner, func(pgx.Tx) error {
		fails(t, app, textA, "select from invoice", "55P03")
		fails(t, app, textA, "select from customer", "55P03") // tied by a key
		return nil
	}, "invoice")
	if err != nil {
		t.Fatal(err)
	}
	mustAs(t, app, textA, "select from invoice", 4)
}

func TestMaintainChecksBeforeItCommits(t *testing.T) {
	t.Parallel()
	db, owner := newShop(t)
	before := schema(t, owner)
	mine := errors.New("mine")
	for sql, words := range map[string]string{
		"delete from invoice_line where invoice_id = 1; alter table invoice alter tenant_id drop not null; update invoice set tenant_id = null where invoice_id = 1": "rows of public.invoice left without a tenant: 1",
		"alter table invoice_line drop constraint line_of; update invoice_line set tenant_id = '" + textB + "' where invoice_id = 1; " +
			"alter table invoice_line add constraint line_of foreign key (tenant_id, invoice_id) references invoice (tenant_id, invoice_id) not valid": "rows of public.invoice_line that refer, by the foreign key line_of, to a row of public.invoice of another tenant, or to none: 3",
	} {
		err := rls.Maintain(t.Context(), owner, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), sql)
			return err
		})
		refused(t, err, words)
		if d := cmp.Diff(before, schema(t, owner)); d != "" {
			t.Error(d)
		}
	}
	if err := rls.Maintain(t.Context(), owner, func(pgx.Tx) error { return mine }); !errors.Is(err, mine) {
		t.Error(err)
	}
	mustAs(t, db.Conn(t, embedpg.App), textA, "select from invoice_line", 12)
}

func TestMaintainHoldsItsTransaction(t *testing.T) {
	t.Parallel()
	_, owner := newShop(t)
	before := schema(t, owner)
	for name, fn := range map[string]func(tx pgx.Tx) error{
		"commit":   func(tx pgx.Tx) error { return tx.Commit(t.Context()) },
		"rollback": func(tx pgx.Tx) error { return tx.Rollback(t.Context()) },
		"raw commit": func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "commit")
			return err
		},
		"raw commit and begin": func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "commit; begin; create table leftover (id int)")
			return err
		},
		"raw rollback": func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), "rollback")
			return err
		},
		"broken": func(tx pgx.Tx) error {
			_, _ = tx.Exec(t.Context(), "nonsense")
			return nil
		},
	} {
		if err := rls.Maintain(t.Context(), owner, fn); err == nil {
			t.Errorf("%s: no error", name)
		} else if name != "broken" {
			refused(t, err)
		}
		if s := owner.PgConn().TxStatus(); s != 'I' {
			t.Fatalf("%s: the connection is in state %c", name, s)
		}
		if d := cmp.Diff(before, schema(t, owner)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was lost")
			}
		}()
		_ = rls.Maintain(t.Context(), owner, func(tx pgx.Tx) error {
			exec(t, owner, "commit")
			panic("oh")
		})
	}()
	if d := cmp.Diff(before, schema(t, owner)); d != "" {
		t.Errorf("after a panic: %s", d)
	}
}

func TestMaintainRunsProtect(t *testing.T) {
	t.Parallel()
	db, owner := newShop(t)
	err := rls.Maintain(t.Context(), owner, func(tx pgx.Tx) error {
		exec(t, owner, "alter table invoice rename to bill; create table note (id int primary key, bill bigint references bill)")
		exec(t, owner, "insert into note select invoice_id, invoice_id from bill")
		return rls.Protect(t.Context(), tx.Conn(), rls.Table{Name: "note", ForeignKeys: true,
			Backfill: "b.tenant_id from bill b where b.invoice_id = note.bill"})
	})
	if err != nil {
		t.Fatal(err, cause(err))
	}
	mustAs(t, db.Conn(t, embedpg.App), textA, "select from note", 4)
	mustAs(t, db.Conn(t, embedpg.App), textB, "select from bill", 6)
	if n := one[int](t, owner, "select count(*) from pg_class where relforcerowsecurity"); n != 4 {
		t.Errorf("%d tables are under FORCE", n)
	}
}

func TestMaintainUnprotects(t *testing.T) {
	t.Parallel()
	_, owner := newShop(t)
	err := rls.Maintain(t.Context(), owner, func(tx pgx.Tx) error {
		exec(t, owner, "drop table invoice_line")
		return rls.Unprotect(t.Context(), tx.Conn(), rls.Table{Name: "invoice"})
	})
	if err != nil {
		t.Fatal(err, cause(err))
	}
	got := lines(t, owner, "select relname::text from pg_class where relrowsecurity or relforcerowsecurity")
	if d := cmp.Diff([]string{"customer"}, got); d != "" {
		t.Error(d)
	}
}

func TestMaintainRefuses(t *testing.T) {
	t.Parallel()
	db, owner := newShop(t)
	exec(t, owner, "create table plain (id int)")
	never := func(pgx.Tx) error { t.Error("it was called"); return nil }
	for name, words := range map[string]string{
		"missing": "there is no table missing", "plain": "plain is no protected table", "a.b.c.d": "a.b.c.d",
	} {
		if d := refused(t, rls.Maintain(t.Context(), owner, never, name), words); d["table"] != name {
			t.Error(d)
		}
	}
	refused(t, rls.Maintain(t.Context(), db.Conn(t, embedpg.Lib), never, "public.customer"))
	exec(t, owner, "begin")
	if err := rls.Maintain(t.Context(), owner, never); !errors.Is(err, core.ErrValidation) {
		t.Error(err)
	}
}
