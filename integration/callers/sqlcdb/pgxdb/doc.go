// Package pgxdb is what sqlc generates for pgx.
package pgxdb
