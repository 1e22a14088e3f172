package placement

import (
	"context"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
)

// Config says how places are made. The connection strings, and that of the library, must
// lead to the server itself, not to a pooler: locks belong to sessions.
type Config struct {
	// Owner is the connection string of the login that owns the application's database.
	// The schemas of tenants are made there and belong to it. It needs CREATEROLE; it need
	// not be a superuser.
	Owner string

	// Databases is the connection string of the login that makes databases of tenants, on
	// their server and in any database there; they belong to it. It needs CREATEDB, and
	// pg_signal_backend to remove a database that somebody is connected to. Empty: Owner.
	Databases string

	// App is the login that serves tenants. Empty: stratum_app.
	App string

	// Migrations are the application's own, in the SQL files of goose. They are applied in
	// each place that is made, and their table of versions, goose_db_version, lies beside the
	// tables that they make. A migration names its tables without a schema. Nil: none.
	Migrations fs.FS

	// Migrate makes the application's tables with code instead. conn is the owner's, and
	// its search_path is the place. An error undoes the place. Nil: it is done by Migrations,
	// or the place stays empty.
	Migrate func(ctx context.Context, conn *pgx.Conn, at core.Placement) error
}

// Provisioner makes and removes places. It is safe for concurrent use.
type Provisioner struct {
	owner, databases *pgx.ConnConfig
	app              string
	migrate          func(ctx context.Context, conn *pgx.Conn, at core.Placement) error
}

// New checks a configuration; it connects to nothing. Errors are [core.ErrValidation]
// with the detail "field".
func New(cfg Config) (*Provisioner, error) {
	if cfg.Migrate != nil && cfg.Migrations != nil {
		return nil, invalid("Migrate", "Provision.Migrate and Provision.Migrations are both set; one of them makes the tables")
	}
	p := &Provisioner{app: cfg.App, migrate: cfg.Migrate}
	if p.app == "" {
		p.app = "stratum_app"
	}
	if cfg.Migrations != nil {
		p.migrate = func(ctx context.Context, conn *pgx.Conn, at core.Placement) error {
			return p.up(ctx, conn, at, cfg.Migrations)
		}
	}
	var err error
	if p.owner, err = parse("Owner", cfg.Owner); err != nil {
		return nil, err
	}
	p.databases = p.owner
	if cfg.Databases != "" {
		p.databases, err = parse("Databases", cfg.Databases)
	}
	return p, err
}

// parse takes the parameters of a pool too. It does not repeat what it cannot read, since
// that may have a password somewhere.
func parse(field, dsn string) (*pgx.ConnConfig, error) {
	if dsn == "" {
		return nil, invalid(field, "Provision.%s is empty: places are made by the login that it names", field)
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, invalid(field, "Provision.%s is no connection string", field)
	}
	return config.ConnConfig, nil
}

func invalid(field, format string, args ...any) error {
	return core.Errorf(core.Validation, format, args...).With("field", "Provision."+field)
}
