package stratument_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/adapters/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent"
	_ "github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/runtime" // the hooks of the mixin
	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

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

// open opens ent over one or several connections of a database.
func open(t testing.TB, d *pgtest.Database, conns int) (*ent.Client, *ormtest.Wire) {
	t.Helper()
	db, wire := scoped(t, d, conns)
	return ent.NewClient(ent.Driver(stratument.Driver(db))), wire
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

// plainDriver is ent's own, without a scope.
func plainDriver(db *sql.DB) dialect.Driver { return entsql.OpenDB(dialect.Postgres, db) }
