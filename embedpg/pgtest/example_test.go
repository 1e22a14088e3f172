package pgtest_test

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// A test that has a database to itself. The package's TestMain is
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
func Example() {
	t := newT() // in a test function, its *testing.T
	defer t.end()

	db := pgtest.New(t)
	db.Exec(t, embedpg.Owner, `CREATE TABLE orders (id int PRIMARY KEY); GRANT SELECT, INSERT ON orders TO stratum_app`)
	db.Exec(t, embedpg.App, `INSERT INTO orders VALUES ($1), ($2)`, 1, 2)

	var n int
	err := db.Conn(t, embedpg.App).QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&n)
	fmt.Println(n, err)
	// Output: 2 <nil>
}

// Tests that need the same tables: the first makes them, each gets a copy.
func ExampleNewWith() {
	t := newT()
	defer t.end()

	schema := func(ctx context.Context, superuser *pgx.Conn) error {
		_, err := superuser.Exec(ctx, `SET ROLE stratum_owner; CREATE TABLE orders (id int PRIMARY KEY)`)
		return err
	}
	for range 3 {
		db := pgtest.NewWith(t, "orders", schema)
		db.Exec(t, embedpg.Owner, `INSERT INTO orders VALUES (1)`) // no conflict: a database each
	}
	fmt.Println("three databases")
	// Output: three databases
}
