package stratument

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/schema"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

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

	// Schema are ent's own options, those that Schema.Create takes.
	Schema []schema.MigrateOption
}

// Migrate does what Schema.Create does, followed by rls.Protect for every table that
// belongs to tenants: those with the field of [Mixin], and the join tables of their
// edges, which get the column. tables is the variable Tables of the generated package
// migrate:
//
//	err := stratument.Migrate(ctx, owner, migrate.Tables, stratument.MigrateConfig{})
//
// owner is connected as the tables' owner over pgx, for example with
// sql.Open("pgx", dsn). Everything is one transaction. Processes that migrate at the
// same time wait for each other. Running it again changes nothing where nothing has changed.
func Migrate(ctx context.Context, owner *sql.DB, tables []*schema.Table, cfg MigrateConfig) error {
	conn, err := owner.Conn(ctx)
	if err != nil {
		return fmt.Errorf("stratument: %w", err)
	}
	defer func() { _ = conn.Close() }()
	raw, err := pgxConn(conn)
	if errors.Is(err, errMigrate) {
		return err
	}
	if err == nil {
		err = migrate(ctx, conn, raw, tables, cfg)
	}
	if err != nil {
		return fmt.Errorf("stratument: %w", err)
	}
	return nil
}

// pgxConn returns the connection below conn, for as long as that is open.
func pgxConn(conn *sql.Conn) (raw *pgx.Conn, err error) {
	err = conn.Raw(func(dc any) error {
		switch c := dc.(type) {
		case *stdlib.Conn:
			raw = c.Conn()
			return nil
		case *stratumpgx.DriverConn:
			return errMigrate
		}
		return fmt.Errorf("the owner's driver is a %T, and Migrate needs pgx", dc)
	})
	return raw, err
}

// migrationLock is the key of the advisory lock of migrations; the number stands for
// nothing.
const migrationLock = 0x73746d65

// migrate does all in one transaction on conn, which is raw.
func migrate(ctx context.Context, conn *sql.Conn, raw *pgx.Conn, tables []*schema.Table, cfg MigrateConfig) error {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, "select pg_advisory_xact_lock($1)", migrationLock); err != nil {
		return err
	}
	drv := transaction{entsql.NewDriver(dialect.Postgres, entsql.Conn{ExecQuerier: tx})}
	m, err := schema.NewMigrate(drv, append(slices.Clone(cfg.Schema), schema.WithDiffHook(protected))...)
	if err != nil {
		return err
	}
	if err := m.Create(ctx, tables...); err != nil {
		return err
	}
	if owned := owned(tables, cfg); len(owned) > 0 {
		if err := rls.Protect(ctx, raw, owned...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// transaction is a driver in a transaction, which ent does not end.
type transaction struct{ *entsql.Driver }

// Tx implements [dialect.Driver].
func (t transaction) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(t), nil }

// owned lists the tables that belong to tenants: those of the configuration, in its
// order, and those that ent says.
func owned(tables []*schema.Table, cfg MigrateConfig) []rls.Table {
	list := slices.Clone(cfg.Tables)
	for _, t := range tables {
		listed := slices.ContainsFunc(list, func(l rls.Table) bool { return means(l.Name, t.Name) })
		backfill, join := joined(t)
		if !listed && (join || has(t)) {
			list = append(list, rls.Table{Name: quote(t.Name), Backfill: backfill})
		}
	}
	for i := range list {
		if list[i].Roles == (rls.Roles{}) {
			list[i].Roles = cfg.Roles
		}
		list[i].ForeignKeys = !cfg.PlainForeignKeys
	}
	return list
}

// means reports whether a name as in SQL, with a schema or without, is that of a table of ent.
func means(sqlName, table string) bool {
	plain := strings.ReplaceAll(sqlName, `"`, "")
	return plain == table || strings.HasSuffix(plain, "."+table)
}

// has reports whether the table has the tenant's column.
func has(t *schema.Table) bool {
	return slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return c.Name == rls.DefaultColumn })
}

// joined reports whether t is the join table of an edge between tables of tenants, and
// where its rows get their tenant from.
func joined(t *schema.Table) (backfill string, join bool) {
	if has(t) || len(t.PrimaryKey) == 0 {
		return "", false
	}
	for _, pk := range t.PrimaryKey {
		if !slices.ContainsFunc(t.ForeignKeys, func(fk *schema.ForeignKey) bool { return slices.Contains(fk.Columns, pk) }) {
			return "", false
		}
	}
	for _, fk := range t.ForeignKeys {
		if has(fk.RefTable) {
			return fmt.Sprintf("side.%s from %s side where side.%s = %s.%s", quote(rls.DefaultColumn),
				quote(fk.RefTable.Name), quote(fk.RefColumns[0].Name), quote(t.Name), quote(fk.Columns[0].Name)), true
		}
	}
	return "", false
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
