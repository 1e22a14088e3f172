package placement

import (
	"cmp"
	"context"
	"fmt"
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

	// Servers are further servers, for databases of tenants with a region: for each region the
	// connection string of the login that makes databases there, as Databases. Other regions
	// mean nothing here. Schemas are always made beside the shared tables.
	Servers map[string]string

	// App is the login that serves tenants. Empty: stratum_app.
	App string

	// NoRoles makes schemas without a role of their own: the serving login itself has the
	// rights in all of them, and SQL that names another tenant's schema reaches it. stratum.Open
	// logs a warning of that. Places that were made with roles keep them.
	NoRoles bool

	// Migrations are the application's own, in the SQL files of goose. They are applied in
	// each place that is made, and their table of versions, goose_db_version, lies beside the
	// tables that they make. A migration names its tables without a schema. Nil: none.
	Migrations fs.FS

	// TemplateSchema is a schema beside the shared tables, and TemplateDatabase a database on
	// each server where those of tenants are made. Places are copies of them, with the rows, and
	// nobody must be connected to the database meanwhile. All of a template belongs to the login
	// that makes the places. A schema with what cannot be copied is refused, by name. If there
	// are Migrations, too, a template has their table of versions, and what it lacks is applied
	// to the copy. Empty: places are not copies.
	TemplateSchema, TemplateDatabase string

	// Migrate makes the application's tables with code instead. conn is the owner's, and
	// its search_path is the place. An error undoes the place. Nil: it is done by Migrations,
	// or the place stays empty.
	Migrate func(ctx context.Context, conn *pgx.Conn, at core.Placement) error

	// Revision names what Migrate makes and what is in the templates, see
	// [Provisioner.Revision]: it is to change when they do. Migrations need none.
	Revision string
}

// Provisioner makes and removes places. It is safe for concurrent use.
type Provisioner struct {
	owner, databases *pgx.ConnConfig
	servers          map[string]*pgx.ConnConfig // by region
	app              string
	noRoles          bool

	templateSchema, templateDatabase string

	migrations fs.FS
	migrate    func(ctx context.Context, conn *pgx.Conn, at core.Placement) error
	revision   string
}

// New checks a configuration; it connects to nothing. Errors are [core.ErrValidation]
// with the detail "field".
func New(cfg Config) (*Provisioner, error) {
	if cfg.Migrate != nil {
		if cfg.Migrations != nil {
			return nil, invalid("Migrate", "Provision.Migrate and Provision.Migrations are both set; one of them makes the tables")
		}
		if cfg.TemplateSchema != "" || cfg.TemplateDatabase != "" {
			return nil, invalid("Migrate", "Provision.Migrate and a template are both set; one of them makes the tables")
		}
	}
	p := &Provisioner{
		servers: map[string]*pgx.ConnConfig{},
		app:     cmp.Or(cfg.App, "stratum_app"), noRoles: cfg.NoRoles,
		templateSchema: cfg.TemplateSchema, templateDatabase: cfg.TemplateDatabase,
		migrations: cfg.Migrations, migrate: cfg.Migrate,
	}
	var err error
	if p.revision, err = p.digest(cfg.Revision); err != nil {
		return nil, invalid("Migrations", "Provision.Migrations cannot be read: %v", err)
	}
	if p.owner, err = parse("Owner", cfg.Owner); err != nil {
		return nil, err
	}
	if p.databases, err = parse("Databases", cmp.Or(cfg.Databases, cfg.Owner)); err != nil {
		return nil, err
	}
	for region, dsn := range cfg.Servers {
		field := fmt.Sprintf("Servers[%q]", region)
		if !core.ValidRegion(region) {
			return nil, invalid(field, "Provision.%s: a region has 1 to %d letters, digits, underscores and hyphens", field, core.RegionMaxLen)
		}
		if p.servers[region], err = parse(field, dsn); err != nil {
			return nil, err
		}
	}
	return p, nil
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
