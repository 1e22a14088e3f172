package stratumgorm

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
)

// MigrateConfig says how [Migrate] protects tables. The zero value is the safe one.
type MigrateConfig struct {
	// Tables says more about some of the tables, by their names in the database: whose the
	// rows are that there are already (Tenant, Backfill), or Replace. Column, Roles
	// and foreign keys need not be said again.
	Tables []rls.Table

	// Roles are the roles that the policies are for.
	Roles rls.Roles

	// PlainForeignKeys leaves foreign keys without the tenant in them. Then a row of
	// one tenant can refer to another's, and a cascade reaches it: see rls.Table.ForeignKeys.
	PlainForeignKeys bool
}

// Migrate is AutoMigrate for the models, followed by rls.Protect for every table
// that belongs to tenants: those of models with a tenant's field (see [Owned]),
// related models that AutoMigrate adds, and the join tables of many2many relations
// between these, which get the column. Tables of other models are left unprotected, and
// the application has to be granted their use.
//
// owner is a *gorm.DB that is connected as the tables' owner over
// gorm.io/driver/postgres, with the naming strategy of the application's.
// Everything is one transaction. Processes that migrate at the same time wait for each
// other. Running it again changes nothing where nothing has changed.
func Migrate(ctx context.Context, owner *gorm.DB, cfg MigrateConfig, models ...any) error {
	var dialect *postgres.Dialector
	switch d := owner.Dialector.(type) {
	case *postgres.Dialector:
		dialect = d
	case scopedDialector:
		return errMigrate
	default:
		return fmt.Errorf("stratumgorm: Migrate needs the dialector of gorm.io/driver/postgres, and this is a %T", owner.Dialector)
	}
	if owner.DryRun {
		return errors.New("stratumgorm: Migrate has no dry run")
	}
	err := owner.WithContext(ctx).Connection(func(g *gorm.DB) error {
		g = g.Session(&gorm.Session{NewDB: true, Context: ctx})
		g.Dialector = ownerDialector{dialect, new(tenantFields)}
		return g.Transaction(func(tx *gorm.DB) error { return migrate(ctx, g, tx, cfg, models) })
	})
	if err != nil {
		return fmt.Errorf("stratumgorm: %w", err)
	}
	return nil
}

// migrationLock is the key of the advisory lock of migrations; the number stands for
// nothing.
const migrationLock = 0x73746d67

// migrate runs in the transaction tx on the connection conn.
func migrate(ctx context.Context, conn, tx *gorm.DB, cfg MigrateConfig, models []any) error {
	if err := tx.Exec("select pg_advisory_xact_lock(?)", migrationLock).Error; err != nil {
		return err
	}
	if err := tx.AutoMigrate(models...); err != nil {
		return err
	}
	tables, err := owned(tx, cfg, models)
	if err != nil || len(tables) == 0 {
		return err
	}
	raw, ok := conn.Statement.ConnPool.(interface{ Raw(func(any) error) error })
	if !ok {
		return errors.New("the owner's connection is none of database/sql")
	}
	return raw.Raw(func(dc any) error {
		c, ok := dc.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the owner's driver is a %T, and Migrate needs pgx", dc)
		}
		return rls.Protect(ctx, c.Conn(), tables...)
	})
}

// owned lists the tables that belong to tenants, those that others refer to first.
func owned(tx *gorm.DB, cfg MigrateConfig, models []any) ([]rls.Table, error) {
	m := tx.Migrator().(ownerMigrator)
	var tables []rls.Table
	joins := map[string]*schema.Relationship{}
	for _, model := range m.ReorderModels(models, true) {
		stmt := &gorm.Statement{DB: tx}
		if err := stmt.Parse(model); err != nil {
			return nil, err
		}
		for _, rel := range stmt.Schema.Relationships.Many2Many {
			joins[rel.JoinTable.Table] = rel
		}
		table := rls.Table{Name: stmt.Quote(stmt.Schema.Table), Roles: cfg.Roles, ForeignKeys: !cfg.PlainForeignKeys}
		if field := m.fields.of(stmt.Schema); field != nil {
			table.Column = field.DBName
		} else if rel := joins[stmt.Schema.Table]; rel != nil {
			table.Column, table.Backfill = m.fields.joined(stmt, rel)
		}
		if table.Column != "" {
			tables = append(tables, table)
		}
	}
	return tables, amend(tables, cfg.Tables)
}

// joined returns the column for the tenant of a join table, and where its rows get it
// from: the side of the relation that belongs to tenants. Both are empty if none does.
func (t *tenantFields) joined(stmt *gorm.Statement, rel *schema.Relationship) (column, backfill string) {
	for _, side := range []*schema.Schema{rel.Schema, rel.FieldSchema} {
		field := t.of(side)
		if field == nil {
			continue
		}
		var on []string
		for _, ref := range rel.References {
			if ref.OwnPrimaryKey == (side == rel.Schema) && ref.PrimaryKey != nil {
				on = append(on, "side."+stmt.Quote(ref.PrimaryKey.DBName)+" = "+stmt.Quote(rel.JoinTable.Table)+"."+stmt.Quote(ref.ForeignKey.DBName))
			}
		}
		return field.DBName, "side." + stmt.Quote(field.DBName) + " from " + stmt.Quote(side.Table) + " side where " + strings.Join(on, " and ")
	}
	return "", ""
}

// amend adds what the configuration says about tables.
func amend(tables, more []rls.Table) error {
	for _, m := range more {
		found := false
		for i := range tables {
			t := &tables[i]
			if plain(t.Name) != plain(m.Name) {
				continue
			}
			found = true
			t.Tenant, t.Backfill, t.Replace = m.Tenant, m.Backfill, m.Replace
			t.CompositeKey = m.CompositeKey
		}
		if !found {
			return fmt.Errorf("MigrateConfig.Tables names %s, which is not the table of a model that belongs to tenants", m.Name)
		}
	}
	return nil
}

// plain is a name without quotes, for comparing.
func plain(name string) string { return strings.ReplaceAll(name, `"`, "") }
