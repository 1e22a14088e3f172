package placement_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

func provisioner(t testing.TB, cfg placement.Config) *placement.Provisioner {
	t.Helper()
	p, err := placement.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func namesOf(at core.Placement) []string {
	if at.Strategy == core.DatabasePerTenant {
		return []string{at.Database}
	}
	return []string{at.Schema, at.Role}
}

// Whatever slugs and ids there are, names fit, need no quotes, and never meet.
func TestNames(t *testing.T) {
	t.Parallel()
	p := provisioner(t, placement.Config{Owner: "postgres://nobody@localhost/none"})
	fits := regexp.MustCompile(`^[trd]_[a-z0-9_]{1,61}$`)
	strategies := rapid.SampledFrom([]core.Strategy{core.SchemaPerTenant, core.DatabasePerTenant})
	// Few different letters and bytes, so that there is much to confuse.
	slug := rapid.OneOf(rapid.StringMatching(`[ab][ab_01]{0,62}`), rapid.StringMatching(`a[_0-9a-f]{30,62}`), rapid.String())
	id := rapid.Custom(func(r *rapid.T) (id core.ID) {
		copy(id[:], rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x10, 0xaa, 0xff}), len(id), len(id)).Draw(r, "bytes"))
		return id
	})
	type owner struct {
		core.ID
		core.Strategy
	}
	rapid.Check(t, func(r *rapid.T) {
		seen := map[string]owner{}
		for range rapid.IntRange(1, 20).Draw(r, "tenants") {
			who := owner{id.Draw(r, "id"), strategies.Draw(r, "strategy")}
			at := p.Place(who.Strategy, slug.Draw(r, "slug"), "", who.ID)
			for _, name := range namesOf(at) {
				if !fits.MatchString(name) {
					r.Fatalf("%q", name)
				}
				if other, ok := seen[name]; ok && other != who {
					r.Fatalf("%q is of %v and of %v", name, other, who)
				}
				seen[name] = who
			}
			if other := id.Draw(r, "other"); !p.Made(at, who.ID) || other != who.ID && p.Made(at, other) {
				r.Fatalf("%+v: made for %v and not for %v", at, who.ID, other)
			}
		}
	})
	long := p.Place(core.SchemaPerTenant, strings.Repeat("x", core.SlugMaxLen), "", core.NewID())
	if len(long.Schema) != 63 || len(long.Role) != 63 {
		t.Errorf("%+v", long)
	}
}

func TestMadeByHand(t *testing.T) {
	t.Parallel()
	p := provisioner(t, placement.Config{Owner: "host=/nowhere"})
	id := core.NewID()
	at := p.Place(core.SchemaPerTenant, "acme", "", id)
	for _, other := range []core.Placement{
		{}, {Strategy: core.SharedRLS}, {Strategy: core.SchemaPerTenant, Schema: "public", Role: at.Role},
		{Strategy: core.SchemaPerTenant, Schema: at.Schema, Role: "stratum_app"},
		{Strategy: core.DatabasePerTenant, Database: "app"}, {Strategy: core.DatabasePerTenant, Database: "eu/" + p.Place(core.DatabasePerTenant, "acme", "", id).Database}, {Strategy: core.DatabasePerTenant, Database: at.Schema},
	} {
		if p.Made(other, id) {
			t.Errorf("%+v", other)
		}
	}
	// With or without a role, whatever is made now.
	rolesless := provisioner(t, placement.Config{Owner: "host=/nowhere", NoRoles: true})
	without := rolesless.Place(core.SchemaPerTenant, "acme", "", id)
	if without.Schema != at.Schema || without.Role != "" || !rolesless.Made(at, id) || !p.Made(without, id) {
		t.Errorf("%+v", without)
	}
}

func TestConfigIsValidated(t *testing.T) {
	t.Parallel()
	const secret = "postgres://x:hunter2@%zz"
	for field, cfg := range map[string]placement.Config{
		"Provision.Owner":     {},
		"Provision.Owner ":    {Owner: secret},
		"Provision.Databases": {Owner: "host=/x", Databases: secret},
		"Provision.Migrate": {Owner: "host=/x", Migrations: notes(),
			Migrate: func(context.Context, *pgx.Conn, core.Placement) error { return nil }},
		"Provision.Migrate  ": {Owner: "host=/x", TemplateDatabase: "x",
			Migrate: func(context.Context, *pgx.Conn, core.Placement) error { return nil }},
		"Provision.Migrations":       {Owner: "host=/x", Migrations: fstest.MapFS{"1_x.sql": {Mode: fs.ModeDir}}},
		`Provision.Servers["eu/x"]`:  {Owner: "host=/x", Servers: map[string]string{"eu/x": "host=/x"}},
		`Provision.Servers[""]`:      {Owner: "host=/x", Servers: map[string]string{"": "host=/x"}},
		`Provision.Servers["eu"]`:    {Owner: "host=/x", Servers: map[string]string{"eu": secret}},
		`Provision.Servers["eu"]   `: {Owner: "host=/x", Servers: map[string]string{"eu": ""}},
	} {
		_, err := placement.New(cfg)
		var e *core.Error
		if !errors.As(err, &e) || e.Code != core.Validation || e.Details["field"] != strings.TrimSpace(field) || strings.Contains(fmt.Sprintf("%+v", err), "hunter2") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	at := provisioner(t, placement.Config{Owner: "host=/x"}).Place(core.DatabasePerTenant, "acme", "", core.NewID())
	for _, dsn := range []string{
		"postgres://app:p%20w@db:6432/main?sslmode=disable&pool_max_conns=3", "postgres://app:p%20w@db:6432?sslmode=disable&dbname=main&database=main",
		"host=db port=6432 user=app password='p w' dbname=main sslmode=disable",
	} {
		got, err := placement.Databases(dsn)(t.Context(), at.Database)
		if err != nil {
			t.Fatal(err)
		}
		c, err := pgx.ParseConfig(got)
		if err != nil || c.Database != at.Database || c.Host != "db" || c.Port != 6432 || c.User != "app" || c.Password != "p w" || c.TLSConfig != nil {
			t.Errorf("%s: %v, %v", dsn, c, err)
		}
		for _, key := range []string{"", "main", "d_x host=evil", "d_x?host=evil", "eu/d_x", "/d_x", "d_" + strings.Repeat("x", 62), "D_x"} {
			if got, err := placement.Databases(dsn)(t.Context(), key); !errors.Is(err, core.ErrScopeUnsupported) {
				t.Errorf("%q: %q, %v", key, got, err)
			}
		}
	}
	if _, err := placement.Databases("postgres://x:hunter2@%zz")(t.Context(), at.Database); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
