// Package clone copies a schema into another, empty one: everything that is in it, rows
// and values of sequences included, or nothing, with an error that names what cannot be copied.
//
// PostgreSQL itself writes the definitions, with a search_path of only the template: what is
// in the template then has no schema in front, and means the copy when the definition is
// executed with the search_path of the copy. What refers to other schemas keeps doing so. The
// order comes from pg_depend, and all statements are sent at once.
//
// Copied are tables with all that belongs to their columns, rows, constraints, indexes,
// sequences, views, materialized views, functions, procedures, triggers, rules, row-level
// security, extended statistics, enum, composite and domain types, and comments. Whatever
// else is in the schema is refused: it is found as what pg_depend has there and objects.sql
// has not. Refused is also what would not be the same in a copy: a definition with the
// template's name in it, a thing that belongs to somebody else, a member of a publication or
// an inheritance. At the end nothing in the copy may depend on the template.
//
// Rights are not copied, but for the one of PUBLIC to execute a function.
package clone
