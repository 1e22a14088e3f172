package stratum_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"testing/fstest"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// A tenant with a schema of its own, in which the application's tables are when Create
// returns.
func Example_schema() {
	ctx := context.Background()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()

	s, err := stratum.Open(ctx, pg.URL(embedpg.Lib, "app"), stratum.Config{
		AutoMigrate: true,
		Logger:      slog.New(slog.DiscardHandler),
		Provision: placement.Config{
			Owner: pg.URL(embedpg.Superuser, "app"), // or a login that owns the database and has CREATEROLE
			Migrations: fstest.MapFS{ // an embed.FS, as a rule
				"00001_note.sql": {Data: []byte("-- +goose Up\ncreate table note (body text);")},
			},
		},
	})
	if err != nil {
		log.Panic(err)
	}
	defer s.Close()
	acme, err := s.Tenants.Create(ctx, tenant.New{Name: "Acme Corp", Slug: "acme", Strategy: core.SchemaPerTenant})
	if err != nil {
		log.Panic(err)
	}

	db, err := stratumpgx.Open(ctx, pg.URL(embedpg.App, "app"), stratumpgx.Config{})
	if err != nil {
		log.Panic(err)
	}
	defer db.Close()
	tag, err := db.Exec(core.NewContext(ctx, acme), "insert into note values ('hello')")
	fmt.Println(tag, err)
	// Output:
	// INSERT 0 1 <nil>
}

func Example() {
	ctx := context.Background()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()

	s, err := stratum.Open(ctx, pg.URL(embedpg.Lib, "app"), stratum.Config{
		AutoMigrate: true,
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Panic(err)
	}
	defer s.Close()

	msp, err := s.Tenants.Create(ctx, tenant.New{Name: "NorthStar MSP", Slug: "northstar"})
	if err != nil {
		log.Panic(err)
	}
	acme, err := s.Tenants.Create(ctx, tenant.New{Name: "Acme Corp", Slug: "acme", Parent: msp.ID})
	if err != nil {
		log.Panic(err)
	}
	fmt.Println(acme.Name, acme.Status, acme.Within(msp.ID))

	_, err = s.Tenants.Suspend(ctx, msp.ID)
	fmt.Println(err)

	if _, err := s.Tenants.Suspend(ctx, acme.ID); err != nil {
		log.Panic(err)
	}
	t, err := s.Resolver().Resolve(ctx, core.BySlug("acme"))
	fmt.Println(t.Status, err)
	// Output:
	// Acme Corp active true
	// 1 children of the tenant are active (TENANT_HAS_CHILDREN)
	// suspended <nil>
}
