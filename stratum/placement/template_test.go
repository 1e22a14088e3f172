package placement_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

func file(sql string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- +goose Up\n" + sql)}
}

// template makes a place with notes and a row, for others to be copies of.
func template(t *testing.T, d *pgtest.Database, strategy core.Strategy) string {
	t.Helper()
	at := made(t, provisioner(t, placement.Config{Owner: d.URL(embedpg.Superuser), Migrations: notes()}), strategy)
	conn := inside(t, d, at)
	if _, err := conn.Exec(t.Context(), "insert into note (body) values ('reference')"); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil { // nobody may be connected to a template
		t.Fatal(err)
	}
	return at.Schema + at.Database
}

// inside is a connection of the owner within a place.
func inside(t *testing.T, d *pgtest.Database, at core.Placement) *pgx.Conn {
	t.Helper()
	return connect(t, d, embedpg.Superuser, at)
}

func connect(t *testing.T, d *pgtest.Database, login string, at core.Placement) *pgx.Conn {
	t.Helper()
	config, err := pgx.ParseConfig(d.URL(login))
	if err != nil {
		t.Fatal(err)
	}
	if at.Database != "" {
		config.Database = at.Database
	} else {
		config.RuntimeParams["search_path"] = at.Schema
	}
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// A place is a copy of its template, with the migrations that the template lacks, and with
// the rights of any place.
func TestTemplate(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	for _, strategy := range []core.Strategy{core.SchemaPerTenant, core.DatabasePerTenant} {
		name := template(t, d, strategy)
		for _, none := range []bool{false, true} {
			cfg := placement.Config{Owner: d.URL(embedpg.Superuser), NoRoles: none}
			if strategy == core.SchemaPerTenant {
				cfg.TemplateSchema = name
			} else {
				cfg.TemplateDatabase = name
			}
			at := made(t, provisioner(t, cfg), strategy) // at version 1, without a look at any migration
			cfg.Migrations = notes()
			cfg.Migrations.(fstest.MapFS)["00002_tag.sql"] = file("create table tag (); alter table note add tag int default 7;")
			newer := provisioner(t, cfg)
			at2 := newer.Place(strategy, "acme", "", core.NewID())
			defer newer.Remove(context.Background(), at2)
			if version, err := newer.Make(t.Context(), at2); version != 2 || err != nil {
				t.Errorf("%s: %d, %v", strategy, version, err)
			}
			if from, to, err := newer.Migrate(t.Context(), at, cfg.Migrations, true); from != 1 || to != 2 || err != nil {
				t.Errorf("%s: %d, %d, %v", strategy, from, to, err)
			}
			for _, at := range []core.Placement{at, at2} {
				copied(t, d, at)
			}
		}
	}
}

// copied looks at a copy through the eyes of the tenant.
func copied(t *testing.T, d *pgtest.Database, at core.Placement) {
	t.Helper()
	conn := connect(t, d, embedpg.App, at)
	if at.Role != "" {
		if _, err := conn.Exec(t.Context(), "set role "+at.Role); err != nil {
			t.Fatal(err)
		}
	}
	var bodies string
	err := conn.QueryRow(t.Context(), "with new as (insert into note (body) values ('mine') returning id, body, tag) select string_agg(n::text, ' ' order by id) from (table note union table new) n").Scan(&bodies)
	if want := "(1,reference,7) (2,mine,7)"; err != nil || bodies != want {
		t.Errorf("%+v: %s, want %s, %v", at, bodies, want, err)
	}
	for _, sql := range []string{"select from goose_db_version", "truncate note", "create table mine ()"} {
		if _, err := conn.Exec(t.Context(), sql); err == nil {
			t.Errorf("%+v: %s", at, sql)
		}
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// A template that migrations cannot go on from, or that cannot be copied, is refused; what
// was made until then can be removed.
func TestTemplateRefused(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	d.Exec(t, embedpg.Superuser, "create schema plain; create table plain.note (); create schema foreign_things; create aggregate foreign_things.total (int) (sfunc = int4pl, stype = int)")
	for _, c := range []struct {
		cfg  placement.Config
		want string
	}{
		{placement.Config{TemplateSchema: "plain", Migrations: notes()}, `the template "plain" has no goose_db_version`},
		{placement.Config{TemplateSchema: "foreign_things"}, "total(integer)"},
		{placement.Config{TemplateSchema: "nothing"}, `no schema "nothing"`},
		{placement.Config{TemplateDatabase: "nothing"}, `"nothing" does not exist`},
		{placement.Config{TemplateDatabase: "template0", Migrations: notes()}, `the template "template0" has no goose_db_version`},
	} {
		c.cfg.Owner = d.URL(embedpg.Superuser)
		strategy := core.SchemaPerTenant
		if c.cfg.TemplateDatabase != "" {
			strategy = core.DatabasePerTenant
		}
		p := provisioner(t, c.cfg)
		at := p.Place(strategy, "acme", "", core.NewID())
		if _, err := p.Make(t.Context(), at); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
		if err := p.Remove(t.Context(), at); err != nil {
			t.Error(err)
		}
	}
	// Each strategy has its own: the other one's is not looked at.
	p := provisioner(t, placement.Config{Owner: d.URL(embedpg.Superuser), TemplateDatabase: "nothing", Migrations: notes()})
	made(t, p, core.SchemaPerTenant)
	if err := p.Remove(t.Context(), core.Placement{}); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error(err)
	}
}
