// Package stratument gives ent a driver with which every statement runs inside the
// tenant of its context.
//
//	db, err := stratumpgx.Open(ctx, dsn, stratumpgx.Config{})
//	client := ent.NewClient(ent.Driver(stratument.Driver(db)))
//	invoices, err := client.Invoice.Query().All(ctx) // of ctx's tenant, and no other
//
// # What is scoped
//
// Everything, since scoping is below ent, in [stratumpgx]: what interceptors and
// privacy rules do not reach too, such as HasX and HasXWith, Count and Aggregate, eager
// loading, nested edges (ent/ent#4509), sql/modifier, sql/upsert, and the raw SQL of
// sql/execquery. One client serves all tenants. ent's interceptors and rules work as ever,
// for other purposes.
//
// # Schemas
//
// A schema has [Mixin], which declares the column and stamps new rows. The program imports
// the generated package ent/runtime, where ent puts hooks. What is unique for a tenant
// is unique with the tenant:
//
//	func (Customer) Mixin() []ent.Mixin { return []ent.Mixin{stratument.Mixin{}} }
//
//	func (Customer) Indexes() []ent.Index {
//		return []ent.Index{index.Fields("tenant_id", "email").Unique()}
//	}
//
//	id, err := client.Customer.Create().SetEmail(email).
//		OnConflictColumns(customer.FieldTenantID, customer.FieldEmail).UpdateNewValues().ID(ctx)
//
// Tables of everybody do without, and are granted by hand. An edge cannot join rows of two
// tenants: the foreign keys carry the tenant, join tables have it, and the database refuses.
//
// # Contexts
//
// Each method of ent takes a context; pass that of the request. Without a tenant it is
// [core.ErrNoTenant], and nothing is sent. A transaction belongs to the tenant that it began
// with, and another tenant's context is [core.ErrTenantMismatch]. Entities remember no
// tenant: one of another request, used in this one, finds nothing.
//
// Work across tenants says so: [core.System](ctx, "reason"), for which
// stratumpgx.Config.System names a login. It states the tenant of each new row.
//
// There is no need for ent's sql.WithVar, which sets variables of the session, in two more
// round trips. Code that sets app.current_tenant_id by it inside a transaction
// writes SQL, and is no more stopped than any other that does.
//
// # Migrations
//
// The application's login owns no tables, and Schema.Create on its client is refused.
// [Migrate] does the same as their owner, and protects the tables:
//
//	err := stratument.Migrate(ctx, ownerSQL, migrate.Tables, stratument.MigrateConfig{}) // sql.Open("pgx", ownerDSN)
//
// A project with versioned migrations has the text of rls.Script in a migration, or calls
// rls.Protect after them.
package stratument
