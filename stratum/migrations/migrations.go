package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

//go:embed sql/*.sql
var files embed.FS

const (
	versionTable = "stratum.goose_version"

	// lockKey is the advisory lock of those who migrate: "stratum" in ASCII.
	lockKey = 0x7374726174756d
)

// ErrVersion is the error of a schema that this program cannot work with: it is not
// there, too old, or too new. Its text says which.
var ErrVersion = errors.New("the schema stratum does not fit this program")

// Files returns the migrations, for those who run them with a tool of their own: the
// table of versions must be stratum.goose_version, and the schema must exist.
func Files() fs.FS {
	sub, err := fs.Sub(files, "sql")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	return sub
}

// Latest is the version that this program needs.
func Latest() int64 {
	names, err := fs.Glob(files, "sql/*.sql")
	if err != nil || len(names) == 0 {
		panic("migrations: there are none")
	}
	version, err := goose.NumericComponent(names[len(names)-1]) // Glob sorts
	if err != nil {
		panic(err)
	}
	return version
}

// Check returns nil if the schema is the one that this program needs, and otherwise an
// error that is [ErrVersion] and says what to do. It changes nothing.
func Check(ctx context.Context, dsn string) error {
	return connected(ctx, dsn, func(conn *pgx.Conn) error {
		version, err := current(ctx, conn)
		if err != nil {
			return err
		}
		return judge(version)
	})
}

func judge(version int64) error {
	latest := Latest()
	switch {
	case version == 0:
		return fmt.Errorf("%w: it has not been made yet; open with AutoMigrate, or run migrations.Up first", ErrVersion)
	case version < latest:
		return fmt.Errorf("%w: it is at version %d and must be at %d; open with AutoMigrate, or run migrations.Up first", ErrVersion, version, latest)
	case version > latest:
		return tooNew(version)
	}
	return nil
}

func tooNew(version int64) error {
	return fmt.Errorf("%w: it is at version %d, and this program knows versions up to %d; deploy a newer program", ErrVersion, version, Latest())
}

// current is the version of the schema, 0 if there is none.
func current(ctx context.Context, conn *pgx.Conn) (int64, error) {
	var there bool
	err := conn.QueryRow(ctx, `select exists (select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = 'stratum' and c.relname = 'goose_version')`, pgx.QueryExecModeExec).Scan(&there)
	if err != nil || !there {
		return 0, err
	}
	var version int64
	err = conn.QueryRow(ctx, "select coalesce(max(version_id), 0) from "+versionTable+" where is_applied", pgx.QueryExecModeExec).Scan(&version)
	if insufficient(err) {
		return 0, fmt.Errorf("the schema stratum belongs to another role than %s; connect as its owner: %w", conn.Config().User, err)
	}
	return version, err
}

// Up makes the schema if it is not there, and applies the migrations that are
// missing. A schema that is newer than the program is [ErrVersion], and left alone.
func Up(ctx context.Context, dsn string) error {
	return connected(ctx, dsn, func(conn *pgx.Conn) error {
		// The one connection holds the lock while goose works on another.
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
		if _, err := tx.Exec(ctx, "select pg_catalog.pg_advisory_xact_lock($1)", pgx.QueryExecModeExec, int64(lockKey)); err != nil {
			return err
		}
		version, err := current(ctx, conn)
		if err != nil {
			return err
		}
		if version > Latest() {
			return tooNew(version)
		}
		if version == Latest() {
			return nil
		}
		return apply(ctx, conn.Config())
	})
}

// apply is called under the lock.
func apply(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config)
	defer func() { _ = db.Close() }()
	if err := makeSchema(ctx, db, config.User); err != nil {
		return err
	}
	store, err := database.NewStore(database.DialectPostgres, versionTable)
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider("", db, Files(), goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}

// makeSchema asks first: CREATE SCHEMA IF NOT EXISTS needs the right to create one
// even where there is one.
func makeSchema(ctx context.Context, db *sql.DB, login string) error {
	var there, mine bool
	err := db.QueryRowContext(ctx, `select pg_catalog.to_regnamespace('stratum') is not null,
		coalesce(pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('stratum')::oid, 'CREATE')
			and pg_catalog.has_schema_privilege(pg_catalog.to_regnamespace('stratum')::oid, 'USAGE'), false)`).Scan(&there, &mine)
	if err != nil {
		return err
	}
	role := pgx.Identifier{login}.Sanitize()
	if there && !mine {
		return fmt.Errorf("the schema stratum belongs to another role than %s; as a superuser run: ALTER SCHEMA stratum OWNER TO %s", login, role)
	}
	if there {
		return nil
	}
	_, err = db.ExecContext(ctx, "create schema stratum")
	if insufficient(err) {
		return fmt.Errorf("%s may not create the schema stratum; as the owner of the database run: CREATE SCHEMA stratum AUTHORIZATION %s: %w", login, role, err)
	}
	return err
}

// insufficient reports whether err is the SQLSTATE insufficient_privilege.
func insufficient(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "42501"
}

// connected runs fn on a connection of its own. The dsn may have parameters of a pool.
func connected(ctx context.Context, dsn string, fn func(*pgx.Conn) error) error {
	err := func() error {
		config, err := pgxpool.ParseConfig(dsn)
		if err != nil {
			return err
		}
		conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
		if err != nil {
			return err
		}
		defer func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			_ = conn.Close(ctx)
		}()
		return fn(conn)
	}()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	return nil
}
