// Package db is what sqlc makes of query.sql. None of these queries knows of tenants.
package db

//go:generate sqlc generate
