package placement_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

func Example() {
	ctx := context.Background()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()

	p, err := placement.New(placement.Config{
		Owner: pg.URL(embedpg.Superuser, "app"),
		Migrations: fstest.MapFS{
			"00001_note.sql": {Data: []byte("-- +goose Up\ncreate table note (body text);")},
		},
	})
	if err != nil {
		log.Panic(err)
	}
	at := p.Place(core.SchemaPerTenant, "acme", "", core.MustParseID("0198a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"))
	fmt.Println(at.Schema)
	if _, err := p.Make(ctx, at); err != nil {
		log.Panic(err)
	}

	app, err := pgx.Connect(ctx, pg.URL(embedpg.App, "app"))
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = app.Close(ctx) }()
	insert := "insert into " + at.Schema + ".note values ('hello')"
	_, err = app.Exec(ctx, insert)
	fmt.Println(strings.HasPrefix(err.Error(), "ERROR: permission denied for schema"))
	_, err = app.PgConn().Exec(ctx, "set local role "+at.Role+"; "+insert).ReadAll()
	fmt.Println(err)
	fmt.Println(p.Remove(ctx, at))
	// Output:
	// t_acme_0198a1b2c3d47e5f8a6b7c8d9e0f1a2b
	// true
	// <nil>
	// <nil>
}
