package clone_test

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/placement/internal/clone"
)

func Example() {
	ctx := context.Background()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()
	conn, err := pgx.Connect(ctx, pg.URL(embedpg.Superuser, "app"))
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.PgConn().Exec(ctx, `create schema template; create table template.unit (id serial, name text);
		insert into template.unit (name) values ('piece'), ('hour'); create schema acme`).ReadAll()
	if err != nil {
		log.Panic(err)
	}
	fmt.Println(clone.Schema(ctx, conn, "template", "acme"))
	var id int
	err = conn.QueryRow(ctx, "insert into acme.unit (name) values ('kg') returning id").Scan(&id)
	fmt.Println(id, err)
	// Output:
	// <nil>
	// 3 <nil>
}
