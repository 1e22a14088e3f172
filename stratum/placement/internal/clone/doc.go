// Package clone copies a schema into another, empty one: everything that is in it, rows
// included, or nothing, with an error that names what cannot be copied.
//
// PostgreSQL itself writes the definitions, with a search_path of only the template: what
// is in the template then has no schema in front, and means the copy when the definition
// is executed with the search_path of the copy. What refers to other schemas keeps doing so.
//
// Owners and rights are not copied, but for functions that PUBLIC may not execute: that
// stays so. Comments are, of tables, views and columns.
package clone
