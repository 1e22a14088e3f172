package stratument_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	"github.com/stratum-hq/stratum-go/adapters/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/customer"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/migrate"
	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// The program also imports the package runtime that ent generates, where hooks live.
func Example() {
	ctx := context.Background()
	server, err := embedpg.Start(ctx, embedpg.Config{Database: "example"})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()

	// Tables are made and protected by their owner: when the service is deployed.
	owner, err := sql.Open("pgx", server.URL(embedpg.Owner, "example"))
	if err != nil {
		log.Fatal(err)
	}
	defer owner.Close()
	if err := stratument.Migrate(ctx, owner, migrate.Tables, stratument.MigrateConfig{}); err != nil {
		log.Fatal(err)
	}

	// The application has a login of its own, and one client for all tenants.
	db, err := stratumpgx.Open(ctx, server.URL(embedpg.App, "example"), stratumpgx.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	client := ent.NewClient(ent.Driver(stratument.Driver(db)))

	for _, tenant := range []*core.Tenant{tenantA, tenantB} {
		ctx := core.NewContext(ctx, tenant) // a middleware does this for each request
		boss := client.Customer.Create().SetEmail("boss@example.com").SetMarker("boss").SaveX(ctx)
		client.Invoice.Create().SetCustomer(boss).SetNumber("1").SetTotal("9.50").SetStatus("open").SetMarker("first").SaveX(ctx)
		fmt.Println(tenant.Slug, "has", client.Customer.Query().Where(customer.HasInvoices()).CountX(ctx), "customer with invoices")
	}

	err = client.Customer.Create().SetEmail("x").SetMarker("x").SetTenantID(tenantB.ID).Exec(core.NewContext(ctx, tenantA))
	fmt.Println(err)
	_, err = client.Customer.Query().Count(ctx) // nobody's context
	fmt.Println(err)
	// Output:
	// a has 1 customer with invoices
	// b has 1 customer with invoices
	// the row belongs to tenant bbbbbbbb-bbbb-7bbb-8bbb-bbbbbbbbbbbb, and the context to tenant aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa (TENANT_MISMATCH)
	// the context has no tenant; refusing to touch tenant data (NO_TENANT)
}
