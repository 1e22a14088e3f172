// Package stratumtest proves tenant isolation in your own CI.
//
//	func TestIsolation(t *testing.T) {
//		stratumtest.AssertIsolation(t, db.SQL(), stratumtest.Config{Owner: owner})
//	}
//
// [AssertIsolation] reads the catalog, makes two tenants, fills every table that has the
// tenant column with rows that satisfy types, checks and keys, and then attacks them
// through db as one tenant against the other: reading, writing, keys, views, functions,
// sessions and more; a vector is one row of the tables in the attack_*.go files. Each
// leak is an error of the test, with the table, the vector, the severity and the SQL that
// fixes it. [Attack] returns the same as a [Report].
//
// # What fails the test
//
//   - A [Finding] of class [Leak] or [Oracle], and with [Config.Sealed] one of class
//     [Injection]. A [Notice] never fails.
//   - A [Gap]: a table that could not be filled, or whose own rows a tenant does not see,
//     for then an attack that comes back empty proves nothing.
//   - No table with the tenant column at all.
//
// What could not be tried is listed in [Report.NotAttacked], and is never counted as held.
//
// # The database is left as found
//
// Attacks run in transactions that are rolled back. The rows that are filled in, the
// references that the cascade attack plants, and what triggers make of both, are removed
// again, also after a failure or a panic; sequences are set back; digests of all tables
// are compared. Removing needs the owner of the tables: user triggers are off and FORCE
// ROW LEVEL SECURITY is lifted inside the transactions that fill, compare and remove. A trigger
// that changes rows of other tables cannot be undone, so a fill that sets one off is
// rolled back and reported. What cannot be undone: transaction ids, statistics of the
// server, large objects of a process that was killed on the way, and rows that it left.
// Nobody else should write to the database meanwhile. The pool of db is narrowed to two
// connections for one of the vectors, and has its limit back afterwards; database/sql then
// keeps two of them idle at most.
//
// # What is not looked at
//
// Views and functions are searched for values of the other tenant: one that only counts its
// rows is not found. Functions are called if they are SECURITY DEFINER, with ids as arguments.
// Tables without the tenant column are everybody's.
//
// # Driver connections
//
// COPY and LISTEN are outside database/sql. They are asked of the driver connection, which
// [database/sql.Conn.Raw] yields, as the interfaces [CopierFrom], [CopierTo] and [Listener].
package stratumtest
