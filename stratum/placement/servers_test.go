package placement_test

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// servers are the one of all tests, and another in the region eu.
func servers(t *testing.T) (*pgtest.Database, *embedpg.Server) {
	t.Helper()
	d := pgtest.New(t)
	eu, err := embedpg.Start(t.Context(), embedpg.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eu.Stop(); err != nil {
			t.Error(err)
		}
	})
	return d, eu
}

// exists reports whether a server has a database of that name.
func exists(t *testing.T, dsn, name string) (there bool) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), "select exists (select from pg_database where datname = $1)", name).Scan(&there); err != nil {
		t.Fatal(err)
	}
	return there
}

// Databases of tenants in a region are on its server, those of others on the first one.
func TestServers(t *testing.T) {
	t.Parallel()
	d, eu := servers(t)
	here, there := d.URL(embedpg.Superuser), eu.URL(embedpg.Superuser, "postgres")
	s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{AutoMigrate: true, Logger: slog.New(slog.DiscardHandler),
		Provision: placement.Config{Owner: here, Servers: map[string]string{"eu": there}, Migrations: notes()}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	app := func(url func(role, database string) string) string { return url(embedpg.App, "postgres") }
	databases := placement.DatabasesOn(map[string]string{"": app(d.Server().URL), "eu": app(eu.URL)})
	more := notes()
	more["00002_tag.sql"] = file("create table tag (); insert into note (body) values ('from the fleet');")
	all := map[core.ID]core.Placement{}
	for slug, region := range map[string]string{"berlin": "eu", "boston": "us", "nowhere": ""} {
		made, err := s.Tenants.Create(t.Context(), tenant.New{Name: slug, Slug: slug, Strategy: core.DatabasePerTenant, Region: region})
		if err != nil {
			t.Fatal(err)
		}
		all[made.ID] = made.Placement
		name, elsewhere := strings.CutPrefix(made.Placement.Database, "eu/")
		if elsewhere != (region == "eu") || exists(t, there, name) != elsewhere || exists(t, here, name) == elsewhere {
			t.Errorf("%s is at %+v", slug, made.Placement)
		}
	}
	report, err := s.Fleet.Migrate(t.Context(), more, fleet.Config{})
	if err != nil || len(report.Results) != len(all) {
		t.Errorf("%+v, %v", report, err)
	}
	for id, at := range all {
		dsn, err := databases(t.Context(), at.Database)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		var body string
		if err := conn.QueryRow(t.Context(), "select body from note").Scan(&body); err != nil || body != "from the fleet" {
			t.Errorf("%s: %q, %v", at.Database, body, err)
		}
		d.Exec(t, embedpg.Lib, "update stratum.tenants set status = 'archived' where id = $1", id.String())
		if err := errors.Join(conn.Close(t.Context()), s.Tenants.Purge(t.Context(), id)); err != nil {
			t.Error(err)
		}
		_, name, _ := strings.Cut("/"+at.Database, "/d_")
		if exists(t, here, "d_"+name) || exists(t, there, "d_"+name) {
			t.Errorf("%s is left", at.Database)
		}
	}
}

// What is on a server that is not known is neither made nor removed elsewhere.
func TestServerUnknown(t *testing.T) {
	t.Parallel()
	id := core.NewID()
	at := provisioner(t, placement.Config{Owner: "host=/x", Servers: map[string]string{"eu": "host=/y"}}).Place(core.DatabasePerTenant, "acme", "eu", id)
	p := provisioner(t, placement.Config{Owner: "host=/x"})
	_, made := p.Make(t.Context(), at)
	_, _, migrated := p.Migrate(t.Context(), at, notes(), true)
	for what, err := range map[string]error{"Make": made, "Migrate": migrated, "Remove": p.Remove(t.Context(), at)} {
		if !errors.Is(err, core.ErrScopeUnsupported) || !strings.Contains(err.Error(), at.Database) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if p.Made(at, id) {
		t.Error("made")
	}
}

func TestDatabasesOn(t *testing.T) {
	t.Parallel()
	on := placement.DatabasesOn(map[string]string{"": "postgres://app@here/main", "eu": "postgres://app:hunter2@there/main"})
	for key, want := range map[string]string{"d_x": "here", "eu/d_x": "there", "us/d_x": "", "eu/x": "", "eu/d_x/d_y": "", "/d_x": "", "EU/d_x": "", "eu/": ""} {
		got, err := on(t.Context(), key)
		if want == "" {
			if !errors.Is(err, core.ErrScopeUnsupported) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q: %q, %v", key, got, err)
			}
			continue
		}
		if u, e := url.Parse(got); err != nil || e != nil || u.Host != want || u.Path != "/d_x" {
			t.Errorf("%q: %q, %v", key, got, err)
		}
	}
	if _, err := placement.DatabasesOn(map[string]string{"eu": "host=/x"})(t.Context(), "d_x"); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error(err)
	}
}
