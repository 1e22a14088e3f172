package embedpg_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// A server with one database: the owner makes a table, the application uses it.
func Example() {
	ctx := context.Background()
	srv, err := embedpg.Start(ctx, embedpg.Config{Database: "shop"})
	if err != nil {
		log.Fatal(err)
	}
	defer func() {
		if err := srv.Stop(); err != nil {
			log.Print(err)
		}
	}()

	owner, err := pgx.Connect(ctx, srv.URL(embedpg.Owner, "shop"))
	if err != nil {
		log.Fatal(err)
	}
	defer owner.Close(ctx)
	_, err = owner.Exec(ctx, `CREATE TABLE orders (id int PRIMARY KEY)`)
	if err != nil {
		log.Fatal(err)
	}
	_, err = owner.Exec(ctx, `GRANT SELECT, INSERT ON orders TO stratum_app`)
	if err != nil {
		log.Fatal(err)
	}

	app, err := pgx.Connect(ctx, srv.URL(embedpg.App, "shop"))
	if err != nil {
		log.Fatal(err)
	}
	defer app.Close(ctx)
	tag, err := app.Exec(ctx, `INSERT INTO orders SELECT generate_series(1, 3)`)
	fmt.Println(tag, err)
	_, err = app.Exec(ctx, `DROP TABLE orders`)
	fmt.Println(err)
	// Output:
	// INSERT 0 3 <nil>
	// ERROR: must be owner of table orders (SQLSTATE 42501)
}

// A copy of a prepared database takes some 25 milliseconds.
func ExampleServer_CreateDatabase() {
	ctx := context.Background()
	srv, err := embedpg.Start(ctx, embedpg.Config{Database: "template"})
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = srv.Stop() }()

	// ... run the migrations in "template", close the connection, then:
	for _, name := range []string{"one", "two"} {
		fmt.Println(name, srv.CreateDatabase(ctx, name, "template"))
	}
	// Output:
	// one <nil>
	// two <nil>
}
