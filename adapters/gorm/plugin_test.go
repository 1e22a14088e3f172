package stratumgorm_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/stratum-hq/stratum-go/adapters/gorm"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// plain opens d without any scope, as a login that sees everything.
func plain(t *testing.T, d *pgtest.Database, cfg *gorm.Config) *gorm.DB {
	t.Helper()
	g, err := gorm.Open(postgres.Open(d.URL(embedpg.Superuser)), cfg)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, g)
	return g
}

// closing closes the connections that g has now.
func closing(t *testing.T, g *gorm.DB) {
	t.Helper()
	db, err := g.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
}

// tags returns the markers of all tags.
func tags(g *gorm.DB) (out []string, err error) {
	var rows []Tag
	err = g.Find(&rows).Error
	return markers(rows), err
}

// TestPlugin: a setup that existed, and had sent and prepared statements, is scoped from then on.
func TestPlugin(t *testing.T) {
	for name, prepare := range map[string]bool{"default": false, "PrepareStmt": true} {
		t.Run(name, func(t *testing.T) {
			d := database(t)
			cfg := quiet()
			cfg.PrepareStmt = prepare
			g := plain(t, d, cfg)
			for _, tenant := range []*core.Tenant{tenantA, tenantB} {
				must(t, "seeding", g.Create(&Tag{Owned: stratumgorm.Owned{TenantID: tenant.ID}, Name: tenant.Slug, Marker: tenant.Slug}).Error)
			}
			session := func() *gorm.DB { return g.Session(&gorm.Session{PrepareStmt: true}) }
			if got, err := tags(session()); len(got) != 2 || err != nil {
				t.Fatalf("before, everybody's tags: %q, %v", got, err)
			}
			db, _ := scoped(t, d, 1)
			must(t, "Use", g.Use(stratumgorm.New(db)))
			for _, g := range []*gorm.DB{g, session()} {
				if _, err := tags(g); !errors.Is(err, core.ErrNoTenant) {
					t.Errorf("without a tenant: %v", err)
				}
				for _, tenant := range []*core.Tenant{tenantA, tenantB} {
					if got, err := tags(g.WithContext(as(tenant))); len(got) != 1 || got[0] != tenant.Slug || err != nil {
						t.Errorf("%s sees %q, %v", tenant.Slug, got, err)
					}
				}
			}
			if pool, err := g.DB(); err != nil || pool != db.SQL() {
				t.Errorf("DB is another *sql.DB; %v", err)
			}
			if err := g.Use(stratumgorm.New(db)); !errors.Is(err, gorm.ErrRegistered) {
				t.Errorf("a second time: %v", err)
			}
		})
	}
}

// TestSessionsFromBefore would run where there is no scope.
func TestSessionsFromBefore(t *testing.T) {
	d := database(t)
	g := plain(t, d, quiet())
	must(t, "seeding", g.Create(&Tag{Owned: stratumgorm.Owned{TenantID: tenantB.ID}, Name: "b", Marker: "b"}).Error)
	old, tx := g.WithContext(as(tenantA)), g.WithContext(as(tenantA)).Begin()
	defer tx.Rollback()
	db, _ := scoped(t, d, 1)
	must(t, "Use", g.Use(stratumgorm.New(db)))
	refused := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, core.ErrScopeUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]*gorm.DB{"session": old, "transaction": tx} {
		refused(name, s.Find(&[]Tag{}).Error)
		refused(name, s.Exec("select 1").Error)
		refused(name, s.Create(&Tag{}).Error)
		refused(name, s.Model(&Tag{ID: 1}).Update("name", "x").Error)
		refused(name, s.Delete(&Tag{ID: 1}).Error)
		_, err := s.Model(&Tag{}).Rows()
		refused(name, err)
		var n int
		if err := s.Raw("select count(*) from tag").Row().Scan(&n); err != nil || n != 0 {
			t.Errorf("Row saw %d tags; %v", n, err)
		}
	}
	refused("connection", old.Connection(func(c *gorm.DB) error { return c.Find(&[]Tag{}).Error }))
	must(t, "a new session", g.WithContext(as(tenantA)).Connection(func(c *gorm.DB) error { return c.Find(&[]Tag{}).Error }))

	// What dbresolver does, when it is added later.
	elsewhere := plain(t, d, quiet())
	must(t, "Register", g.Callback().Query().Before("*").Register("gorm:db_resolver", func(g *gorm.DB) {
		g.Statement.ConnPool = elsewhere.ConnPool
	}))
	refused("resolved", g.WithContext(as(tenantA)).Find(&[]Tag{}).Error)
}

// TestPluginInConfig: plugins can be listed in the configuration, too.
func TestPluginInConfig(t *testing.T) {
	d := database(t)
	db, _ := scoped(t, d, 1)
	cfg := quiet()
	cfg.Plugins = map[string]gorm.Plugin{"stratum": stratumgorm.New(db)}
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: db.SQL()}), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := customer("a")
	must(t, "Create", g.WithContext(as(tenantA)).Create(c).Error)
	if c.TenantID != tenantA.ID {
		t.Errorf("the row belongs to %s", c.TenantID)
	}
}

// resolver is as gorm.io/plugin/dbresolver.
type resolver struct{}

func (resolver) Name() string              { return "gorm:db_resolver" }
func (resolver) Initialize(*gorm.DB) error { return nil }

// other is another dialect.
type other struct{ gorm.Dialector }

func TestPluginRefuses(t *testing.T) {
	d := database(t)
	db, _ := scoped(t, d, 1)
	tx := plain(t, d, quiet()).Begin()
	defer tx.Rollback()
	resolved := plain(t, d, quiet())
	must(t, "Use", resolved.Use(resolver{}))
	dialect := plain(t, d, quiet())
	dialect.Dialector = other{dialect.Dialector}
	for name, test := range map[string]struct {
		g      *gorm.DB
		plugin gorm.Plugin
		want   string
	}{
		"a transaction":   {tx, stratumgorm.New(db), "transaction"},
		"dbresolver":      {resolved, stratumgorm.New(db), "dbresolver"},
		"another dialect": {dialect, stratumgorm.New(db), "gorm.io/driver/postgres"},
		"no database":     {plain(t, d, quiet()), stratumgorm.New(nil), "stratumpgx.DB"},
	} {
		before := test.g.Statement.ConnPool
		if err := test.g.Use(test.plugin); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if test.g.Statement.ConnPool != before {
			t.Errorf("%s: it was changed all the same", name)
		}
	}
}

// TestOpenLeavesTheConfigAlone, and opens with none.
func TestOpenLeavesTheConfigAlone(t *testing.T) {
	db, _ := scoped(t, database(t), 1)
	cfg := quiet()
	if _, err := stratumgorm.Open(db, cfg); err != nil {
		t.Fatal(err)
	}
	if cfg.ConnPool != nil || cfg.Dialector != nil || cfg.Plugins != nil || cfg.DisableAutomaticPing {
		t.Errorf("it is %+v", cfg)
	}
	g, err := stratumgorm.Open(db, nil)
	if err != nil {
		t.Fatal(err)
	}
	must(t, "Exec", g.WithContext(as(tenantA)).Exec("select 1").Error)
	if pool, err := g.DB(); err != nil || pool != (*sql.DB)(db.SQL()) {
		t.Errorf("DB is another *sql.DB; %v", err)
	}
}

// TestRoundTrips: scope and statement are sent together. A write costs three round trips
// in GORM's default transaction, one without.
func TestRoundTrips(t *testing.T) {
	prepared, single := quiet(), quiet()
	prepared.PrepareStmt = true
	single.SkipDefaultTransaction = true
	for name, test := range map[string]struct {
		cfg   *gorm.Config
		write int64
	}{"default": {quiet(), 3}, "PrepareStmt": {prepared, 3}, "SkipDefaultTransaction": {single, 1}} {
		t.Run(name, func(t *testing.T) {
			g, wire := open(t, 1, test.cfg)
			a := g.WithContext(as(tenantA))
			must(t, "Create", a.Create(&Tag{ID: 1000, Name: "x", Marker: "x"}).Error)
			c := customer("c")
			c.Invoices = []Invoice{newInvoice("i")}
			must(t, "Create", a.Create(c).Error)
			for what, step := range map[string]struct {
				want int64
				work func() error
			}{
				"First":   {1, func() error { return a.First(&Tag{}, 1000).Error }},
				"Find":    {1, func() error { return a.Find(&[]Tag{}).Error }},
				"Raw":     {1, func() error { return a.Raw("select 1").Scan(new(int)).Error }},
				"Exec":    {1, func() error { return a.Exec("select 1").Error }},
				"Preload": {2, func() error { return a.Preload("Lines").Find(&[]Invoice{}).Error }},
				"Update":  {test.write, func() error { return a.Model(&Tag{ID: 1000}).Update("name", "y").Error }},
				"Create":  {test.write, func() error { return a.Create(&Tag{Name: "z", Marker: "z"}).Error }},
				"transaction": {4, func() error {
					return a.Transaction(func(tx *gorm.DB) error {
						return errors.Join(tx.First(&Tag{}, 1000).Error, tx.Find(&[]Tag{}).Error)
					})
				}},
			} {
				measure := func() int64 {
					before := wire.RoundTrips()
					if err := step.work(); err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					if what == "Create" {
						must(t, "Delete", a.Exec("delete from tag where id <> 1000").Error)
						return wire.RoundTrips() - before - 1
					}
					return wire.RoundTrips() - before
				}
				measure() // prepares
				if got := measure(); got != step.want {
					t.Errorf("%s takes %d round trips, not %d", what, got, step.want)
				}
			}
		})
	}
}
