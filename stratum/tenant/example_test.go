package tenant_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// All reads page by page behind the scenes.
func ExampleService_All() {
	ctx := context.Background()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()
	s, err := stratum.Open(ctx, pg.URL(embedpg.Lib, "app"), stratum.Config{AutoMigrate: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		log.Panic(err)
	}
	defer s.Close()

	for _, slug := range []string{"acme", "globex", "initech"} {
		if _, err := s.Tenants.Create(ctx, tenant.New{Name: slug, Slug: slug}); err != nil {
			log.Panic(err)
		}
	}
	for t, err := range s.Tenants.All(ctx, tenant.ListOptions{Status: core.Active}) {
		if err != nil {
			log.Panic(err)
		}
		fmt.Println(t.Slug)
	}
	// Output:
	// acme
	// globex
	// initech
}
