// Package fleet brings the application's own migrations to the places of all tenants that
// have one, and tells who is behind. The Service of an opened library is
// stratum.Stratum.Fleet; the shared tables are the application's to migrate, as ever.
//
//	report, err := s.Fleet.Migrate(ctx, migrations, fleet.Config{Canary: []core.ID{ours}})
//	status, err := s.Fleet.Status(ctx, migrations)
//
// The migrations are those of placement.Config, with files added: SQL files of goose
// whose numbers only grow. Only the way up is taken. A program that serves tenants meanwhile
// meets both versions, so a migration must be one that the program before it can live with.
//
// # What is true
//
// Each place has its own goose_db_version, written in the transaction of the migration.
// The table stratum.fleet is a copy for all of them, written in the transaction that makes a
// tenant and after each migrated place. It may be behind the truth, when a process died in
// between; the next Migrate finds that out and corrects it. Config.Recheck does so where
// it is ahead, after a restore for instance. What changes the table writes an audit row and
// the event "tenant.migrated", with the version before and after.
//
// # Several at once
//
// Who works on a place holds its advisory lock, which is also that of making and removing
// it. A second Migrate takes other places meanwhile, then waits, and finds those done: no
// migration is applied twice. A process that dies lets go of its locks as soon as the server
// has finished its statement. Tenants that another program makes during Migrate, with
// older migrations, are due as well; what such a program makes afterwards shows in Status.
//
// # Failures
//
// A migration that fails is rolled back by goose, unless its file says NO TRANSACTION, and
// those before it stay. Nothing is taken back in other places. Repeating Migrate goes on
// where it ended.
package fleet
