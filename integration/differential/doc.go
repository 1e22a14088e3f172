// Package differential compares what a program sees of PostgreSQL through a client of
// database/sql on pgx's own driver with what it sees on the scoped one: results,
// errors, types. One program, two databases with the same content, two traces; the
// traces must be equal.
//
// The plain side logs in as the same role and has its tenant set for the session, so
// both sides have the same rights and see the same rows.
package differential
