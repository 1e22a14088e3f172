package main

import (
	"context"
	"database/sql"
	"embed"
	"io/fs"

	_ "github.com/jackc/pgx/v5/stdlib" // the owner connects as anybody would
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	bunmigrate "github.com/uptrace/bun/migrate"

	stratumbun "github.com/stratum-hq/stratum-go/adapters/bun"
)

//go:embed migrations
var files embed.FS

// migrate runs bun's migrations and puts the tables that have a tenant_id under
// row-level security.
func migrate(ctx context.Context, dsn string) error {
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	folder, err := fs.Sub(files, "migrations")
	if err != nil {
		return err
	}
	migrations := bunmigrate.NewMigrations()
	if err := migrations.Discover(folder); err != nil {
		return err
	}
	return stratumbun.Migrate(ctx, bun.NewDB(db, pgdialect.New()), migrations, stratumbun.MigrateConfig{})
}
