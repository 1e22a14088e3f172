package connection_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/connection"
	"github.com/stratum-hq/stratum-go/stratum/seal"
)

func Example() {
	ctx := context.Background()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()
	if err := pg.CreateDatabase(ctx, "acme", ""); err != nil {
		log.Panic(err)
	}

	key, err := seal.NewKey("2026-08") // once; its material comes from the secret manager from then on
	if err != nil {
		log.Panic(err)
	}
	s, err := stratum.Open(ctx, pg.URL(embedpg.Lib, "app"), stratum.Config{
		AutoMigrate: true,
		Logger:      slog.New(slog.DiscardHandler),
		Seal:        seal.Config{Keys: []seal.Key{key}},
	})
	if err != nil {
		log.Panic(err)
	}
	defer s.Close()
	err = s.Connections.Set(ctx, "acme", connection.Connection{Primary: core.NewSecret(pg.URL(embedpg.App, "acme"))})
	if err != nil {
		log.Panic(err)
	}
	for c, err := range s.Connections.List(ctx, "") {
		fmt.Println(c.Key, c.Primary.Database, c.Version, err)
	}

	db, err := stratumpgx.Open(ctx, pg.URL(embedpg.App, "app"), stratumpgx.Config{Databases: s.Connections})
	if err != nil {
		log.Panic(err)
	}
	defer db.Close()
	acme := &core.Tenant{ID: core.NewID(), Slug: "acme", Status: core.Active,
		Placement: core.Placement{Strategy: core.DatabasePerTenant, Database: "acme"}}
	var at string
	err = db.QueryRow(core.NewContext(ctx, acme), "select current_database()").Scan(&at)
	fmt.Println(at, err)
	// Output:
	// acme acme 1 <nil>
	// acme <nil>
}
