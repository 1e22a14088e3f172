package stratumbun

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/migrate"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
)

// MigrateConfig says how [Migrate] protects tables. The zero value is the safe one.
type MigrateConfig struct {
	// Tables says more about some of the tables: whose the rows are that there are
	// already (Tenant, Backfill), or Replace. A table without a column for the tenant
	// gets one by being listed. They are filled in this order. Roles and ForeignKeys
	// need not be said again.
	Tables []rls.Table

	// Roles are the roles that the policies are for.
	Roles rls.Roles

	// PlainForeignKeys leaves foreign keys without the tenant in them. Then a row of
	// one tenant can refer to another's, and a cascade reaches it: see rls.Table.ForeignKeys.
	PlainForeignKeys bool

	// Migrator are bun's own options, for example the names of its tables.
	Migrator []migrate.MigratorOption
}

// Migrate runs the migrations that have not been run yet, and then rls.Protect for
// every table of the owner that has a column tenant_id, in any schema. Running it
// again changes nothing where nothing has changed.
//
// owner is connected as the tables' owner over pgx, for example with
// sql.Open("pgx", dsn), and can open two connections. Processes that migrate at the
// same time wait for each other. Each migration is a transaction of its own, or none, as bun has it;
// what they make is granted to nobody until the protection, which is one
// transaction, has succeeded. If it fails, call Migrate again.
func Migrate(ctx context.Context, owner *bun.DB, migrations *migrate.Migrations, cfg MigrateConfig) error {
	if owner.Stats().MaxOpenConnections == 1 {
		return errors.New("stratumbun: Migrate needs two connections, one of them for its lock, and SetMaxOpenConns allows one")
	}
	conn, err := owner.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("stratumbun: %w", err)
	}
	defer func() { _ = conn.Close() }()
	err = conn.Raw(func(dc any) error {
		switch c := dc.(type) {
		case *stdlib.Conn:
			return alone(ctx, c.Conn(), func() error { return run(ctx, owner, c.Conn(), migrations, cfg) })
		case *stratumpgx.DriverConn:
			return errMigrate
		}
		return fmt.Errorf("the owner's driver is a %T, and Migrate needs pgx", dc)
	})
	if err != nil && !errors.Is(err, errMigrate) {
		return fmt.Errorf("stratumbun: %w", err)
	}
	return err
}

// migrationLock is the key of the advisory lock of migrations; the number stands for
// nothing.
const migrationLock = 0x73746d62

// alone runs fn while no other process does.
func alone(ctx context.Context, conn *pgx.Conn, fn func() error) error {
	if _, err := conn.Exec(ctx, "select pg_advisory_lock($1)", migrationLock); err != nil {
		return err
	}
	err := fn()
	_, unlock := conn.Exec(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", migrationLock)
	return errors.Join(err, unlock)
}

// run migrates over owner, and protects over conn.
func run(ctx context.Context, owner *bun.DB, conn *pgx.Conn, migrations *migrate.Migrations, cfg MigrateConfig) error {
	m := migrate.NewMigrator(owner, migrations, cfg.Migrator...)
	if err := m.Init(ctx); err != nil {
		return err
	}
	if _, err := m.Migrate(ctx); err != nil {
		return err
	}
	tables, err := owned(ctx, conn, cfg)
	if err != nil || len(tables) == 0 {
		return err
	}
	return rls.Protect(ctx, conn, tables...)
}

// unlisted finds the tables with a column $1 that are not among $2. Partitions are
// protected with their table.
const unlisted = `
select format('%I.%I', n.nspname, c.relname)
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = $1 and not a.attisdropped
where c.relkind in ('r', 'p') and not c.relispartition and c.relpersistence <> 't'
and c.relowner = (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user)
and not exists (select from unnest($2::text[]) listed where to_regclass(listed) = c.oid)
order by 1`

// owned lists the tables that belong to tenants: those of the configuration, in its
// order, and those that are found.
func owned(ctx context.Context, conn *pgx.Conn, cfg MigrateConfig) ([]rls.Table, error) {
	var tables []rls.Table
	names := []string{}
	for _, t := range cfg.Tables {
		tables = append(tables, t)
		names = append(names, t.Name)
	}
	rows, _ := conn.Query(ctx, unlisted, rls.DefaultColumn, names)
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("looking for tables with the column %s: %w", rls.DefaultColumn, err)
	}
	for _, name := range found {
		tables = append(tables, rls.Table{Name: name})
	}
	for i := range tables {
		if tables[i].Roles == (rls.Roles{}) {
			tables[i].Roles = cfg.Roles
		}
		tables[i].ForeignKeys = !cfg.PlainForeignKeys
	}
	return tables, nil
}
