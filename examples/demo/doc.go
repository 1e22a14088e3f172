// Demo serves the invoices of a music shop to many tenants, from tables that knew
// nothing of tenants when the program started.
//
// It starts a throw-away PostgreSQL, loads a database without any notion of a tenant,
// makes one tenant for each country of the customers, puts three tables under
// row-level security, and serves JSON over HTTP until Ctrl-C. Read the files in this order:
//
//   - load.go: the database as it was, one shop for the whole world
//   - tenants.go: the tenants, and the step that makes the tables theirs
//   - serve.go: the one middleware
//   - invoices.go, orders.go: handlers and SQL, none of which mentions a tenant
//
// # Environment
//
//   - PORT: where it listens on 127.0.0.1. Default 8080; 0 takes any free port.
//   - DEMO_SQL: an SQL file to load in place of the made-up data (package musicshop),
//     in the schema of the Chinook sample database.
//
// # Output
//
// Standard output has the line "ready http://127.0.0.1:PORT", a line "admin postgres://…"
// with the URL of the database's superuser, and curl commands to try. The log goes to
// standard error. The exit status is 0 after Ctrl-C or SIGTERM, 2 if PORT or DEMO_SQL is
// unusable, and 1 if something else fails.
package main
