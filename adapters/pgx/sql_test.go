package stratumpgx_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// sqlQuerier is what database/sql's DB, Conn, Tx and a prepared count have in common.
type sqlQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func sqlCount(ctx context.Context, q sqlQuerier) (n int, err error) {
	err = q.QueryRowContext(ctx, "select count(*) from note where id <= $1", notesOfA+notesOfB).Scan(&n)
	return n, err
}

func mustSQLCount(t testing.TB, ctx context.Context, q sqlQuerier, want int) {
	t.Helper()
	if n, err := sqlCount(ctx, q); err != nil || n != want {
		t.Fatalf("%d notes instead of %d, %v", n, want, err)
	}
}

func TestSQLInEveryMode(t *testing.T) {
	eachMode(t, func(t *testing.T, db *stratumpgx.DB) {
		s := db.SQL()
		for range 3 {
			mustSQLCount(t, as(tenantA), s, notesOfA)
			mustSQLCount(t, as(tenantB), s, notesOfB)
			mustSQLCount(t, core.System(context.Background(), "test"), s, notesOfA+notesOfB)
		}
		if _, err := sqlCount(context.Background(), s); !errors.Is(err, core.ErrNoTenant) {
			t.Fatal(err)
		}
		if s != db.SQL() {
			t.Error("SQL makes a new handle each time")
		}
	})
}

// TestSQLPoolKnobsAreHarmless is the case that gave 800 wrong answers in 1,600 to a
// scope fixed when database/sql connects.
func TestSQLPoolKnobsAreHarmless(t *testing.T) {
	d := database(t)
	for name, set := range map[string]func(*sql.DB){
		"defaults":        func(*sql.DB) {},
		"one connection":  func(s *sql.DB) { s.SetMaxOpenConns(1) },
		"two connections": func(s *sql.DB) { s.SetMaxOpenConns(2); s.SetMaxIdleConns(1) },
		"idle":            func(s *sql.DB) { s.SetMaxIdleConns(4) },
		"none idle":       func(s *sql.DB) { s.SetMaxIdleConns(0) },
		"short lives":     func(s *sql.DB) { s.SetConnMaxLifetime(1); s.SetConnMaxIdleTime(1) },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, d, "&pool_max_conns=3", stratumpgx.Config{}).SQL()
			set(s)
			var wg sync.WaitGroup
			for g := range 16 {
				wg.Go(func() {
					tenant, want := tenantA, notesOfA
					if g%2 == 1 {
						tenant, want = tenantB, notesOfB
					}
					for range 50 {
						if n, err := sqlCount(as(tenant), s); err != nil || n != want {
							t.Errorf("%s sees %d notes, %v", tenant.Slug, n, err)
							return
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestSQLTransactions(t *testing.T) {
	d := database(t)
	db := open(t, d, "&pool_max_conns=1", stratumpgx.Config{})
	s := db.SQL()
	for _, opts := range []*sql.TxOptions{
		nil, {Isolation: sql.LevelSerializable}, {Isolation: sql.LevelRepeatableRead}, {Isolation: sql.LevelReadCommitted},
		{Isolation: sql.LevelReadUncommitted}, {Isolation: sql.LevelSnapshot}, {ReadOnly: true},
	} {
		tx, err := s.BeginTx(as(tenantA), opts)
		if err != nil {
			t.Fatal(err)
		}
		mustSQLCount(t, as(tenantA), tx, notesOfA)
		mustSQLCount(t, context.Background(), tx, notesOfA) // inherits
		if _, err := sqlCount(as(tenantB), tx); !errors.Is(err, core.ErrTenantMismatch) {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(context.Background(), "update note set body = body"); (err != nil) != (opts != nil && opts.ReadOnly) {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		mustSQLCount(t, as(tenantB), s, notesOfB)
	}
	if _, err := s.Begin(); !errors.Is(err, core.ErrNoTenant) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(as(tenantA))
	tx, err := s.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("insert into note (body) values ('lost')"); err != nil {
		t.Fatal(err)
	}
	cancel()
	for { // database/sql rolls back in a goroutine of its own
		if err := tx.Rollback(); err != nil {
			break
		}
	}
	if n := count(t, as(tenantA), db); n != notesOfA {
		t.Fatalf("a cancelled transaction left something: %d", n)
	}
}

func TestSQLPreparedStatements(t *testing.T) {
	db := open(t, database(t), "&pool_max_conns=2", stratumpgx.Config{})
	s := db.SQL()
	if err := s.Ping(); err != nil {
		t.Fatal("Ping needs a tenant:", err)
	}
	stmt, err := s.Prepare("select count(*) from note where id <= $1")
	if err != nil {
		t.Fatal("Prepare needs a tenant:", err)
	}
	defer stmt.Close()
	for range 3 {
		for tenant, want := range map[*core.Tenant]int{tenantA: notesOfA, tenantB: notesOfB} {
			var n int
			if err := stmt.QueryRowContext(as(tenant), 30).Scan(&n); err != nil || n != want {
				t.Fatalf("%s sees %d, %v", tenant.Slug, n, err)
			}
		}
	}
	if err := stmt.QueryRow(30).Scan(new(int)); !errors.Is(err, core.ErrNoTenant) {
		t.Fatal("a statement ran without a tenant:", err)
	}
	tx, err := s.BeginTx(as(tenantB), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var n int
	if err := tx.Stmt(stmt).QueryRow(30).Scan(&n); err != nil || n != notesOfB {
		t.Fatal(n, err)
	}
}

func TestSQLConnKeepsItsSession(t *testing.T) {
	db := open(t, database(t), "&pool_max_conns=2", stratumpgx.Config{})
	c, err := db.SQL().Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	pid := func(ctx context.Context) (n int) {
		t.Helper()
		if err := c.QueryRowContext(ctx, "select pg_backend_pid()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	first := pid(as(tenantA))
	if pid(as(tenantA)) != first {
		t.Error("the session changed")
	}
	if _, err := c.ExecContext(as(tenantA), "create temporary table mine (v int)"); err != nil {
		t.Fatal(err)
	}
	mustSQLCount(t, as(tenantB), c, notesOfB)
	if _, err := c.ExecContext(as(tenantB), "select * from mine"); err == nil {
		t.Error("B got the session of A with its temporary table")
	}
	if err := c.QueryRowContext(context.Background(), "select 1").Scan(new(int)); !errors.Is(err, core.ErrNoTenant) {
		t.Error(err)
	}
	rows, err := c.QueryContext(as(tenantA), "select generate_series(1, 1000000)")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.QueryContext(as(tenantB), "select 1"); !errors.Is(err, core.ErrTenantMismatch) {
		t.Error("another tenant while rows are open:", err)
	}
	rows.Close()
	err = c.Raw(func(dc any) error {
		return dc.(*stratumpgx.DriverConn).WithConn(as(tenantB), func(conn *pgx.Conn) error {
			if n := count(t, as(tenantA), conn); n != notesOfB {
				return fmt.Errorf("the raw connection of B sees %d notes", n)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

func TestSQLBadConnectionsHurtNobody(t *testing.T) {
	d := database(t)
	s := open(t, d, "&pool_max_conns=4", stratumpgx.Config{}).SQL()
	s.SetMaxOpenConns(2)
	killer := d.Conn(t, embedpg.Superuser)
	stop := make(chan struct{})
	var wg, killing sync.WaitGroup
	killing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = killer.Exec(context.Background(), "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'stratum_app' and datname = current_database() limit 1")
			}
		}
	})
	for g := range 8 {
		wg.Go(func() {
			tenant, want := tenantA, notesOfA
			if g%2 == 1 {
				tenant, want = tenantB, notesOfB
			}
			for range 25 {
				n, err := sqlCount(as(tenant), s)
				if err == nil && n != want {
					t.Errorf("%s sees %d notes", tenant.Slug, n)
				}
				if errors.Is(err, core.ErrNoTenant) || errors.Is(err, core.ErrTenantMismatch) {
					t.Errorf("an innocent caller got %v", err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	killing.Wait()
}

// TestSQLNeverRunsAStatementTwice: a connection that is lost while a statement runs
// must not make database/sql try again.
func TestSQLNeverRunsAStatementTwice(t *testing.T) {
	d := database(t)
	d.Exec(t, embedpg.Owner, "create sequence ran")
	d.Exec(t, embedpg.Owner, "grant all on sequence ran to stratum_app")
	d.Exec(t, embedpg.Superuser, "create function die() returns void language sql security definer as 'select pg_terminate_backend(pg_backend_pid())'")
	d.Exec(t, embedpg.Superuser, "grant execute on function die() to stratum_app")
	for _, mode := range modes {
		db := open(t, d, "&default_query_exec_mode="+mode, stratumpgx.Config{})
		var before, after int
		admin := d.Conn(t, embedpg.Superuser)
		if err := admin.QueryRow(t.Context(), "select last_value from ran").Scan(&before); err != nil {
			t.Fatal(err)
		}
		if _, err := db.SQL().ExecContext(as(tenantA), "select nextval('ran'), die()"); err == nil {
			t.Fatal("no error")
		}
		if _, err := db.Exec(as(tenantA), "select nextval('ran'), die()"); err == nil {
			t.Fatal("no error")
		}
		if err := admin.QueryRow(t.Context(), "select last_value from ran").Scan(&after); err != nil {
			t.Fatal(err)
		}
		if after-before > 2 {
			t.Errorf("%s: two statements ran %d times", mode, after-before)
		}
	}
}

// A handle whose statements are not prepared serves the same scope, and ends with the DB.
func TestSQLExec(t *testing.T) {
	d := database(t)
	db := open(t, d, "&pool_max_conns=1", stratumpgx.Config{})
	texts := db.SQLExec(pgx.QueryExecModeExec)
	if texts == db.SQL() || texts != db.SQLExec(pgx.QueryExecModeExec) {
		t.Error("there must be one handle for each mode")
	}
	prepared := func() (n int) {
		if err := texts.QueryRowContext(as(tenantA), "select count(*) from pg_prepared_statements where name not like 'stratum%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := prepared()
	for i := range 3 {
		var n int
		if err := texts.QueryRowContext(as(tenantA), fmt.Sprintf("select count(*) from note where %d = %[1]d", i)).Scan(&n); err != nil || n != notesOfA {
			t.Errorf("A sees %d notes, %v", n, err)
		}
		if _, err := texts.ExecContext(as(tenantB), fmt.Sprintf("update note set body = body where %d <> %[1]d", i)); err != nil {
			t.Error(err)
		}
	}
	if n := prepared(); n != before {
		t.Errorf("%d statements were prepared", n-before)
	}
	var n int
	if err := texts.QueryRowContext(as(tenantB), "select count(*) from note where $1", true).Scan(&n); err != nil || n != notesOfB {
		t.Errorf("B sees %d notes, %v", n, err)
	}
	if prepared() != before+1 {
		t.Error("a statement with arguments is prepared as ever")
	}
	simple := open(t, d, "&default_query_exec_mode=simple_protocol", stratumpgx.Config{})
	if simple.SQLExec(pgx.QueryExecModeExec) != simple.SQL() {
		t.Error("the configuration's own mode must be that of all")
	}
	db.Close()
	for name, closed := range map[string]*sql.DB{"made before": texts, "made after": db.SQLExec(pgx.QueryExecModeDescribeExec)} {
		if err := closed.PingContext(t.Context()); err == nil {
			t.Errorf("%s: a handle of a closed DB answers", name)
		}
	}
}
