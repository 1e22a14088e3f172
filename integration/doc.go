// Package integration has the tests that need several modules at once, or a program as
// its users start it. Nothing requires it.
//
// The tests of the demo run it on its own data, and on the file that
// STRATUM_TEST_DEMO_SQL names too. They need the go command, and PostgreSQL under the
// rules of package pgtest: without one they are skipped, unless STRATUM_TEST_REQUIRED is 1.
package integration
