// Package migrations makes the schema "stratum", which holds everything that the
// library knows, and brings it up to date.
//
//	err := migrations.Up(ctx, dsn) // as the login that owns the schema, stratum_lib
//
// stratum.Open does the same with Config.AutoMigrate. [Check] tells whether it is
// needed. Both want a direct connection to the server, or a pooler that lets one
// transaction stay on one connection, as all do.
//
// # Several at once
//
// Any number of processes may call [Up] at the same moment, on an empty database
// too: the first takes an advisory lock, the others wait for it and find the work
// done. The lock belongs to a transaction, so that a process that dies lets go of it.
//
// # What it makes
//
// The schema, if it is not there and the login may create one, and in it tables that
// belong to the login. Nobody else is granted anything. The version is kept in
// stratum.goose_version. There are no migrations backwards: they would drop tenants.
package migrations
