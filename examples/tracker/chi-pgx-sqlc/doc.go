// Command chi-pgx-sqlc is a small service on chi, pgx and sqlc.
//
//	go run .
package main
