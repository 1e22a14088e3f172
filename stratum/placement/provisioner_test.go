package placement_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

func notes() fstest.MapFS {
	return fstest.MapFS{"00001_note.sql": {Data: []byte("-- +goose Up\ncreate table note (id serial primary key, body text not null);")}}
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// made makes a place, which is removed when the test ends.
func made(t testing.TB, p *placement.Provisioner, strategy core.Strategy) core.Placement {
	t.Helper()
	at := p.Place(strategy, "acme", "", core.NewID())
	t.Cleanup(func() {
		for range 2 { // what is not there is no error
			if err := p.Remove(context.Background(), at); err != nil {
				t.Error(err)
			}
		}
	})
	if version, err := p.Make(t.Context(), at); err != nil || version != 1 {
		t.Fatal(version, err)
	}
	return at
}

// Rights in a schema are those of its role, and no more.
func TestRightsInSchema(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	at := made(t, provisioner(t, placement.Config{Owner: d.URL(embedpg.Superuser), Migrations: notes()}), core.SchemaPerTenant)
	app := d.Conn(t, embedpg.App)
	note := at.Schema + ".note"
	for sql, role := range map[string]bool{
		"insert into " + note + " (body) values ('x')":      true,
		"update " + note + " set body = 'y' returning id":   true,
		"delete from " + note:                               true,
		"select from " + note:                               true,
		"create temporary table scratch (id int)":           true,
		"truncate " + note:                                  false,
		"alter table " + note + " add x int":                false,
		"create table " + at.Schema + ".mine ()":            false,
		"select from " + at.Schema + ".goose_db_version":    false,
		"select setval('" + at.Schema + ".note_id_seq', 1)": false,
		"drop schema " + at.Schema + " cascade":             false,
	} {
		for _, as := range []string{"none", at.Role} {
			tx, err := app.Begin(t.Context())
			if err == nil {
				_, err = tx.Exec(t.Context(), "set local role "+as)
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = tx.Exec(t.Context(), sql)
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			may := role && as == at.Role || strings.HasPrefix(sql, "create temporary") // the login has that of its own
			if may != (err == nil) {
				t.Errorf("%s as %s: %v", sql, as, err)
			}
		}
	}
}

// In a database of its own the serving login has the same rights.
func TestRightsInDatabase(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	at := made(t, provisioner(t, placement.Config{Owner: d.URL(embedpg.Superuser), Migrations: notes()}), core.DatabasePerTenant)
	app, err := pgx.Connect(t.Context(), d.Server().URL(embedpg.App, at.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close(t.Context())
	for sql, may := range map[string]bool{
		"insert into note (body) values ('x')": true,
		"select from note":                     true,
		"create temporary table scratch ()":    true,
		"truncate note":                        false,
		"create table mine ()":                 false,
		"create schema mine":                   false,
		"select from goose_db_version":         false,
	} {
		if _, err := app.Exec(t.Context(), sql); may != (err == nil) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	var public bool
	err = d.Conn(t, embedpg.Superuser).QueryRow(t.Context(), "select exists (select from pg_database, aclexplode(datacl) x where datname = $1 and x.grantee = 0)", at.Database).Scan(&public)
	if err != nil || public {
		t.Errorf("PUBLIC has rights: %v, %v", public, err)
	}
}

// A login that could not give the rights, or that would have all of them at once, is
// refused with the SQL that helps; Remove removes the part that was made.
func TestMakeRefusesLogins(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	d.Exec(t, embedpg.Superuser, fmt.Sprintf(`create role %[1]s login createrole password 'x'; grant connect, create on database %[2]s to %[1]s;
		create role %[3]s login inherit`, quote(d.Name+"_m"), quote(d.Name), quote(d.Name+"_app")))
	super := d.Conn(t, embedpg.Superuser)
	t.Cleanup(func() {
		_, err := super.PgConn().Exec(context.Background(), fmt.Sprintf("drop owned by %[1]s; drop role %[1]s, %[2]s", quote(d.Name+"_m"), quote(d.Name+"_app"))).ReadAll()
		if err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(d.URL(embedpg.Lib))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(d.Name+"_m", "x")
	var modern bool
	if err := super.QueryRow(t.Context(), "select current_setting('server_version_num')::int >= 160000").Scan(&modern); err != nil {
		t.Fatal(err)
	}
	refused := func(cfg placement.Config, help string) {
		t.Helper()
		p := provisioner(t, cfg)
		at := p.Place(core.SchemaPerTenant, "acme", "", core.NewID())
		if _, err := p.Make(t.Context(), at); !errors.Is(err, core.ErrRoleUnsafe) || !strings.Contains(err.Error(), help) {
			t.Errorf("got %v, want %s", err, help)
		}
		if err := p.Remove(t.Context(), at); err != nil {
			t.Error(err)
		}
		var left bool
		err := super.QueryRow(t.Context(), "select exists (select from pg_namespace where nspname = $1) or exists (select from pg_roles where rolname = $2)", at.Schema, at.Role).Scan(&left)
		if err != nil || left {
			t.Errorf("%+v is there, %v", at, err)
		}
	}
	refused(placement.Config{Owner: u.String()}, "OWNER TO")
	if !modern { // later, the grant says that the login does not inherit
		refused(placement.Config{Owner: d.URL(embedpg.Superuser), App: d.Name + "_app"}, "NOINHERIT")
	}
}

func TestMakeFails(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	p := provisioner(t, placement.Config{Owner: d.URL(embedpg.Superuser), App: "nobody_of_that_name"})
	for _, strategy := range []core.Strategy{core.SchemaPerTenant, core.SharedRLS, "GUESS"} {
		at := p.Place(strategy, "acme", "", core.NewID())
		if _, err := p.Make(t.Context(), at); err == nil {
			t.Errorf("%s: made", strategy)
		}
	}
	if err := p.Remove(t.Context(), core.Placement{Strategy: core.SharedRLS}); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error(err)
	}
	down := provisioner(t, placement.Config{Owner: "postgres://x:hunter2@127.0.0.1:1/none?connect_timeout=2"})
	if _, err := down.Make(t.Context(), down.Place(core.SchemaPerTenant, "acme", "", core.NewID())); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
