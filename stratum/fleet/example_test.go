package fleet_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// The application has a second migration, which our own tenant gets before the customers.
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
		Provision:   placement.Config{Owner: pg.URL(embedpg.Superuser, "app"), Migrations: upTo(1)},
	})
	if err != nil {
		log.Panic(err)
	}
	defer s.Close()
	var made []*core.Tenant
	for _, slug := range []string{"acme", "ours"} {
		t, err := s.Tenants.Create(ctx, tenant.New{Name: slug, Slug: slug, Strategy: core.SchemaPerTenant})
		if err != nil {
			log.Panic(err)
		}
		made = append(made, t)
	}

	migrations := upTo(2) // an embed.FS, as a rule
	_, err = s.Fleet.Migrate(ctx, migrations, fleet.Config{
		Canary:   []core.ID{made[1].ID},
		Progress: func(e fleet.Event) { fmt.Println(e.Done, "of", e.Total, e.Slug, e.Outcome, e.From, e.To) },
	})
	fmt.Println(err)
	status, err := s.Fleet.Status(ctx, migrations)
	fmt.Println(status.Current, "at", status.Target, "and", status.Behind, "behind", err)
	// Output:
	// 1 of 2 ours migrated 1 2
	// 2 of 2 acme migrated 1 2
	// <nil>
	// 2 at 2 and 0 behind <nil>
}
