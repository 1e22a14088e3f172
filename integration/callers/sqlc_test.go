package callers_test

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/integration/callers/sqlcdb/pgxdb"
	"github.com/stratum-hq/stratum-go/integration/callers/sqlcdb/stddb"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

//go:embed sqlcdb/schema.sql
var sqlcSchema string

func TestSqlcKnowsTheTablesOfTheSuite(t *testing.T) {
	if "\n"+sqlcSchema != ormtest.Schema {
		t.Error("sqlcdb/schema.sql differs from ormtest.Schema; copy it and run go generate")
	}
}

// sqlc is generated code for one of the two drivers: both have the methods of
// stddb.Querier.
type sqlc struct {
	stddb.Querier
	within func(ctx context.Context, fn func(q sqlc, exec func(sql string) error) error) error
}

// overPgx is generated code over *stratumpgx.DB, which is its DBTX.
func overPgx(db *stratumpgx.DB) sqlc {
	return sqlc{pgxdb.New(db), func(ctx context.Context, fn func(sqlc, func(string) error) error) error {
		return db.BeginFunc(ctx, func(tx pgx.Tx) error {
			nested := sqlc{pgxdb.New(db).WithTx(tx), func(ctx context.Context, fn func(sqlc, func(string) error) error) error {
				return pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return fn(sqlc{pgxdb.New(tx), nil}, nil) })
			}}
			return fn(nested, func(sql string) error { _, err := tx.Exec(ctx, sql); return err })
		})
	}}
}

// overSQL is generated code over *sql.DB.
func overSQL(db *sql.DB, q *stddb.Queries) sqlc {
	return sqlc{q, func(ctx context.Context, fn func(sqlc, func(string) error) error) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		exec := func(sql string) error { _, err := tx.ExecContext(ctx, sql); return err }
		if err := fn(sqlc{q.WithTx(tx), nil}, exec); err != nil {
			return err
		}
		return tx.Commit()
	}}
}

const noHooks = "generated code has no hooks"

func TestSqlc(t *testing.T) {
	for name, open := range map[string]func(testing.TB, *stratumpgx.DB) sqlc{
		"pgx":          func(_ testing.TB, db *stratumpgx.DB) sqlc { return overPgx(db) },
		"database_sql": func(_ testing.TB, db *stratumpgx.DB) sqlc { return overSQL(db.SQL(), stddb.New(db.SQL())) },
		"prepared": func(t testing.TB, db *stratumpgx.DB) sqlc {
			q, err := stddb.Prepare(t.Context(), db.SQL()) // at start, without a tenant
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = q.Close() })
			return overSQL(db.SQL(), q)
		},
	} {
		t.Run(name, func(t *testing.T) {
			lacks := map[ormtest.Name]string{
				ormtest.HookRead:    noHooks,
				ormtest.HookWrite:   noHooks,
				ormtest.Iterate:     "generated code reads all rows",
				ormtest.Preload:     "generated code loads no associations",
				ormtest.PreloadMany: "generated code loads no associations",
				ormtest.BatchOther:  "a statement inserts one row; TestSqlcBulk runs batches and COPY",
			}
			if name != "pgx" {
				lacks[ormtest.Nested] = "database/sql has no nested transactions"
			}
			ormtest.Run(t, ormtest.ORM{NotApplicable: lacks, Open: func(t testing.TB, conns int) ormtest.DB {
				d := database(t)
				db, wire := scoped(t, d, conns)
				shapes := sqlcShapes(open(t, db))
				for name := range lacks {
					delete(shapes, name)
				}
				return ormtest.DB{Admin: sqlDB(t, d, embedpg.Superuser), Wire: wire, Shapes: shapes}
			}})
		})
	}
}

// TestSqlcBulk runs what sqlc generates for pgx only: COPY, batches and arrays.
func TestSqlcBulk(t *testing.T) {
	db, _ := scoped(t, database(t), 1)
	q := pgxdb.New(db)
	if n, err := q.CopyCustomersUnstated(as(tenantA), []pgxdb.CopyCustomersUnstatedParams{{Email: "1", Marker: "1"}, {Email: "2", Marker: "2"}}); n != 2 || err != nil {
		t.Fatalf("COPY without the tenant: %d, %v", n, err)
	}
	if n, err := q.CopyCustomers(as(tenantB), []pgxdb.CopyCustomersParams{{TenantID: tenantB.ID, Email: "1", Marker: "b"}}); n != 1 || err != nil {
		t.Fatalf("COPY with the tenant: %d, %v", n, err)
	}
	if _, err := q.CopyCustomers(as(tenantB), []pgxdb.CopyCustomersParams{{TenantID: tenantA.ID, Email: "2", Marker: "stolen"}}); err == nil {
		t.Error("COPY of another tenant's row")
	}
	got, err := q.ListCustomers(as(tenantA))
	want(t, got, err, "1", "2")

	failed := 0
	q.BatchInsertCustomers(as(tenantA), []pgxdb.BatchInsertCustomersParams{
		{TenantID: tenantA.ID, Email: "3", Marker: "3"}, {TenantID: tenantB.ID, Email: "4", Marker: "4"},
	}).Exec(func(_ int, err error) {
		if err != nil {
			failed++
		}
	})
	if failed == 0 {
		t.Error("a batch wrote another tenant's row")
	}
	got, err = q.ListCustomers(core.System(t.Context(), "test")) // refused as a whole
	want(t, got, err, "1", "2", "b")

	a, b := sqlcInvoice(t, q, tenantA, "x"), sqlcInvoice(t, q, tenantB, "y")
	got, err = q.InvoicesOfIDs(as(tenantB), []int64{a, b})
	want(t, got, err, "y")
	var seen []string
	q.BatchFindInvoices(as(tenantA), []int64{a, b}).QueryRow(func(i int, marker string, err error) {
		if (i == 1) != errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("invoice %d: %q, %v", i, marker, err)
		}
		seen = append(seen, marker)
	})
	want(t, seen, nil, "", "x")
	q.BatchLinesOf(as(tenantA), []int64{a, b}).Query(func(i int, lines []string, err error) {
		if err != nil || len(lines) != 1-i {
			t.Errorf("lines of %d: %q, %v", i, lines, err)
		}
	})
	q.BatchLinesOf(t.Context(), []int64{a}).Query(func(_ int, lines []string, err error) {
		if !errors.Is(err, core.ErrNoTenant) {
			t.Errorf("nobody's batch: %q, %v", lines, err)
		}
	})
}

// sqlcInvoice makes an invoice with one line.
func sqlcInvoice(t testing.TB, q *pgxdb.Queries, tenant *core.Tenant, marker string) int64 {
	t.Helper()
	ctx := as(tenant)
	c, err := q.InsertCustomer(ctx, tenant.ID, marker, marker)
	if err != nil {
		t.Fatal(err)
	}
	i, err := q.InsertInvoice(ctx, tenant.ID, c, marker, "1.00")
	if err == nil {
		err = q.InsertLine(ctx, tenant.ID, i, marker)
	}
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// TestSqlcUnstated: where nothing stamps, the database does.
func TestSqlcUnstated(t *testing.T) {
	db, _ := scoped(t, database(t), 1)
	for name, q := range map[string]sqlc{"pgx": overPgx(db), "database/sql": overSQL(db.SQL(), stddb.New(db.SQL()))} {
		if id, err := q.InsertCustomerUnstated(as(tenantA), name, name); id != tenantA.ID || err != nil {
			t.Errorf("%s: stamped %v, %v", name, id, err)
		}
		if _, err := q.InsertCustomerUnstated(core.System(t.Context(), "test"), name, name); err == nil {
			t.Errorf("%s: a row of nobody", name)
		}
		if _, err := q.InsertCustomer(as(tenantA), tenantB.ID, name, name); err == nil {
			t.Errorf("%s: a row of another tenant", name)
		}
		err := q.within(as(tenantB), func(q sqlc, _ func(string) error) error {
			id, err := q.InsertCustomerUnstated(context.Background(), name, name) // says nothing: inherits
			if id != tenantB.ID {
				t.Errorf("%s: in a transaction: stamped %v", name, id)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: in a transaction: %v", name, err)
		}
	}
}
