package embedpg_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// may reports whether a role can run a statement.
func may(t *testing.T, srv *embedpg.Server, role, database, sql string) bool {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), srv.URL(role, database))
	if err == nil {
		defer func() { _ = conn.Close(context.Background()) }()
		_, err = conn.Exec(t.Context(), sql)
	}
	if err == nil {
		return true
	}
	var refused *pgconn.PgError
	if !errors.As(err, &refused) || refused.Code != "42501" { // insufficient_privilege
		t.Errorf("%s: %s: %v", role, sql, err)
	}
	return false
}

// matrix says which roles may do what in a database; the letters are Owner, App, System, sUbtree, Lib,
// Stranger.
var matrix = []struct{ sql, who string }{
	{"SELECT 1", "OASUL"},
	{"CREATE TEMPORARY TABLE x%s (a int)", "OASU"},
	{"CREATE TABLE public.x%s (a int)", "O"},
	{"CREATE SCHEMA x%s", "OL"},
	{"SELECT count(*) FROM public.readable", "OASU"}, // granted to PUBLIC, so only USAGE decides
}

func rights(t *testing.T, srv *embedpg.Server, database string) {
	t.Helper()
	exec1(t, srv, database, `CREATE TABLE IF NOT EXISTS public.readable (); GRANT SELECT ON public.readable TO PUBLIC;
		ALTER TABLE public.readable OWNER TO stratum_owner`)
	for letter, role := range map[string]string{
		"O": embedpg.Owner, "A": embedpg.App, "S": embedpg.System, "U": embedpg.Subtree, "L": embedpg.Lib, "X": "stranger",
	} {
		for _, line := range matrix {
			sql := line.sql
			if strings.Contains(sql, "%s") {
				sql = fmt.Sprintf(sql, letter)
			}
			if got, want := may(t, srv, role, database, sql), strings.Contains(line.who, letter); got != want {
				t.Errorf("%s in %s: %s: allowed %v, want %v", role, database, sql, got, want)
			}
		}
	}
}

func TestRightsInADatabase(t *testing.T) {
	srv := start(t, embedpg.Config{Database: "first"})
	exec1(t, srv, "", "CREATE ROLE stranger LOGIN")
	rights(t, srv, "first")

	check(t, srv.CreateDatabase(t.Context(), "second", ""))
	check(t, srv.CreateDatabase(t.Context(), "copy", "second"))
	rights(t, srv, "copy")

	// A template that was made otherwise does not pass its own rights on.
	exec1(t, srv, "", "CREATE DATABASE outside TEMPLATE template0")
	exec1(t, srv, "outside", "GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC, stratum_app, stratum_lib")
	check(t, srv.CreateDatabase(t.Context(), "third", "outside"))
	rights(t, srv, "third")

	exec1(t, srv, "second", "DROP SCHEMA public CASCADE")
	check(t, srv.CreateDatabase(t.Context(), "bare", "second"))
	if !may(t, srv, embedpg.Lib, "bare", "CREATE SCHEMA stratum") {
		t.Error("without a schema public the library cannot make its own")
	}
}

func TestCreateDatabaseCopies(t *testing.T) {
	srv := start(t, embedpg.Config{Database: "template"})
	exec1(t, srv, "template", "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 5000)")
	check(t, srv.CreateDatabase(t.Context(), "one", "template"))
	exec1(t, srv, "one", "DELETE FROM t WHERE id > 10")
	check(t, srv.CreateDatabase(t.Context(), "two", "template"))
	for database, want := range map[string]int{"one": 10, "two": 5000, "template": 5000} {
		var n int
		conn := connect(t, srv.URL(embedpg.Superuser, database))
		check(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM t").Scan(&n))
		if n != want {
			t.Errorf("%s has %d rows, want %d", database, n, want)
		}
	}
}

func TestNamesAreQuoted(t *testing.T) {
	srv := start(t, embedpg.Config{})
	for _, name := range []string{`a"; DROP ROLE stratum_app; --`, "MixedCase", "mit leerzeichen/&?", "ünïcode", "select", strings.Repeat("x", 63)} {
		check(t, srv.CreateDatabase(t.Context(), name, ""))
		var got string
		conn := connect(t, srv.URL(embedpg.App, name))
		check(t, conn.QueryRow(t.Context(), "SELECT current_database()").Scan(&got))
		if got != name {
			t.Errorf("made %q, asked for %q", got, name)
		}
		check(t, srv.DropDatabase(t.Context(), name))
	}
	for _, name := range []string{"", strings.Repeat("x", 64), "nul\x00"} {
		if err := srv.CreateDatabase(t.Context(), name, ""); err == nil {
			t.Errorf("a database of the name %q was made", name)
		}
		if err := srv.DropDatabase(t.Context(), name); err == nil {
			t.Errorf("a database of the name %q was dropped", name)
		}
	}
}

func TestCreateDatabaseFails(t *testing.T) {
	srv := start(t, embedpg.Config{Database: "there"})
	if err := srv.CreateDatabase(t.Context(), "there", ""); err == nil || !strings.Contains(err.Error(), `"there"`) {
		t.Errorf("a second database of the same name: %v", err)
	}
	if !may(t, srv, embedpg.App, "there", "SELECT 1") {
		t.Error("the failure removed the first one")
	}
	if err := srv.CreateDatabase(t.Context(), "x", "nowhere"); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a template that does not exist: %v", err)
	}
}

func TestUnfinishedDatabaseIsRemoved(t *testing.T) {
	srv := start(t, embedpg.Config{})
	exec1(t, srv, "", "CREATE DATABASE stubborn TEMPLATE template0")
	exec1(t, srv, "stubborn", `CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'I refuse'; END $$;
		CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('ALTER SCHEMA') EXECUTE FUNCTION refuse()`)
	if err := srv.CreateDatabase(t.Context(), "half", "stubborn"); err == nil || !strings.Contains(err.Error(), "I refuse") {
		t.Fatalf("error %v", err)
	}
	var left bool
	conn := connect(t, srv.URL(embedpg.Superuser, ""))
	check(t, conn.QueryRow(t.Context(), "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'half')").Scan(&left))
	if left {
		t.Error("a database without its rights was left behind")
	}
}

func TestDropDatabase(t *testing.T) {
	srv := start(t, embedpg.Config{Database: "busy"})
	conn := connect(t, srv.URL(embedpg.App, "busy"))
	check(t, srv.DropDatabase(t.Context(), "busy"))
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("a connection survived its database")
	}
	check(t, srv.DropDatabase(t.Context(), "busy"))
	if err := srv.DropDatabase(t.Context(), "postgres"); err == nil {
		t.Error("the database of the administration was dropped")
	}
}

func TestCreateDatabaseConcurrently(t *testing.T) {
	srv := start(t, embedpg.Config{Database: "template"})
	exec1(t, srv, "template", "CREATE TABLE t (id int)")
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 3 {
				name := fmt.Sprintf("db_%d_%d", i, j)
				if err := srv.CreateDatabase(t.Context(), name, "template"); err != nil {
					t.Error(err)
					return
				}
				if !may(t, srv, embedpg.App, name, "SELECT 1") {
					t.Errorf("%s cannot be used", name)
				}
				if err := srv.DropDatabase(t.Context(), name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}
