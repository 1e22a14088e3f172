package placement

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/lock"
)

// Latest is the version to which migrations in the SQL files of goose lead: the highest
// number that a name begins with. If there are none it returns [core.ErrValidation], with
// the detail "field".
func Latest(files fs.FS) (int64, error) {
	var latest int64
	if files != nil {
		names, err := fs.Glob(files, "*.sql")
		if err != nil {
			return 0, fmt.Errorf("placement: %w", err)
		}
		for _, name := range names {
			// goose leaves out what has no number, too.
			if version, err := goose.NumericComponent(name); err == nil {
				latest = max(latest, version)
			}
		}
	}
	if latest == 0 {
		return 0, core.Errorf(core.Validation, "the migrations have no file like 00001_name.sql").With("field", "files")
	}
	return latest, nil
}

// versions is the table of goose in a place. A schema of ours needs no quotes.
func versions(at core.Placement) string {
	if at.Strategy == core.DatabasePerTenant {
		return "public.goose_db_version"
	}
	return at.Schema + ".goose_db_version"
}

// version is the one that a place is at, 0 if goose was never there.
func version(ctx context.Context, conn *pgx.Conn, at core.Placement) (n int64, err error) {
	table := versions(at)
	there, err := versioned(ctx, conn, at)
	if err != nil || !there {
		return 0, err
	}
	err = conn.QueryRow(ctx, "select coalesce(max(version_id), 0) from "+table+" where is_applied", pgx.QueryExecModeExec).Scan(&n)
	return n, err
}

// versioned reports whether goose was ever in a place.
func versioned(ctx context.Context, conn *pgx.Conn, at core.Placement) (there bool, err error) {
	err = conn.QueryRow(ctx, "select pg_catalog.to_regclass($1) is not null", pgx.QueryExecModeExec, versions(at)).Scan(&there)
	return there, err
}

// hide takes away the rights on the table of versions, which is of no concern to the tenant.
func (p *Provisioner) hide(ctx context.Context, conn *pgx.Conn, at core.Placement) error {
	return all(ctx, conn, "revoke all on table "+versions(at)+" from "+quote(p.grantee(at)))
}

// up applies what is missing inside a place, on one connection like conn. That connection
// has a lock of its own: should the process die, its backend finishes the statement first,
// and whoever migrates the place next waits for it.
func (p *Provisioner) up(ctx context.Context, conn *pgx.Conn, at core.Placement, files fs.FS) error {
	table := versions(at)
	store, err := database.NewStore(database.DialectPostgres, table)
	if err != nil {
		return err
	}
	db := stdlib.OpenDB(*conn.Config(), stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		return lock.Wait(ctx, conn, "migrations of "+at.Schema+at.Database)
	}))
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1) // a second one would wait for the first
	provider, err := goose.NewProvider("", db, files, goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return located(err)
	}
	return p.hide(ctx, conn, at)
}

// located says which file it was.
func located(err error) error {
	var partial *goose.PartialError
	if !errors.As(err, &partial) || partial.Failed == nil {
		return err
	}
	return fmt.Errorf("version %d, %s: %w", partial.Failed.Source.Version, path.Base(partial.Failed.Source.Path), partial.Err)
}
