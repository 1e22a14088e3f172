package callers_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

func TestSqlx(t *testing.T) {
	ormtest.Run(t, ormtest.ORM{
		Open: func(t testing.TB, conns int) ormtest.DB {
			d := database(t)
			db, wire := scoped(t, d, conns)
			x := sqlx.NewDb(db.SQL(), "pgx")
			return ormtest.DB{Admin: sqlDB(t, d, embedpg.Superuser), Wire: wire, Shapes: sqlxShapes(x)}
		},
		NotApplicable: map[ormtest.Name]string{
			ormtest.HookRead:    "sqlx has no hooks",
			ormtest.HookWrite:   "sqlx has no hooks",
			ormtest.Preload:     "sqlx loads no associations",
			ormtest.PreloadMany: "sqlx loads no associations",
			ormtest.Nested:      "database/sql has no nested transactions",
		},
	})
}

// row is a customer as sqlx scans and names it.
type row struct {
	ID       int64   `db:"id"`
	TenantID core.ID `db:"tenant_id"`
	Email    string  `db:"email"`
	Marker   string  `db:"marker"`
}

// sqlxFill gives both tenants a customer with the e-mail address x.
func sqlxFill(t testing.TB, x *sqlx.DB) {
	t.Helper()
	for _, tenant := range []*core.Tenant{tenantA, tenantB} {
		if _, err := x.NamedExecContext(as(tenant), "insert into customer (email, marker) values (:email, :marker)", row{Email: "x", Marker: tenant.Slug}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSqlxWays runs each way in which sqlx reads.
func TestSqlxWays(t *testing.T) {
	db, _ := scoped(t, database(t), 1)
	x := sqlx.NewDb(db.SQL(), "pgx")
	sqlxFill(t, x)
	prepared, err := x.PreparexContext(t.Context(), "select marker from customer where email = $1") // at start, without a tenant
	if err != nil {
		t.Fatal(err)
	}
	defer prepared.Close()
	named, err := x.PrepareNamedContext(t.Context(), "select * from customer where email = :email")
	if err != nil {
		t.Fatal(err)
	}
	defer named.Close()
	query, args, err := sqlx.In("select marker from customer where email in (?)", []string{"x", "y"})
	if err != nil {
		t.Fatal(err)
	}
	for _, tenant := range []*core.Tenant{tenantA, tenantB} {
		ctx := as(tenant)
		for name, read := range map[string]func(*[]string) error{
			"Select":          func(out *[]string) error { return x.SelectContext(ctx, out, "select marker from customer") },
			"In":              func(out *[]string) error { return x.SelectContext(ctx, out, x.Rebind(query), args...) },
			"Preparex":        func(out *[]string) error { return prepared.SelectContext(ctx, out, "x") },
			"Get":             func(out *[]string) error { return getting(x.GetContext, ctx, out) },
			"PrepareNamed":    func(out *[]string) error { return namedStmt(ctx, named, out) },
			"MapScan":         func(out *[]string) error { return mapScan(ctx, x, out) },
			"StructScan":      func(out *[]string) error { return structScan(ctx, x, out) },
			"Connx":           func(out *[]string) error { return onConn(ctx, x, out) },
			"Unsafe, in a Tx": func(out *[]string) error { return inTx(ctx, x.Unsafe(), out) },
		} {
			var out []string
			err := read(&out)
			if err != nil || len(out) != 1 || out[0] != tenant.Slug {
				t.Errorf("%s as %s: %q, %v", name, tenant.Slug, out, err)
			}
		}
	}
	for name, err := range map[string]error{
		"Select":       x.Select(&[]string{}, "select marker from customer"),
		"Get":          x.Get(new(string), "select marker from customer"),
		"NamedExec":    second(x.NamedExec("delete from customer where email = :email", row{Email: "x"})),
		"Queryx":       second(x.Queryx("select marker from customer")),
		"QueryRowx":    x.QueryRowx("select marker from customer").Scan(new(string)),
		"prepared":     prepared.Get(new(string), "x"),
		"PrepareNamed": named.Get(&row{}, row{Email: "x"}),
		"Beginx":       second(x.Beginx()),
	} {
		if !errors.Is(err, core.ErrNoTenant) {
			t.Errorf("%s without a context: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func getting(get func(context.Context, any, string, ...any) error, ctx context.Context, out *[]string) error {
	var r row
	err := get(ctx, &r, "select * from customer where email = $1", "x")
	*out = append(*out, r.Marker)
	return err
}

func namedStmt(ctx context.Context, named *sqlx.NamedStmt, out *[]string) error {
	var rows []row
	err := named.SelectContext(ctx, &rows, row{Email: "x"})
	for _, r := range rows {
		*out = append(*out, r.Marker)
	}
	return err
}

func mapScan(ctx context.Context, x *sqlx.DB, out *[]string) error {
	m := map[string]any{}
	err := x.QueryRowxContext(ctx, "select * from customer").MapScan(m)
	marker, _ := m["marker"].(string)
	*out = append(*out, marker)
	return err
}

func structScan(ctx context.Context, x *sqlx.DB, out *[]string) error {
	rows, err := x.NamedQueryContext(ctx, "select * from customer where email = :email", map[string]any{"email": "x"})
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		if err := rows.StructScan(&r); err != nil {
			return err
		}
		*out = append(*out, r.Marker)
	}
	return rows.Err()
}

func onConn(ctx context.Context, x *sqlx.DB, out *[]string) error {
	conn, err := x.Connx(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.SelectContext(ctx, out, "select marker from customer")
}

func inTx(ctx context.Context, x *sqlx.DB, out *[]string) error {
	tx, err := x.BeginTxx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return tx.Select(out, "select marker from customer") // has no context: inherits
}

// TestSqlxBatchOfNamedRows: one statement with many rows, stamped by the database.
func TestSqlxBatchOfNamedRows(t *testing.T) {
	db, _ := scoped(t, database(t), 1)
	x := sqlx.NewDb(db.SQL(), "pgx")
	sqlxFill(t, x)
	const insert = "insert into customer (tenant_id, email, marker) values (:tenant_id, :email, :marker)"
	rows := []row{{TenantID: tenantA.ID, Email: "1", Marker: "1"}, {TenantID: tenantA.ID, Email: "2", Marker: "2"}}
	if _, err := x.NamedExecContext(as(tenantA), insert, rows); err != nil {
		t.Fatal(err)
	}
	rows[1].TenantID = tenantB.ID
	if _, err := x.NamedExecContext(as(tenantA), insert, rows); err == nil {
		t.Error("a row of another tenant among them")
	}
	var got []string
	err := x.SelectContext(core.System(t.Context(), "test"), &got, "select marker from customer")
	want(t, got, err, "1", "2", "a", "b")
}
