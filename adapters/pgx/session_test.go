package stratumpgx_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// spied opens a database with one connection whose AfterRelease hook, which runs
// without a scope, says what is left on it.
func spied(t *testing.T, params string, edit func(*pgxpool.Config)) (*stratumpgx.DB, func() string) {
	t.Helper()
	d := database(t)
	pc, err := pgxpool.ParseConfig(d.URL(embedpg.App) + "&pool_max_conns=1" + params)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan string, 1000)
	pc.AfterRelease = func(conn *pgx.Conn) bool {
		var setting string
		if err := conn.QueryRow(context.Background(), "select coalesce(current_setting('app.current_tenant_id', true), '')").Scan(&setting); err != nil {
			setting = err.Error()
		}
		left <- setting
		return true
	}
	if edit != nil {
		edit(pc)
	}
	db, err := stratumpgx.New(t.Context(), pc, stratumpgx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, func() string {
		select {
		case s := <-left:
			return s
		case <-time.After(10 * time.Second):
			return "no connection came back"
		}
	}
}

func TestNoSettingSurvives(t *testing.T) {
	ctx := as(tenantA)
	timeout := func() context.Context {
		c, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		t.Cleanup(cancel)
		return c
	}
	for _, mode := range modes {
		t.Run(mode, func(t *testing.T) {
			db, left := spied(t, "&default_query_exec_mode="+mode, func(pc *pgxpool.Config) {
				// Keeps a cancelled connection, so that there is something to look at.
				pc.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
					return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 5 * time.Second}
				}
			})
			for _, test := range []struct {
				name string
				work func() error
				fail bool
			}{
				{"success", func() error { _, err := db.Exec(ctx, "select $1::int", 1); return err }, false},
				{"error", func() error { _, err := db.Exec(ctx, "select 1/$1::int", 0); return err }, true},
				{"syntax error", func() error { _, err := db.Exec(ctx, "selec"); return err }, true},
				{"cancellation", func() error { _, err := db.Exec(timeout(), "select pg_sleep($1)", 30); return err }, true},
				{"statement timeout", func() error {
					_, err := db.Exec(ctx, "set local statement_timeout = 10; select pg_sleep(30)")
					return err
				}, true},
				{"panic", func() (err error) {
					defer func() { err = recover().(error) }()
					rows, _ := db.Query(ctx, "select generate_series(1, $1::int)", 100000)
					defer rows.Close()
					rows.Next()
					panic(errors.New("boom"))
				}, true},
				{"copy out", func() error {
					_, err := db.CopyTo(ctx, &bytes.Buffer{}, "copy (select * from note) to stdout")
					return err
				}, false},
				{"copy in", func() error {
					_, err := db.CopyFrom(ctx, pgx.Identifier{"note"}, []string{"body"}, bodies(200))
					return err
				}, false},
				{"copy in, error", func() error {
					_, err := db.CopyFrom(ctx, pgx.Identifier{"note"}, []string{"body"}, pgx.CopyFromSlice(200, func(i int) ([]any, error) {
						if i == 150 {
							return nil, errors.New("boom")
						}
						return []any{"x"}, nil
					}))
					return err
				}, true},
				{"transaction", func() error { return db.BeginFunc(ctx, func(pgx.Tx) error { return nil }) }, false},
				{"failed transaction", func() error {
					return db.BeginFunc(ctx, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, "selec"); return err })
				}, true},
				{"set_config for good", func() error { _, err := db.Exec(ctx, "set app.current_tenant_id = 'x'"); return err }, false},
			} {
				if err := test.work(); (err != nil) != test.fail {
					t.Fatalf("%s: %v", test.name, err)
				}
				if s := left(); s != "" {
					t.Errorf("after %s: %q", test.name, s)
				}
			}
		})
	}
}

func bodies(n int) pgx.CopyFromSource {
	return pgx.CopyFromSlice(n, func(int) ([]any, error) { return []any{"x"}, nil })
}

// TestWhatASessionIsLeftWith: each statement would make the next tenant's query wrong,
// were it left.
func TestWhatASessionIsLeftWith(t *testing.T) {
	d := database(t)
	for _, reset := range []stratumpgx.Reset{stratumpgx.ResetMarked, stratumpgx.ResetAlways} {
		db := open(t, d, "&pool_max_conns=1", stratumpgx.Config{Reset: reset})
		for _, sql := range []string{
			"create temporary table note as select * from note",
			"create temporary table note as select * from note where false",
			"create temporary table note (id int)",
			"select * into temporary note from note",
			"create temporary view note as select 1 as id",
			"set search_path = pg_catalog",
			"do $$ begin perform set_config('search_path', 'pg_catalog', false); end $$",
			"prepare stratum_scope(text) as select 1; deallocate all",
		} {
			for _, args := range [][]any{nil, {pgx.QueryExecModeExec}, {pgx.QueryExecModeCacheStatement}} {
				_, _ = db.Exec(as(tenantA), sql, args...)
				var n int
				err := db.QueryRow(as(tenantB), "select count(*) from note where id <= 30").Scan(&n)
				if err != nil || n != notesOfB {
					t.Fatalf("reset %d: after %q with %v, B sees %d notes, %v", reset, sql, args, n, err)
				}
			}
		}
	}
}

func TestResetNeverKeepsTheSession(t *testing.T) {
	db := open(t, database(t), "&pool_max_conns=1", stratumpgx.Config{Reset: stratumpgx.ResetNever})
	if _, err := db.Exec(as(tenantA), "create temporary table kept as select 1 as v"); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(as(tenantA), "select v from kept").Scan(new(int)); err != nil {
		t.Fatal(err)
	}
}

// TestDeallocateAll: the scope statement is gone, and nobody must notice.
func TestDeallocateAll(t *testing.T) {
	for _, reset := range []stratumpgx.Reset{stratumpgx.ResetMarked, stratumpgx.ResetNever} {
		db := open(t, database(t), "&pool_max_conns=1&default_query_exec_mode=exec", stratumpgx.Config{Reset: reset})
		for _, sql := range []string{"deallocate all", "discard plans", "select 1"} {
			if _, err := db.Exec(as(tenantA), sql); err != nil {
				t.Fatal(sql, err)
			}
			if n := count(t, as(tenantB), db); n != notesOfB {
				t.Fatalf("after %s, B sees %d notes", sql, n)
			}
		}
		err := db.BeginFunc(as(tenantA), func(tx pgx.Tx) error {
			_, err := tx.Exec(as(tenantA), "deallocate all")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := count(t, as(tenantB), db); n != notesOfB {
			t.Fatalf("B sees %d notes", n)
		}
	}
}

// TestHooksAreChained: what the user has set in the configuration runs too, each hook
// in the state that its documentation promises.
func TestHooksAreChained(t *testing.T) {
	events := make(chan string, 1000)
	db, left := spied(t, "", func(pc *pgxpool.Config) {
		after := pc.AfterRelease
		pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
			events <- "AfterConnect"
			_, err := conn.Exec(ctx, "set application_name = 'mine'")
			return err
		}
		pc.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
			var s string
			err := conn.QueryRow(ctx, "select current_setting('app.current_tenant_id')").Scan(&s)
			events <- "PrepareConn " + s
			return true, err
		}
		pc.AfterRelease = func(conn *pgx.Conn) bool {
			events <- "AfterRelease"
			return after(conn)
		}
	})
	var name string
	for range 2 {
		if err := db.QueryRow(as(tenantA), "show application_name").Scan(&name); err != nil || name != "mine" {
			t.Fatal(name, err)
		}
		left()
	}
	// A reset would undo what AfterConnect has set: the connection is replaced instead.
	if _, err := db.Exec(as(tenantA), "set application_name = 'other'"); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRow(as(tenantA), "show application_name").Scan(&name); err != nil || name != "mine" {
		t.Fatal(name, err)
	}
	for i, want := range []string{"AfterConnect", "PrepareConn " + tenantA.ID.String(), "AfterRelease", "PrepareConn " + tenantA.ID.String()} {
		if got := <-events; got != want {
			t.Errorf("hook %d was %s, not %s", i, got, want)
		}
	}
}

// TestOneRoundTripAfterAPause: pgxpool would ping a connection that has been idle.
func TestOneRoundTripAfterAPause(t *testing.T) {
	d := database(t)
	db := open(t, d, "&pool_max_conns=1", stratumpgx.Config{})
	backend := func() (pid int) {
		t.Helper()
		if err := db.QueryRow(as(tenantA), "select pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		return pid
	}
	before := backend()
	pause(t, 1100*time.Millisecond)
	if backend() != before {
		t.Error("a healthy connection was replaced")
	}
	pause(t, 1100*time.Millisecond)
	d.Exec(t, embedpg.Superuser, "select pg_terminate_backend($1, 5000)", before)
	if backend() == before {
		t.Error("a dead connection was used")
	}
}

// pause waits for real time to pass, which is what the test is about.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.Context().Done():
	}
}

func TestSystemWorkIsSeparate(t *testing.T) {
	d := database(t)
	if _, err := stratumpgx.Open(t.Context(), d.URL(embedpg.App), stratumpgx.Config{System: d.URL(embedpg.App)}); err == nil {
		t.Error("system work with the application's login was accepted")
	}
	db := open(t, d, "", stratumpgx.Config{System: d.URL(embedpg.System)})
	if n := count(t, core.System(as(tenantA), "report"), db); n != notesOfA+notesOfB {
		t.Errorf("system work sees %d notes", n)
	}
	if _, err := db.Exec(core.System(as(tenantA), "maintenance"), "vacuum shared"); errors.Is(err, core.ErrUnscopedOnly) {
		t.Error("system work was told to become system work")
	}
}
