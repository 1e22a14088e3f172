// Package pgtest gives each test a real database of its own.
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
//	func TestOrders(t *testing.T) {
//		t.Parallel()
//		db := pgtest.New(t)
//		db.Exec(t, embedpg.Owner, `CREATE TABLE orders (id bigint PRIMARY KEY)`)
//		...
//	}
//
// The first [New] of a test process starts one server for all its tests (see the package
// embedpg); each test then gets an empty database on it within some 20 ms, dropped when the test
// ends. Tests that need the same tables share the work of making them: [NewWith] runs a
// set-up function once per process, and every test gets a copy of the result.
//
// # Goroutines
//
// [Main] fails the run if goroutines are left when all tests are done. A connection
// pool that was not closed has some.
//
// # Environment
//
//   - STRATUM_TEST_DATABASE_URL, the postgres:// URL of a superuser: no server is started,
//     the running one is used. Role names belong to the whole server: the five
//     roles are made there, and their passwords set, derived from the superuser's so that
//     test processes agree on them. Databases get names that begin with
//     "stratum_test_" and are dropped at the end; those of a killed process stay.
//   - STRATUM_TEST_REQUIRED=1: a machine without PostgreSQL fails the tests instead of
//     skipping them.
//   - STRATUM_PG_BIN: which PostgreSQL, see [embedpg.Find].
package pgtest
