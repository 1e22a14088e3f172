package stratumpgx_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestTransactionsInEveryIsolationLevel(t *testing.T) {
	eachMode(t, func(t *testing.T, db *stratumpgx.DB) {
		for _, opts := range []pgx.TxOptions{
			{}, {IsoLevel: pgx.Serializable}, {IsoLevel: pgx.RepeatableRead}, {IsoLevel: pgx.ReadCommitted},
			{IsoLevel: pgx.ReadUncommitted}, {AccessMode: pgx.ReadOnly},
			{IsoLevel: pgx.Serializable, AccessMode: pgx.ReadOnly, DeferrableMode: pgx.Deferrable},
			{BeginQuery: "begin isolation level serializable -- with a comment"},
		} {
			tx, err := db.BeginTx(as(tenantB), opts)
			if err != nil {
				t.Fatalf("%+v: %v", opts, err)
			}
			if n := count(t, as(tenantB), tx); n != notesOfB {
				t.Fatalf("%+v: B sees %d notes", opts, n)
			}
			var level string
			if err := tx.QueryRow(context.Background(), "show transaction_isolation").Scan(&level); err != nil {
				t.Fatal(err)
			}
			if opts.IsoLevel != "" && level != string(opts.IsoLevel) || opts.BeginQuery != "" && level != "serializable" {
				t.Fatalf("%+v: the level is %s", opts, level)
			}
			if err := tx.Commit(as(tenantB)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestTransactionsBelongToTheirTenant(t *testing.T) {
	d := database(t)
	db := open(t, d, "&pool_max_conns=1", stratumpgx.Config{System: d.URL(embedpg.System)})
	tx, err := db.Begin(as(tenantA))
	if err != nil {
		t.Fatal(err)
	}
	moved := *tenantA
	moved.Placement.Region = "elsewhere"
	for name, ctx := range map[string]context.Context{
		"another tenant":    as(tenantB),
		"system":            core.System(as(tenantA), "test"),
		"subtree":           core.Subtree(as(tenantA)),
		"another placement": as(&moved),
	} {
		check := func(how string, err error) {
			t.Helper()
			if !errors.Is(err, core.ErrTenantMismatch) {
				t.Errorf("%s: %s: %v", name, how, err)
			}
		}
		_, err := tx.Exec(ctx, "select 1")
		check("Exec", err)
		_, err = tx.Query(ctx, "select 1")
		check("Query", err)
		check("QueryRow", tx.QueryRow(ctx, "select 1").Scan(new(int)))
		check("SendBatch", tx.SendBatch(ctx, &pgx.Batch{}).Close())
		_, err = tx.CopyFrom(ctx, pgx.Identifier{"note"}, []string{"body"}, pgx.CopyFromRows(nil))
		check("CopyFrom", err)
		_, err = tx.Begin(ctx)
		check("Begin", err)
		_, err = tx.Prepare(ctx, "x", "select 1")
		check("Prepare", err)
		check("Commit", tx.Commit(ctx))
	}
	if _, err := tx.Exec(core.NewContext(context.Background(), nil), "select 1"); !errors.Is(err, core.ErrNoTenant) {
		t.Error("a context that denies a tenant inherited one:", err)
	}
	if n := count(t, context.Background(), tx); n != notesOfA {
		t.Errorf("without a tenant in the context, the transaction sees %d notes", n)
	}
	if tx.Conn() != nil {
		t.Error("the transaction gives the raw connection away")
	}
	if err := tx.Rollback(as(tenantB)); err != nil {
		t.Error("a rollback was refused:", err)
	}
	if n := count(t, as(tenantB), db); n != notesOfB {
		t.Fatalf("B sees %d notes", n)
	}
}

func TestScopeSurvivesSavepoints(t *testing.T) {
	eachMode(t, func(t *testing.T, db *stratumpgx.DB) {
		ctx := as(tenantA)
		err := db.BeginFunc(ctx, func(tx pgx.Tx) error {
			for range 2 {
				nested, err := tx.Begin(ctx)
				if err != nil {
					return err
				}
				if _, err := nested.Exec(ctx, "insert into note (body) values ('x')"); err != nil {
					return err
				}
				if _, err := nested.Exec(ctx, "select 1/0"); err == nil {
					t.Error("no error")
				}
				if err := nested.Rollback(ctx); err != nil {
					return err
				}
				if n := count(t, ctx, tx); n != notesOfA {
					t.Errorf("after rolling back to a savepoint, %d notes", n)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestBeginFunc(t *testing.T) {
	db := open(t, database(t), "&pool_max_conns=1", stratumpgx.Config{})
	ctx := as(tenantA)
	boom := errors.New("boom")
	if err := db.BeginFunc(ctx, func(tx pgx.Tx) error {
		_, _ = tx.Exec(ctx, "insert into note (body) values ('lost')")
		return boom
	}); err != boom {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = db.BeginFunc(ctx, func(tx pgx.Tx) error {
			_, _ = tx.Exec(ctx, "insert into note (body) values ('lost')")
			panic("boom")
		})
	}()
	if n := count(t, ctx, db); n != notesOfA {
		t.Fatalf("%d notes", n)
	}
	if err := db.BeginTxFunc(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable}, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, "insert into note (body) values ('kept')")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n := count(t, ctx, db); n != notesOfA+1 {
		t.Fatalf("%d notes", n)
	}
}

// TestDeferredConstraint: success is claimed only when the transaction has ended.
func TestDeferredConstraint(t *testing.T) {
	d := database(t)
	d.Exec(t, embedpg.Owner, "create table child (note bigint references note deferrable initially deferred)")
	d.Exec(t, embedpg.Owner, "grant all on child to stratum_app")
	db := open(t, d, "", stratumpgx.Config{})
	if _, err := db.Exec(as(tenantA), "insert into child values ($1)", 4711); err == nil {
		t.Fatal("a broken key was reported as success")
	}
}

func TestAcquiredConnections(t *testing.T) {
	db := open(t, database(t), "&pool_max_conns=1", stratumpgx.Config{})
	c, err := db.Acquire(as(tenantA))
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, as(tenantA), c); n != notesOfA {
		t.Errorf("A sees %d notes", n)
	}
	if _, err := c.Exec(as(tenantB), "select 1"); !errors.Is(err, core.ErrTenantMismatch) {
		t.Error(err)
	}
	var raw *pgx.Conn
	if err := c.WithConn(as(tenantA), func(conn *pgx.Conn) error {
		raw = conn
		if n := count(t, as(tenantB), conn); n != notesOfA {
			t.Errorf("the raw connection sees %d notes", n)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	tx, err := c.Begin(as(tenantA))
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, as(tenantA), tx); n != notesOfA {
		t.Errorf("A sees %d notes", n)
	}
	if err := tx.Commit(as(tenantA)); err != nil {
		t.Fatal(err)
	}
	c.Release()
	c.Release()
	if _, err := c.Exec(as(tenantA), "select 1"); err == nil {
		t.Error("a released connection works")
	}
	if err := raw.QueryRow(as(tenantA), "select count(*) from note").Scan(new(int)); err == nil {
		t.Error("a raw connection works after its release")
	}
	if n := count(t, as(tenantB), db); n != notesOfB {
		t.Errorf("B sees %d notes", n)
	}
}
