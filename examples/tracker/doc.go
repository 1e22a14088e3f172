// Package tracker is what four programs have in common, each of which is the same
// small service, projects and their tasks, on another stack:
//
//	go run ./chi-pgx-sqlc
//	go run ./echo-gorm
//	go run ./gin-ent
//	go run ./fiber-bun
//
// Here are the throw-away PostgreSQL, the two tenants, and the start and the end of a
// program. What a service of yours would have stands in the programs themselves: their
// tables, the middleware, the routes, and not a word of tenants in between.
package tracker
