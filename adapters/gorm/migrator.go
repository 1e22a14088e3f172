package stratumgorm

import (
	"errors"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"
)

// scopedDialector is that of a scoped *gorm.DB. Its migrator makes no tables.
type scopedDialector struct{ *postgres.Dialector }

// Migrator implements [gorm.Dialector].
func (d scopedDialector) Migrator(g *gorm.DB) gorm.Migrator {
	return scopedMigrator{d.Dialector.Migrator(g)}
}

// errMigrate is what [gorm.DB.AutoMigrate] returns on a scoped *gorm.DB.
var errMigrate = errors.New("stratumgorm: this *gorm.DB is the application's, which owns no tables: " +
	"use stratumgorm.Migrate with one that is connected as their owner, which protects them too")

// scopedMigrator answers questions, and refuses to make tables.
type scopedMigrator struct{ gorm.Migrator }

// AutoMigrate refuses.
func (scopedMigrator) AutoMigrate(...any) error { return errMigrate }

// CreateTable refuses.
func (scopedMigrator) CreateTable(...any) error { return errMigrate }

// ownerDialector is that of [Migrate].
type ownerDialector struct {
	*postgres.Dialector
	fields *tenantFields
}

// Migrator implements [gorm.Dialector].
func (d ownerDialector) Migrator(g *gorm.DB) gorm.Migrator {
	return ownerMigrator{d.Dialector.Migrator(g).(postgres.Migrator), d.fields}
}

// ownerMigrator leaves the tenant's column to rls.Protect, where the table exists.
type ownerMigrator struct {
	postgres.Migrator
	fields *tenantFields
}

// AddColumn adds the tenant's column without NOT NULL: the rows that there are have no
// tenant yet.
func (m ownerMigrator) AddColumn(value any, name string) error {
	return m.RunWithValue(value, func(stmt *gorm.Statement) error {
		if field := m.fields.of(stmt.Schema); field == nil || name != field.DBName {
			return m.Migrator.AddColumn(value, name)
		}
		return m.DB.Exec("ALTER TABLE ? ADD ? uuid", m.CurrentTable(stmt), clause.Column{Name: name}).Error
	})
}

// MigrateColumn does nothing to the tenant's column: GORM would take its default away,
// which is not in the model.
func (m ownerMigrator) MigrateColumn(value any, field *schema.Field, column gorm.ColumnType) error {
	if field == m.fields.of(field.Schema) {
		return nil
	}
	return m.Migrator.MigrateColumn(value, field, column)
}
