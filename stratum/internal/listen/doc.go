// Package listen hears of changes that anybody made: the database tells them on a channel,
// see the migration that makes the triggers. While it cannot hear it says so, and what is cached
// must not be used.
package listen
