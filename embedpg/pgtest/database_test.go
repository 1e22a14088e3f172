package pgtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stratum-hq/stratum-go/embedpg"
)

var allRoles = []string{embedpg.Superuser, embedpg.Owner, embedpg.App, embedpg.System, embedpg.Subtree, embedpg.Lib}

// exists reports whether there is a database of that name.
func exists(t *testing.T, server *embedpg.Server, name string) bool {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.URL(embedpg.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var yes bool
	err = conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&yes)
	if err != nil {
		t.Fatal(err)
	}
	return yes
}

func TestNew(t *testing.T) {
	var used *Database
	var conn *pgx.Conn
	t.Run("use", func(t *testing.T) {
		used = New(t)
		if !exists(t, used.Server(), used.Name) {
			t.Error("no database")
		}
		for _, role := range allRoles {
			var user, database string
			conn = used.Conn(t, role)
			if err := conn.QueryRow(t.Context(), "SELECT session_user, current_database()").Scan(&user, &database); err != nil {
				t.Fatal(err)
			}
			if user != role || database != used.Name {
				t.Errorf("connected as %s to %s, want %s and %s", user, database, role, used.Name)
			}
		}
	})
	if used == nil {
		t.SkipNow()
	}
	if !conn.IsClosed() {
		t.Error("the connection is open after the test")
	}
	if exists(t, used.Server(), used.Name) {
		t.Error("the database is there after the test")
	}
}

func TestURLs(t *testing.T) {
	db := New(t)
	if db.TCPURL(embedpg.App) == "" {
		t.Skip("no TCP")
	}
	for _, url := range []string{db.URL(embedpg.App), db.TCPURL(embedpg.App)} {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestDatabasesAreApart(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := New(t)
			db.Exec(t, embedpg.Owner, "CREATE TABLE t (name text)") // fails if another made it
			db.Exec(t, embedpg.Owner, "INSERT INTO t VALUES ($1)", name)
		})
	}
}

func TestExecIsASessionOfItsOwn(t *testing.T) {
	db := New(t)
	db.Exec(t, embedpg.App, "SET application_name = 'left'; CREATE TEMPORARY TABLE t (a int); PREPARE p AS SELECT 1")
	db.Exec(t, embedpg.App, "SELECT $1::int", 1)
	db.Exec(t, embedpg.App, "SELECT $1::int", 1) // prepared again, not by a name that is gone
	db.Exec(t, embedpg.App, `DO $$ BEGIN
		ASSERT current_setting('application_name') <> 'left';
		ASSERT to_regclass('t') IS NULL;
		ASSERT NOT EXISTS (SELECT FROM pg_prepared_statements);
	END $$`)
	db.Exec(t, embedpg.App, "BEGIN")
	db.Exec(t, embedpg.App, "CREATE TEMPORARY TABLE t (a int) ON COMMIT DROP")
	db.Exec(t, embedpg.App, "DO $$ BEGIN ASSERT to_regclass('t') IS NULL, 'still in a transaction'; END $$")
}

func TestExecFailsTheTest(t *testing.T) {
	db := New(t)
	r := record(t, func(r *recorder) { db.Exec(r, embedpg.App, "CREATE TABLE public.t ()") })
	if !r.failed || !strings.Contains(r.text, embedpg.App) || !strings.Contains(r.text, "permission denied") {
		t.Errorf("failed %v: %s", r.failed, r.text)
	}
	db.Exec(t, embedpg.App, "SELECT 1") // and the next one works
}

func TestExecAtOnce(t *testing.T) {
	db := New(t)
	db.Exec(t, embedpg.Owner, "CREATE TABLE t (a int); GRANT ALL ON t TO stratum_app")
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 5 {
				db.Exec(t, embedpg.App, "INSERT INTO t VALUES ($1)", 1)
			}
		})
	}
	group.Wait()
	var n int
	if err := db.Conn(t, embedpg.App).QueryRow(t.Context(), "SELECT count(*) FROM t").Scan(&n); err != nil || n != 20 {
		t.Errorf("%d rows, error %v", n, err)
	}
}

func TestNewWithRunsSetupOnce(t *testing.T) {
	New(t)                // skips where there is no PostgreSQL
	key := process.name() // another one at each run of -count
	var calls atomic.Int32
	setup := func(ctx context.Context, superuser *pgx.Conn) error {
		calls.Add(1)
		_, err := superuser.Exec(ctx, "CREATE TABLE t AS SELECT 1 AS a; ALTER TABLE t OWNER TO stratum_owner")
		return err
	}
	t.Run("tests", func(t *testing.T) {
		for _, name := range []string{"a", "b", "c", "d"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				db := NewWith(t, key, setup)
				db.Exec(t, embedpg.Owner, "DO $$ BEGIN ASSERT (SELECT count(*) FROM t) = 1; END $$; INSERT INTO t VALUES (2)")
			})
		}
	})
	if n := calls.Load(); n != 1 {
		t.Errorf("setup ran %d times", n)
	}
	other := func(ctx context.Context, superuser *pgx.Conn) error {
		_, err := superuser.Exec(ctx, "CREATE TABLE u ()")
		return err
	}
	NewWith(t, key+"other", other).Exec(t, embedpg.Superuser, "SELECT FROM u")
}

func TestNewWithFailsAllTestsOfTheKey(t *testing.T) {
	New(t)                // skips here rather than in the recorder
	key := process.name() // another one at each run of -count
	calls := 0
	setup := func(context.Context, *pgx.Conn) error {
		calls++
		return errors.New("no such luck")
	}
	for range 2 {
		r := record(t, func(r *recorder) { NewWith(r, key, setup) })
		if !r.failed || !strings.Contains(r.text, key) || !strings.Contains(r.text, "no such luck") {
			t.Errorf("failed %v: %s", r.failed, r.text)
		}
	}
	if calls != 1 {
		t.Errorf("setup ran %d times", calls)
	}
}
