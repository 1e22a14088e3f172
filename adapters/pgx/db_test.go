package stratumpgx_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// modes are all ways in which pgx executes a query.
var modes = []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"}

// eachMode runs a test in every exec mode on a pool of one connection: whatever is
// left on it meets the next tenant.
func eachMode(t *testing.T, test func(t *testing.T, db *stratumpgx.DB)) {
	eachModeOf(t, database(t), test)
}

func eachModeOf(t *testing.T, d *pgtest.Database, test func(t *testing.T, db *stratumpgx.DB)) {
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			test(t, open(t, d, "&pool_max_conns=1&default_query_exec_mode="+mode, stratumpgx.Config{System: d.URL(embedpg.System), Logger: slog.New(slog.DiscardHandler)}))
		})
	}
}

func TestQueriesSeeTheirTenantOnly(t *testing.T) {
	eachMode(t, func(t *testing.T, db *stratumpgx.DB) {
		for range 3 {
			if n := count(t, as(tenantA), db); n != notesOfA {
				t.Fatalf("A sees %d notes", n)
			}
			if n := count(t, as(tenantB), db); n != notesOfB {
				t.Fatalf("B sees %d notes", n)
			}
			if n := count(t, core.System(context.Background(), "test"), db); n != notesOfA+notesOfB {
				t.Fatalf("system work sees %d notes", n)
			}
		}
		var body string
		if err := db.QueryRow(as(tenantB), "select body from shared where id = $1", 1).Scan(&body); err != nil {
			t.Fatal(err)
		}
		err := db.QueryRow(as(tenantB), "select body from note where id = $1", 1).Scan(&body)
		if err != pgx.ErrNoRows {
			t.Fatal("B reads a note of A by its id:", err)
		}
	})
}

func TestWritesStayWithTheirTenant(t *testing.T) {
	eachMode(t, func(t *testing.T, db *stratumpgx.DB) {
		var id int64
		if err := db.QueryRow(as(tenantA), "insert into note (body) values ($1) returning id", "new").Scan(&id); err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{"update note set body = 'stolen' where id = $1", "delete from note where id = $1"} {
			tag, err := db.Exec(as(tenantB), sql, id)
			if err != nil || tag.RowsAffected() != 0 {
				t.Fatalf("B: %s: %v, %v", sql, tag, err)
			}
		}
		var pe *pgconn.PgError
		_, err := db.Exec(as(tenantA), "insert into note (tenant_id, body) values ($1, 'planted')", tenantB.ID)
		if !errors.As(err, &pe) || pe.Code != "42501" {
			t.Fatal("A wrote a note of B:", err)
		}
		_, err = db.Exec(as(tenantA), "update note set tenant_id = $1", tenantB.ID)
		if !errors.As(err, &pe) || pe.Code != "42501" {
			t.Fatal("A moved its notes to B:", err)
		}
		if tag, err := db.Exec(as(tenantA), "delete from note where id = $1", id); err != nil || tag.RowsAffected() != 1 {
			t.Fatal(tag, err)
		}
	})
}

func TestWithoutScopeNothingIsSent(t *testing.T) {
	d := database(t)
	db := open(t, d, "", stratumpgx.Config{})
	before := db.Stat().AcquireCount()
	for name, test := range map[string]struct {
		ctx  context.Context
		want error
	}{
		"no tenant":     {context.Background(), core.ErrNoTenant},
		"nil tenant":    {core.NewContext(as(tenantA), nil), core.ErrNoTenant},
		"zero id":       {as(&core.Tenant{}), core.ErrNoTenant},
		"no reason":     {core.System(context.Background(), ""), core.ErrSystemReason},
		"system":        {core.System(context.Background(), "test"), core.ErrScopeUnsupported},
		"subtree":       {core.Subtree(as(tenantA)), core.ErrScopeUnsupported},
		"other storage": {as(&core.Tenant{ID: tenantA.ID, Placement: core.Placement{Strategy: core.SchemaPerTenant}}), core.ErrScopeUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := db.Exec(test.ctx, "select 1")
			check := func(how string, err error) {
				t.Helper()
				if !errors.Is(err, test.want) {
					t.Errorf("%s: %v, not %v", how, err, test.want)
				}
			}
			check("Exec", err)
			rows, err := db.Query(test.ctx, "select 1")
			check("Query", err)
			check("Rows.Err", rows.Err())
			rows.Close()
			check("QueryRow", db.QueryRow(test.ctx, "select 1").Scan(new(int)))
			b := &pgx.Batch{}
			b.Queue("select 1")
			check("SendBatch", db.SendBatch(test.ctx, b).Close())
			_, err = db.Begin(test.ctx)
			check("Begin", err)
			_, err = db.Acquire(test.ctx)
			check("Acquire", err)
			_, err = db.CopyTo(test.ctx, &bytes.Buffer{}, "copy note to stdout")
			check("CopyTo", err)
			_, err = db.CopyFrom(test.ctx, pgx.Identifier{"note"}, []string{"body"}, pgx.CopyFromRows([][]any{{"x"}}))
			check("CopyFrom", err)
			_, err = db.SQL().ExecContext(test.ctx, "select 1")
			check("SQL", err)
		})
	}
	if n := db.Stat().AcquireCount(); n != before {
		t.Errorf("%d connections were taken for work without a scope", n-before)
	}
	if err := db.Ping(context.Background()); err != nil {
		t.Error("Ping needs a tenant:", err)
	}
}

func TestBatches(t *testing.T) {
	eachMode(t, func(t *testing.T, db *stratumpgx.DB) {
		for _, tenant := range []*core.Tenant{tenantA, tenantB, tenantA} {
			want := notesOfA
			if tenant == tenantB {
				want = notesOfB
			}
			b := &pgx.Batch{}
			for range 300 {
				b.Queue("select count(*) from note where id > $1", 0).QueryRow(func(row pgx.Row) error {
					var n int
					if err := row.Scan(&n); err != nil {
						return err
					}
					if n != want {
						t.Errorf("%s sees %d notes", tenant.Slug, n)
					}
					return nil
				})
			}
			if err := db.SendBatch(as(tenant), b).Close(); err != nil {
				t.Fatal(err)
			}
		}
		b := &pgx.Batch{}
		b.Queue("insert into note (body) values ($1)", "lost")
		b.Queue("select 1/$1::int", 0)
		results := db.SendBatch(as(tenantA), b)
		if err := results.Close(); err == nil {
			t.Fatal("no error")
		}
		first := results.Close()
		if first == nil {
			t.Fatal("a second Close lost the error")
		}
		if n := count(t, as(tenantA), db); n != notesOfA {
			t.Fatalf("a failed batch left something: %d", n)
		}
	})
}

// TestHugeBatch would deadlock if the wire held a lock while it writes.
func TestHugeBatch(t *testing.T) {
	db := open(t, database(t), "", stratumpgx.Config{})
	b := &pgx.Batch{}
	for range 10_000 {
		b.Queue("select body, repeat('x', 200) from note where id > $1", 0)
	}
	if err := db.SendBatch(as(tenantB), b).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestBatchThatBegins(t *testing.T) {
	db := open(t, database(t), "&pool_max_conns=1", stratumpgx.Config{})
	b := &pgx.Batch{}
	b.BeginTx(pgx.TxOptions{})
	b.Queue("insert into note (body) values ($1)", "in")
	results := db.SendBatch(as(tenantA), b)
	tx := results.Tx()
	if err := results.Close(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, as(tenantA), tx); n != notesOfA+1 {
		t.Fatalf("the transaction sees %d notes", n)
	}
	if err := tx.QueryRow(as(tenantB), "select 1").Scan(new(int)); !errors.Is(err, core.ErrTenantMismatch) {
		t.Fatal(err)
	}
	if err := tx.Rollback(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, as(tenantA), db); n != notesOfA {
		t.Fatalf("after the rollback, %d notes", n)
	}
}

func TestRowsAreStreamedAndClosedEarly(t *testing.T) {
	eachMode(t, func(t *testing.T, db *stratumpgx.DB) {
		rows, err := db.Query(as(tenantA), "select body, repeat('x', 1000) from note, generate_series(1, $1::int)", 1000)
		if err != nil {
			t.Fatal(err)
		}
		if !rows.Next() {
			t.Fatal(rows.Err())
		}
		if rows.Conn() != nil {
			t.Error("rows give the raw connection away")
		}
		rows.Close()
		rows.Close()
		if n := count(t, as(tenantB), db); n != notesOfB {
			t.Fatalf("after an early close B sees %d notes", n)
		}
		if db.Stat().AcquiredConns() != 0 {
			t.Error("the connection was not given back")
		}
	})
}

func TestStatementsThatCannotBeScoped(t *testing.T) {
	d := database(t)
	db := open(t, d, "", stratumpgx.Config{})
	_, err := db.Exec(as(tenantA), "vacuum note")
	var pe *pgconn.PgError
	if !errors.Is(err, core.ErrUnscopedOnly) || !errors.As(err, &pe) || pe.Code != "25001" || !strings.Contains(err.Error(), "core.System") {
		t.Fatal(err)
	}
	_, err = db.SQL().ExecContext(as(tenantA), "vacuum note")
	if !errors.Is(err, core.ErrUnscopedOnly) {
		t.Fatal(err)
	}
}

func TestErrorPositionsAreThoseOfTheQuery(t *testing.T) {
	d := database(t)
	plain := d.Conn(t, embedpg.App)
	db := open(t, d, "", stratumpgx.Config{})
	for _, sql := range []string{"selec 1", "select 1, nowhere", "select 'é', x", strings.Repeat("select 1; ", 20) + "selec 2"} {
		var want, got *pgconn.PgError
		_, err := plain.Exec(t.Context(), sql)
		if !errors.As(err, &want) {
			t.Fatal(err)
		}
		_, err = db.Exec(as(tenantA), sql)
		if !errors.As(err, &got) || *got != *want {
			t.Errorf("%s:\n%+v, not\n%+v", sql, got, want)
		}
	}
}

func TestUnitsThatEndTheirTransaction(t *testing.T) {
	d := database(t)
	db := open(t, d, "", stratumpgx.Config{})
	ctx := as(tenantA)
	batch := func(queries ...string) error {
		b := &pgx.Batch{}
		for _, q := range queries {
			b.Queue(q)
		}
		return db.SendBatch(ctx, b).Close()
	}
	ended := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, core.ErrScopeEnded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	ended("a queued commit", batch("insert into note (body) values ('x')", "commit", "select count(*) from note"))
	_, err := db.Exec(ctx, "commit; select count(*) from note")
	ended("a commit in a string", err)
	if d.Server().Version() < 180000 { // 18 refuses the CALL itself
		ended("a call that commits", batch("call committing()", "select count(*) from note"))
	}
	if err := batch("select 1", "call harmless()"); err != nil {
		t.Error(err)
	}
	for _, end := range []string{"commit and chain", "rollback and chain"} {
		tx, err := db.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(ctx, end); err != nil {
			t.Fatal(err)
		}
		var n int
		err = tx.QueryRow(ctx, "select count(*) from note where id <= 30").Scan(&n)
		if end == "commit and chain" {
			ended(end, err)
		} else if err != nil || n != notesOfA { // its tag is that of ROLLBACK TO: the scope is renewed
			t.Errorf("%s: %d, %v", end, n, err)
		}
		_ = tx.Rollback(ctx)
	}
	var n int
	if err := db.QueryRow(ctx, "select count(*) from note where id <= 30").Scan(&n); err != nil || n != notesOfA {
		t.Fatal(n, err)
	}
}
