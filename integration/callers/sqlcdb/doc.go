// Package sqlcdb holds what sqlc generates for the tables of testutil/ormtest: for pgx
// and for database/sql.
package sqlcdb

//go:generate go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.30.0 generate
