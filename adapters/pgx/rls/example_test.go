package rls_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// A schema with data is shared out between tenants: customers carry their tenant in a column
// of text, invoices get it from their customer.
func Example() {
	ctx := context.Background()
	owner, app, stop := start(ctx)
	defer stop()
	if _, err := owner.Exec(ctx, shop); err != nil {
		log.Fatal(err)
	}

	err := rls.Protect(ctx, owner,
		rls.Table{Name: "customer", Backfill: "org::uuid"},
		rls.Table{Name: "invoice", ForeignKeys: true,
			Backfill: "c.tenant_id from customer c where c.customer_id = invoice.customer_id"},
	)
	if err != nil {
		log.Fatal(err)
	}

	for _, tenant := range []core.ID{tenantA, tenantB} {
		_ = pgx.BeginFunc(ctx, app, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "select set_config('app.current_tenant_id', $1, true)", tenant.String()); err != nil {
				return err
			}
			var invoices int
			err := tx.QueryRow(ctx, "select count(*) from invoice").Scan(&invoices)
			fmt.Println(invoices, "invoices", err)
			_, err = tx.Exec(ctx, "update customer set tenant_id = '00000000-0000-0000-0000-000000000001'")
			fmt.Println(err)
			return err
		})
	}
	// Output:
	// 4 invoices <nil>
	// ERROR: new row violates row-level security policy for table "customer" (SQLSTATE 42501)
	// 6 invoices <nil>
	// ERROR: new row violates row-level security policy for table "customer" (SQLSTATE 42501)
}

// A row that nobody claims stops everything.
func ExampleProtect_refused() {
	ctx := context.Background()
	owner, _, stop := start(ctx)
	defer stop()
	if _, err := owner.Exec(ctx, shop); err != nil {
		log.Fatal(err)
	}
	err := rls.Protect(ctx, owner, rls.Table{Name: "invoice"})
	fmt.Println(err)
	// Output:
	// rows of public.invoice left without a tenant: 10. Say whose they are: set Tenant or Backfill. (VALIDATION_ERROR)
}

// start runs a server for an example.
func start(ctx context.Context) (owner, app *pgx.Conn, stop func()) {
	srv, err := embedpg.Start(ctx, embedpg.Config{Database: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	if owner, err = pgx.Connect(ctx, srv.URL(embedpg.Owner, "shop")); err != nil {
		log.Fatal(err)
	}
	if app, err = pgx.Connect(ctx, srv.URL(embedpg.App, "shop")); err != nil {
		log.Fatal(err)
	}
	return owner, app, func() {
		_ = owner.Close(ctx)
		_ = app.Close(ctx)
		_ = srv.Stop()
	}
}
