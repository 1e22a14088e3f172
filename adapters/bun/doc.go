// Package stratumbun opens bun so that every statement runs inside the tenant of its
// context.
//
//	db, err := stratumpgx.Open(ctx, dsn, stratumpgx.Config{})
//	b := stratumbun.Open(db)
//	err = b.NewSelect().Model(&invoices).Scan(ctx) // of ctx's tenant, and no other
//
// # What is scoped
//
// Everything, since scoping is below bun, in [stratumpgx]: relations, joins, sub-queries,
// CTEs, Count and Exists, ScanAndCount, Bulk, Merge, raw SQL, iterators, prepared
// statements, hooks that query, and models that know nothing of tenants. One *bun.DB
// serves all tenants.
//
// # Models
//
// A model embeds [Owned], which declares the column and stamps new rows. What is
// unique for a tenant is unique with the tenant:
//
//	type Customer struct {
//		bun.BaseModel `bun:"table:customer"`
//		stratumbun.Owned
//
//		ID    int64  `bun:",pk,autoincrement"`
//		Email string // unique (tenant_id, email), by a migration
//	}
//
//	_, err = b.NewInsert().Model(c).On("CONFLICT (tenant_id, email) DO UPDATE").Set("name = EXCLUDED.name").Exec(ctx)
//
// The models of join tables embed it too. Tables of everybody do not, and are granted by
// hand.
//
// # Contexts
//
// Each method of bun takes a context; pass that of the request. Without a tenant it is
// [core.ErrNoTenant], and nothing is sent. Within RunInTx use the context that the
// function gets: a transaction belongs to the tenant that it began with, nested ones
// (savepoints) too, and another tenant's context is [core.ErrTenantMismatch]. Methods
// without a context, such as DB.Exec, are refused outside a transaction, and inherit inside.
//
// Work across tenants says so: [core.System](ctx, "reason"), for which
// stratumpgx.Config.System names a login. It states the tenant of each new row.
//
// # Migrations
//
// The application's login owns no tables. [Migrate] runs bun's migrations as their
// owner, and protects every table with a column tenant_id afterwards:
//
//	owner := bun.NewDB(ownerSQL, pgdialect.New()) // sql.Open("pgx", ownerDSN)
//	err := stratumbun.Migrate(ctx, owner, migrations, stratumbun.MigrateConfig{})
//
// A program that runs bun's migrator itself calls rls.Protect after it, or has the text of
// rls.Script in a migration.
package stratumbun
