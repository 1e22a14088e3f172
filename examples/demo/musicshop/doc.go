// Package musicshop makes up the data of a music shop that has never heard of tenants:
// artists, albums and tracks, and customers in 24 countries who bought some of them.
//
//	_, err := conn.PgConn().Exec(ctx, musicshop.SQL()).ReadAll()
//
// The tables are those of the Chinook sample database; every name and number is
// generated, always the same ones.
package musicshop
