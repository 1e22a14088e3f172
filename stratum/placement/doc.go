// Package placement makes and removes the places where tenants' data lives: a schema and
// the role that may use it, or a database.
//
//	//go:embed migrations/*.sql
//	var migrations embed.FS // the application's own
//
//	s, err := stratum.Open(ctx, dsn, stratum.Config{Provision: placement.Config{
//		Owner:      ownerDSN,
//		Migrations: migrations,
//	}})
//	acme, err := s.Tenants.Create(ctx, tenant.New{Name: "Acme", Slug: "acme", Strategy: core.SchemaPerTenant})
//
// [Provisioner.Migrate] brings later migrations to one place; package fleet to all of them.
//
// Package tenant decides when a [Provisioner] works, and cleans up after it; this one
// knows nothing of tenants but their ids.
//
// # A schema
//
// The schema and all that migrations make in it belong to the owner's login. A role of
// its own, NOLOGIN, may use it, and select, insert, update and delete in it, also in tables
// that later migrations of the same login make. The serving login may become that role and
// has no rights without doing so; PUBLIC cannot enter the schema. The role may
// make temporary tables in the database, which COPY needs.
//
// # A database
//
// It belongs to the login that makes databases. Nobody else may connect but the serving
// login, which has the same rights in its schema public as above. How it gets there is the
// application's to say, stratumpgx.Config.Databases; [Databases] says it where they are all
// on one server.
//
// # Regions
//
// Config.Servers has further servers. A tenant's database is on that of its region, if there
// is one, and its key is then region/name, as eu/d_acme_0198a1b2c3d47e5f8a6b7c8d9e0f1a2b;
// [DatabasesOn] understands it.
//
// # Templates
//
// Instead of being made by migrations, a place can be a copy of a template, rows included. A
// template at some version of the migrations, with its table goose_db_version, is the fast
// way to a place at the latest: only what the template lacks is applied.
//
// # Without roles
//
// Config.NoRoles leaves the role out: the serving login has the rights itself. Only the
// search_path then tells tenants apart, and SQL with another tenant's schema in it reaches it.
//
// # Names
//
// They have the slug for people and the id for uniqueness, as t_acme_0198a1b2c3d47e5f8a6b7c8d9e0f1a2b,
// and are stored with the tenant. They do not change when the slug does.
package placement
