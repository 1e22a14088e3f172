package callers_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

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

// stamped is the tenant for a row that ctx writes, which may state one.
func stamped(ctx context.Context, stated ...core.ID) (id core.ID, err error) {
	if len(stated) > 0 {
		id = stated[0]
	}
	err = core.Stamp(ctx, &id)
	return id, err
}

func want(t testing.TB, got []string, err error, markers ...string) {
	t.Helper()
	slices.Sort(got)
	if err != nil || !slices.Equal(got, markers) {
		t.Errorf("got %q, %v, want %q", got, err, markers)
	}
}
