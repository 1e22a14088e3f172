// Package stratumgorm opens GORM so that every statement runs inside the tenant of its
// context.
//
//	db, err := stratumpgx.Open(ctx, dsn, stratumpgx.Config{})
//	g, err := stratumgorm.Open(db, &gorm.Config{})
//
//	g.WithContext(ctx).Preload("Lines").Find(&invoices) // of ctx's tenant, and no other
//
// An existing setup becomes one by existing.Use(stratumgorm.New(db)). Whatever GORM sends
// is scoped below it, by [github.com/stratum-hq/stratum-go/adapters/pgx] and row-level
// security: associations, joins, sub-queries, Unscoped, raw SQL, hooks. This package adds
// what row-level security has no words for.
//
// # Models
//
// A model with the embedded [Owned], or with a field of its own for the column tenant_id, is
// stamped by Create, Save and their relatives, in batches, maps and associations too. A row
// that states another tenant is [core.ErrTenantMismatch], and so is an update that would
// give it one; nothing of it is sent. Hooks run after the stamp and see it.
//
//	type Customer struct {
//		ID       int64
//		TenantID core.ID `gorm:"type:uuid;not null;uniqueIndex:customer_email"`
//		Email    string  `gorm:"uniqueIndex:customer_email"`
//	}
//
// # Contexts
//
// A statement without a tenant is [core.ErrNoTenant] before a byte is sent. The usual reason
// is a *gorm.DB without WithContext, and the error says so. A transaction belongs to
// the tenant it was begun with: its *gorm.DB has that context already, and the context of
// another tenant is refused. Hooks do their work with the *gorm.DB that they are given.
// Dry runs and ToSQL need no tenant.
//
// Under [core.System] every tenant's rows are there, and a new row must state its tenant.
//
// # Migrations
//
// [Migrate] is AutoMigrate on the owner's connection, and protects the tables. On a scoped
// *gorm.DB, AutoMigrate is refused.
//
// # Round trips
//
// A query takes one. A write takes three, since GORM wraps it in a transaction, and
// one with gorm.Config.SkipDefaultTransaction: then associations and hooks are no longer
// all or nothing, unless you begin the transaction. PrepareStmt saves nothing here, for pgx
// prepares and caches by itself.
//
// # Traps
//
//   - Plugins that cache results know the SQL, in which there is no tenant: what one
//     tenant asked, the next is answered. Do not use them with this package.
//   - A unique index without tenant_id is across tenants. Name the column in a
//     clause.OnConflict as well. An upsert that meets another tenant's row by its primary key
//     is an error of the database (42501), or does nothing if it says DoNothing. Save of a
//     model with another tenant's id is such an upsert.
//   - The rows of a many2many table are stamped by the database, and have no tenant under
//     System. Write those with a model of their own ([gorm.DB.SetupJoinTable]).
//   - Create adds the tenant to the maps that it is given.
//   - Statements of dbresolver run elsewhere, and are refused. Open a second *gorm.DB for a replica.
//   - gorm.DB.Row has no way to return an error: use Scan, or Rows.
package stratumgorm
