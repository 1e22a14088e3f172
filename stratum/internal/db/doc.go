// Package db is the one place that opens the library's transactions. What changes
// something goes through [DB.Mutate], which writes the audit row and the event in the
// same statement as the change: there is no way to do one without the others.
package db
