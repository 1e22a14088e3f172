package stratumtest_test

import (
	"context"
	"database/sql"
	neturl "net/url"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// opened is a database with a schema, as its owner and as the application.
type opened struct {
	*pgtest.Database
	owner, app *sql.DB
}

// open makes a database in which the superuser ran the statements.
func open(t testing.TB, flaws faults, statements ...string) opened {
	t.Helper()
	var d opened
	if statements[0] == protectedShop() {
		d.Database = pgtest.NewWith(t, "shop", func(ctx context.Context, conn *pgx.Conn) error {
			_, err := conn.Exec(ctx, protectedShop())
			return err
		})
		statements = statements[1:]
	} else {
		d.Database = pgtest.New(t)
	}
	for _, s := range statements {
		d.Exec(t, embedpg.Superuser, s)
	}
	d.owner = plain(t, d.URL(embedpg.Owner))
	d.app = scoped(t, d.URL(embedpg.App), flaws)
	return d
}

// login makes a login for this test, and returns its URL.
func (d opened) login(t testing.TB, clauses string) string {
	t.Helper()
	name := d.Name + "_login"
	u, err := neturl.Parse(d.URL(embedpg.App))
	if err != nil {
		t.Fatal(err)
	}
	password, secret := u.User.Password()
	if secret {
		clauses = "password '" + password + "' " + clauses
		u.User = neturl.UserPassword(name, password)
	} else {
		u.User = neturl.User(name)
	}
	conn := d.Conn(t, embedpg.Superuser)
	if _, err := conn.Exec(t.Context(), "create role "+name+" login "+clauses); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := conn.Exec(context.Background(), "drop role "+name); err != nil {
			t.Error(err)
		}
	})
	return u.String()
}

// plain opens a database without a scope.
func plain(t testing.TB, url string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

var _ = stdlib.GetDefaultDriver // registers "pgx"
