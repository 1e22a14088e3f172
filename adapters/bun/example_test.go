package stratumbun_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/migrate"

	"github.com/stratum-hq/stratum-go/adapters/bun"
	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// Bill is a row of a tenant.
type Bill struct {
	bun.BaseModel `bun:"table:bill"`
	stratumbun.Owned

	ID    int64 `bun:",pk,autoincrement"`
	Total int64 `bun:",notnull"`
}

func Example() {
	ctx := context.Background()
	server, err := embedpg.Start(ctx, embedpg.Config{Database: "example"})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Stop()

	// Tables are made and protected by their owner: when the service is deployed.
	sqldb, err := sql.Open("pgx", server.URL(embedpg.Owner, "example"))
	if err != nil {
		log.Fatal(err)
	}
	defer sqldb.Close()
	migrations := migrate.NewMigrations()
	migrations.Add(migrate.Migration{Name: "20260101000000", Up: func(ctx context.Context, m *migrate.Migrator, _ *migrate.Migration) error {
		_, err := m.DB().NewCreateTable().Model((*Bill)(nil)).Exec(ctx)
		return err
	}})
	if err := stratumbun.Migrate(ctx, bun.NewDB(sqldb, pgdialect.New()), migrations, stratumbun.MigrateConfig{}); err != nil {
		log.Fatal(err)
	}

	// The application has a login of its own, and one *bun.DB for all tenants.
	db, err := stratumpgx.Open(ctx, server.URL(embedpg.App, "example"), stratumpgx.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	b := stratumbun.Open(db)

	for i, tenant := range []*core.Tenant{tenantA, tenantB} {
		ctx := core.NewContext(ctx, tenant) // a middleware does this for each request
		for n := range int64(i + 1) {
			if _, err := b.NewInsert().Model(&Bill{Total: 100 * n}).Exec(ctx); err != nil {
				log.Fatal(err)
			}
		}
		n, err := b.NewSelect().Model((*Bill)(nil)).Count(ctx)
		fmt.Println(tenant.Slug, "has", n, "bills", err)
	}

	other := &Bill{Owned: stratumbun.Owned{TenantID: tenantB.ID}}
	_, err = b.NewInsert().Model(other).Exec(core.NewContext(ctx, tenantA))
	fmt.Println(err)
	_, err = b.NewSelect().Model((*Bill)(nil)).Count(ctx) // nobody's context
	fmt.Println(err)
	// Output:
	// a has 1 bills <nil>
	// b has 2 bills <nil>
	// the row belongs to tenant bbbbbbbb-bbbb-7bbb-8bbb-bbbbbbbbbbbb, and the context to tenant aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa (TENANT_MISMATCH)
	// the context has no tenant; refusing to touch tenant data (NO_TENANT)
}
