package placement

import (
	"context"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/stratum-hq/stratum-go/core"
)

// goose applies migrations inside a place, on a connection like conn. Should the process
// die, its backend finishes the statement, and holds the schema meanwhile: removing the
// schema waits for it.
func (p *Provisioner) goose(files fs.FS) func(context.Context, *pgx.Conn, core.Placement) error {
	return func(ctx context.Context, conn *pgx.Conn, at core.Placement) error {
		schema, grantee := at.Schema, at.Role
		if at.Strategy == core.DatabasePerTenant {
			schema, grantee = "public", p.app
		}
		versions := schema + ".goose_db_version" // a schema of ours needs no quotes
		store, err := database.NewStore(database.DialectPostgres, versions)
		if err != nil {
			return err
		}
		db := stdlib.OpenDB(*conn.Config())
		defer func() { _ = db.Close() }()
		provider, err := goose.NewProvider("", db, files, goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
		if err != nil {
			return err
		}
		if _, err := provider.Up(ctx); err != nil {
			return err
		}
		return all(ctx, conn, "revoke all on table "+versions+" from "+quote(grantee)) // of no concern to the tenant
	}
}
