package stratumpgx_test

import (
	"context"
	"fmt"
	"log"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// exampleServer starts a PostgreSQL whose table note has 10 rows of tenant a and 20 of b.
func exampleServer(ctx context.Context) *embedpg.Server {
	server, err := embedpg.Start(ctx, embedpg.Config{Database: "example"})
	if err != nil {
		log.Fatal(err)
	}
	conn, err := connect(ctx, server.URL(embedpg.Superuser, "example"))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, schema); err != nil {
		log.Fatal(err)
	}
	return server
}

func Example() {
	ctx := context.Background()
	server := exampleServer(ctx)
	defer server.Stop()

	db, err := stratumpgx.Open(ctx, server.URL(embedpg.App, "example"), stratumpgx.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()

	for _, tenant := range []*core.Tenant{tenantA, tenantB} {
		ctx := core.NewContext(ctx, tenant) // a middleware does this for each request
		var n int
		if err := db.QueryRow(ctx, "select count(*) from note").Scan(&n); err != nil {
			log.Fatal(err)
		}
		fmt.Println("pgx:", tenant.Slug, "has", n, "notes")
		if err := db.SQL().QueryRowContext(ctx, "select count(*) from note").Scan(&n); err != nil {
			log.Fatal(err)
		}
		fmt.Println("database/sql:", tenant.Slug, "has", n, "notes")
	}

	_, err = db.Exec(ctx, "delete from note") // nobody's context
	fmt.Println(err)
	// Output:
	// pgx: a has 10 notes
	// database/sql: a has 10 notes
	// pgx: b has 20 notes
	// database/sql: b has 20 notes
	// the context has no tenant; refusing to touch tenant data (NO_TENANT)
}
