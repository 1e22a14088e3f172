// Package connection keeps the connection strings of tenants' own databases in the
// library's schema, sealed. A [Service] is stratumpgx.Config.Databases, so that a new
// database or password needs no new configuration and no restart:
//
//	s, err := stratum.Open(ctx, dsn, stratum.Config{Seal: seal.Config{Keys: keys}})
//	err = s.Connections.Set(ctx, "acme", connection.Connection{Primary: core.NewSecret(acmeDSN)})
//	db, err := stratumpgx.Open(ctx, appDSN, stratumpgx.Config{Databases: s.Connections})
//
// # Keys
//
// A key is the Database of a placement: the name of a database, or of a server and a database
// with a slash in between. It is looked up as it is; otherwise its server's connection is
// taken, with the name of the database put in, if that is a name that provisioning makes:
//
//	eu/d_acme_…   the connection eu/d_acme_…, or else eu
//	d_acme_…      the connection d_acme_…, or else default
//	acme          the connection acme
//
// So a server with thousands of databases is one connection, and a tenant that moves to a
// server of its own gets another one beside it.
//
// # Secrecy
//
// The strings are sealed by package seal, each for its row and column: put into another row by
// somebody who can write to the table, they do not open. They are in no error, log, audit row
// or event, sealed neither. A string is given to whoever calls [Service.ConnectionString].
//
// # Changed passwords
//
// A pool asks for the string when it is opened. When the server refuses a new connection of a
// pool that is open, the pool is closed as soon as nobody uses it, and opened again with the
// string as it is then, after a pause of a quarter of a second or more. So set the new string, then change the
// password, or the other way round: in between new connections fail, and those that are there work.
package connection
