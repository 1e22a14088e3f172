package connection_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/connection"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/seal"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

var _ stratumpgx.ReplicatedDatabases = (*connection.Service)(nil)

// library opens the library on a database, with places of tenants on its server.
func library(t *testing.T, d *pgtest.Database) *stratum.Stratum {
	t.Helper()
	s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{
		AutoMigrate: true,
		Logger:      slog.New(slog.DiscardHandler),
		Seal:        seal.Config{Keys: []seal.Key{newKey(t, "k")}},
		Provision: placement.Config{
			Owner:      d.URL(embedpg.Superuser),
			Migrations: fstest.MapFS{"00001_note.sql": {Data: []byte("-- +goose Up\ncreate table note (body text);")}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// placed makes a tenant with a database of its own, which goes with the test.
func placed(t *testing.T, d *pgtest.Database, s *stratum.Stratum, slug string) context.Context {
	t.Helper()
	made, err := s.Tenants.Create(t.Context(), tenant.New{Name: slug, Slug: slug, Strategy: core.DatabasePerTenant})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Server().DropDatabase(context.Background(), made.Placement.Database); err != nil {
			t.Error(err)
		}
	})
	return core.NewContext(context.Background(), made)
}

func open(t *testing.T, d *pgtest.Database, s *stratum.Stratum) *stratumpgx.DB {
	t.Helper()
	db, err := stratumpgx.Open(t.Context(), d.URL(embedpg.App), stratumpgx.Config{Databases: s.Connections})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func notes(t *testing.T, ctx context.Context, db *stratumpgx.DB) (n int) {
	t.Helper()
	if err := db.QueryRow(ctx, "select count(*) from note").Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}

// A tenant with a database of its own is served by the registry: through its server first,
// then, without a restart, with a replica of its own.
func TestAsDatabases(t *testing.T) {
	t.Parallel()
	d, replica := pgtest.New(t), pgtest.New(t)
	s := library(t, d)
	ctx := placed(t, d, s, "acme")
	other := placed(t, d, s, "beta")
	first := open(t, d, s)
	if _, err := first.Exec(ctx, "select 1"); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error("before there is a connection:", err)
	}
	set(t, s.Connections, connection.DefaultServer, d.URL(embedpg.App), "")
	db := open(t, d, s) // the first one refuses for a while, after a failure
	for range 3 {
		if _, err := db.Exec(ctx, "insert into note values ('x')"); err != nil {
			t.Fatal(err)
		}
	}
	if a, b := notes(t, core.ReadOnly(ctx), db), notes(t, other, db); a != 3 || b != 0 {
		t.Errorf("%d and %d notes", a, b)
	}

	replica.Exec(t, embedpg.Superuser, "create table note (body text)")
	replica.Exec(t, embedpg.Superuser, "insert into note values ('of the replica')")
	replica.Exec(t, embedpg.Superuser, "grant select on note to stratum_app")
	at, err := core.FromContext(ctx)
	if err != nil {
		t.Fatal(err)
	}
	dsn, err := s.Connections.ConnectionString(t.Context(), at.Placement.Database)
	if err != nil {
		t.Fatal(err)
	}
	set(t, s.Connections, at.Placement.Database, dsn, replica.URL(embedpg.App))
	again := open(t, d, s)
	if a, b := notes(t, ctx, again), notes(t, core.ReadOnly(ctx), again); a != 3 || b != 1 {
		t.Errorf("%d notes in the primary and %d in the replica", a, b)
	}
	d.Exec(t, embedpg.Lib, "update stratum.connections set dsn = (select dsn from stratum.connections where key = 'default') where key <> 'default'")
	if _, err := open(t, d, s).Exec(ctx, "select 1"); !errors.Is(err, core.ErrSealBroken) {
		t.Error("with the string of another row:", err)
	}
}

// A new password reaches a pool that is open: it is set, and then the tenant works again.
func TestNewPasswordWithoutARestart(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	at, err := url.Parse(d.TCPURL(embedpg.App))
	if err != nil || at.Host == "" {
		t.Skip("no TCP")
	}
	s := library(t, d)
	role := "serving_" + strings.ToLower(rand.Text()[:8])
	defer d.Exec(t, embedpg.Superuser, "drop role "+role)
	password := func(how, text string) string {
		d.Exec(t, embedpg.Superuser, how+" role "+role+" login password '"+text+"'")
		at.User = url.UserPassword(role, text)
		return at.String()
	}
	set(t, s.Connections, connection.DefaultServer, password("create", "one"), "")
	d.Exec(t, embedpg.Superuser, "grant stratum_app to "+role)
	ctx := placed(t, d, s, "acme")
	db := open(t, d, s)
	if n := notes(t, ctx, db); n != 0 {
		t.Errorf("%d notes", n)
	}
	second := password("alter", "two")
	d.Exec(t, embedpg.Superuser, "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", role)
	deadline := time.Now().Add(20 * time.Second)
	for failed := false; ; {
		_, err := db.Exec(ctx, "insert into note values ('x')")
		if err == nil && failed {
			break
		}
		if errors.Is(err, core.ErrDatabaseDown) && !failed {
			failed = true
			set(t, s.Connections, connection.DefaultServer, second, "")
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
