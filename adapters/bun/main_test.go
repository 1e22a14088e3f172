package stratumbun_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/uptrace/bun"

	"github.com/stratum-hq/stratum-go/adapters/bun"
	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// The tables of ormtest, as models.
type (
	Customer struct {
		bun.BaseModel `bun:"table:customer"`
		stratumbun.Owned

		ID       int64 `bun:",pk,autoincrement"`
		Email    string
		Marker   string
		Invoices []*Invoice `bun:"rel:has-many,join:id=customer_id"`
	}
	Invoice struct {
		bun.BaseModel `bun:"table:invoice"`
		stratumbun.Owned

		ID         int64 `bun:",pk,autoincrement"`
		CustomerID int64
		Customer   *Customer `bun:"rel:belongs-to,join:customer_id=id"`
		Number     string
		Total      string
		Status     string
		DeletedAt  time.Time `bun:",soft_delete,nullzero"`
		Marker     string
		Lines      []*Line `bun:"rel:has-many,join:id=invoice_id"`
		Tags       []*Tag  `bun:"m2m:invoice_tag,join:Invoice=Tag"`
	}
	Line struct {
		bun.BaseModel `bun:"table:line"`
		stratumbun.Owned

		ID        int64 `bun:",pk,autoincrement"`
		InvoiceID int64
		Marker    string
	}
	Tag struct {
		bun.BaseModel `bun:"table:tag"`
		stratumbun.Owned

		ID     int64 `bun:",pk,autoincrement"`
		Name   string
		Marker string
	}
	InvoiceTag struct {
		bun.BaseModel `bun:"table:invoice_tag"`
		stratumbun.Owned

		InvoiceID int64    `bun:",pk"`
		Invoice   *Invoice `bun:"rel:belongs-to,join:invoice_id=id"`
		TagID     int64    `bun:",pk"`
		Tag       *Tag     `bun:"rel:belongs-to,join:tag_id=id"`
	}
)

var (
	tenantA = &core.Tenant{ID: core.MustParseID("aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"), Slug: "a", Status: core.Active}
	tenantB = &core.Tenant{ID: core.MustParseID("bbbbbbbb-bbbb-7bbb-8bbb-bbbbbbbbbbbb"), Slug: "b", Status: core.Active}
)

func as(t *core.Tenant) context.Context { return core.NewContext(context.Background(), t) }

// database makes one with the protected tables of ormtest.
func database(t testing.TB) *pgtest.Database {
	t.Helper()
	return pgtest.NewWith(t, "ormtest", func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "set role stratum_owner"); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, ormtest.Schema); err != nil {
			return err
		}
		var tables []rls.Table
		for _, name := range ormtest.Tables() {
			tables = append(tables, rls.Table{Name: name, ForeignKeys: true})
		}
		return rls.Protect(ctx, conn, tables...)
	})
}

// scoped opens d as the application, with a login for System, on at most conns connections.
func scoped(t testing.TB, d *pgtest.Database, conns int) (*stratumpgx.DB, *ormtest.Wire) {
	t.Helper()
	pc, err := pgxpool.ParseConfig(d.URL(embedpg.App) + "&pool_max_conns=" + strconv.Itoa(conns))
	if err != nil {
		t.Fatal(err)
	}
	wire := new(ormtest.Wire)
	pc.ConnConfig.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, c net.Conn) (net.Conn, error) {
		return wire.Wrap(c), nil
	}
	db, err := stratumpgx.New(t.Context(), pc, stratumpgx.Config{System: d.URL(embedpg.System), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSoon(t, db) })
	return db, wire
}

// closeSoon fails the test if a connection was never given back.
func closeSoon(t testing.TB, db *stratumpgx.DB) {
	closed := make(chan struct{})
	go func() { defer close(closed); db.Close() }()
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("a connection was not given back")
	}
}

// open opens bun over one or several connections of a database.
func open(t testing.TB, d *pgtest.Database, conns int) (*bun.DB, *ormtest.Wire) {
	t.Helper()
	db, wire := scoped(t, d, conns)
	b := stratumbun.Open(db)
	b.RegisterModel((*InvoiceTag)(nil))
	return b, wire
}

// sqlDB opens d as a role, over pgx's own driver.
func sqlDB(t testing.TB, d *pgtest.Database, role string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", d.URL(role))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// customer returns a new customer of nobody yet.
func customer(marker string) *Customer { return &Customer{Email: marker, Marker: marker} }

func newInvoice(marker string) *Invoice {
	return &Invoice{Number: marker, Total: "10.00", Status: "open", Marker: marker}
}
