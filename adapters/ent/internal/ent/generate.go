// Package ent is what ent generates for the schema of the tests.
package ent

//go:generate go run entgo.io/ent/cmd/ent@v0.14.5 generate --feature sql/execquery,sql/upsert,sql/modifier,sql/lock ./schema
