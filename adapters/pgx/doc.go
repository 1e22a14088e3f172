// Package stratumpgx opens PostgreSQL so that every query runs inside the tenant of
// its context.
//
//	db, err := stratumpgx.Open(ctx, dsn, stratumpgx.Config{})
//	rows, err := db.Query(ctx, "select id, total from invoice") // of ctx's tenant, and no other
//	sqldb := db.SQL()                                           // the same for database/sql and every ORM
//
// # How it works
//
// Tables are under row-level security ([github.com/stratum-hq/stratum-go/adapters/pgx/rls]),
// whose policies compare tenant_id with the setting app.current_tenant_id. The setting
// travels in the same flush as the query, in front of it, and is local to the
// transaction that both make up. So it costs no round trip, holds nothing on the
// connection afterwards, and works through PgBouncer in transaction mode. It is sent at
// the wire, below pgx: batches, pipelines, COPY, tracers and every exec mode are scoped
// too, and there is no SQL of yours that is inspected or changed.
//
// # Placements
//
// One DB serves tenants wherever they are; [core.Tenant] says where ([core.Placement]), and
// each operation goes there. Strategies mix.
//
//   - SHARED_RLS: the shared tables, as above.
//   - SCHEMA_PER_TENANT: search_path is the tenant's schema, never public, and the role
//     is the tenant's own, which alone may use that schema; both are part of the scope and
//     end with it. The login is a member of these roles, with NOINHERIT. The pool is one
//     of its own, which prepares no statements: they would be planned anew at each change
//     of schema, and fail while schemas are at different versions.
//   - DB_PER_TENANT: a pool for each database, opened at its first use by [Config.Databases],
//     kept while a unit of work has it, closed when room is needed and it is idle, within
//     [Config.DatabaseLimits]. A database that is down is [core.ErrDatabaseDown], at once
//     after the first time, for its own tenants and nobody else.
//
// Work under [core.ReadOnly] goes to a read replica where one is configured
// ([Config.Replica], [ReplicatedDatabases]) and can be reached, and cannot write anywhere.
//
// A placement can bound how long a statement runs and how many units of work its tenant has
// at once. Work under [core.System] reaches the shared tables, see [SharedTables].
//
// # What it refuses
//
// A context without a tenant is [core.ErrNoTenant] before a byte is sent. A
// transaction that meets the context of another tenant is [core.ErrTenantMismatch]. A
// batch that goes on after a COMMIT within it is [core.ErrScopeEnded]. A login that
// row-level security would not bind is [core.ErrRoleUnsafe] when the DB is opened. A
// statement that cannot run in a transaction, such as VACUUM, is [core.ErrUnscopedOnly].
//
// # What it cannot stop
//
// Whoever writes the SQL can call set_config inside the transaction: against SQL
// injection the scope is no wall, parameters are. A session is cleaned after what its
// command tags show ([Config.Reset]); what a function does to it does not show.
// Channel binding (SCRAM-SHA-256-PLUS) is not used: pgx binds to a *tls.Conn only.
package stratumpgx
