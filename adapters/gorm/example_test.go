package stratumgorm_test

import (
	"context"
	"fmt"
	"log"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/stratum-hq/stratum-go/adapters/gorm"
	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// Ticket belongs to a tenant.
type Ticket struct {
	ID int64
	stratumgorm.Owned
	Subject string
}

// Tables are made and protected as their owner; the application then opens its database
// once, and every statement runs in the tenant of its context.
func Example() {
	ctx := context.Background()
	ownerURL, appURL, stop := start(ctx)
	defer stop()

	owner, err := gorm.Open(postgres.Open(ownerURL), quiet())
	if err != nil {
		log.Fatal(err)
	}
	if err := stratumgorm.Migrate(ctx, owner, stratumgorm.MigrateConfig{}, &Ticket{}); err != nil {
		log.Fatal(err)
	}
	defer closeAll(owner)

	db, err := stratumpgx.Open(ctx, appURL, stratumpgx.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	g, err := stratumgorm.Open(db, quiet())
	if err != nil {
		log.Fatal(err)
	}

	acme := core.NewContext(ctx, &core.Tenant{ID: core.NewID(), Slug: "acme"})
	globex := core.NewContext(ctx, &core.Tenant{ID: core.NewID(), Slug: "globex"})
	ticket := Ticket{Subject: "The anvil is late"}
	fmt.Println(g.WithContext(acme).Create(&ticket).Error)

	var tickets []Ticket
	fmt.Println(g.WithContext(acme).Find(&tickets).RowsAffected, "for Acme")
	fmt.Println(g.WithContext(globex).Find(&tickets).RowsAffected, "for Globex")
	fmt.Println(g.WithContext(globex).Delete(&ticket).RowsAffected, "deleted by Globex")
	fmt.Println(g.WithContext(globex).Create(&Ticket{Owned: ticket.Owned}).Error != nil)
	fmt.Println(g.Find(&tickets).Error)
	// Output:
	// <nil>
	// 1 for Acme
	// 0 for Globex
	// 0 deleted by Globex
	// true
	// GORM has no tenant for this statement: give it the context of the request, with db.WithContext(ctx) (NO_TENANT)
}

// A setup that exists is scoped by a plugin.
func ExampleNew() {
	ctx := context.Background()
	ownerURL, appURL, stop := start(ctx)
	defer stop()

	existing, err := gorm.Open(postgres.Open(ownerURL), quiet())
	if err != nil {
		log.Fatal(err)
	}
	old, err := existing.DB()
	if err != nil {
		log.Fatal(err)
	}

	db, err := stratumpgx.Open(ctx, appURL, stratumpgx.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	if err := existing.Use(stratumgorm.New(db)); err != nil {
		log.Fatal(err)
	}
	_ = old.Close() // nothing runs there any more

	var role string
	acme := core.NewContext(ctx, &core.Tenant{ID: core.NewID(), Slug: "acme"})
	fmt.Println(existing.WithContext(acme).Raw("select current_user").Scan(&role).Error, role)
	// Output: <nil> stratum_app
}

// start runs a server for an example.
func start(ctx context.Context) (owner, app string, stop func()) {
	srv, err := embedpg.Start(ctx, embedpg.Config{Database: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	return srv.URL(embedpg.Owner, "shop"), srv.URL(embedpg.App, "shop"), func() { _ = srv.Stop() }
}

// closeAll closes the connections that g has now.
func closeAll(g *gorm.DB) {
	if db, err := g.DB(); err == nil {
		_ = db.Close()
	}
}
