// Package callers runs two callers of database/sql that need no adapter, sqlx and the code
// that sqlc generates, through the conformance suite of the ORM adapters; sqlc's code for pgx
// as well. It has tests only.
//
// Neither knows hooks. So that the rows they write state their tenant, and one of another
// tenant is refused before it is sent, they stamp with [core.Stamp], as a repository
// on plain SQL would; without that the database stamps and refuses.
package callers
