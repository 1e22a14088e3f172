// Package stddb is what sqlc generates for database/sql.
package stddb
