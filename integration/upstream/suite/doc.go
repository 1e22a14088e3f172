// Package suite opens the databases of test suites that others wrote: on the plain
// driver, or scoped to a tenant, as the environment says. A patch of a suite calls it
// where the suite opened a connection; nothing else of the suite changes.
package suite
