package pgtest

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// Database is the database of one test.
type Database struct {
	// Name is its name on the server.
	Name string

	server *embedpg.Server
	execs  execs
}

// New makes an empty database and drops it when the test ends. Where there is no
// PostgreSQL it skips the test, or fails it if STRATUM_TEST_REQUIRED is 1.
func New(t testing.TB) *Database {
	t.Helper()
	return clone(t, process.serverOf(t), "")
}

// clone makes a database for a test.
func clone(t testing.TB, server *embedpg.Server, template string) *Database {
	t.Helper()
	db := &Database{Name: process.name(), server: server}
	if err := server.CreateDatabase(t.Context(), db.Name, template); err != nil {
		t.Fatal("pgtest: ", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		db.execs.close(ctx)
		if err := server.DropDatabase(ctx, db.Name); err != nil {
			t.Error("pgtest: ", err)
		}
	})
	return db
}

// Server is the server that all tests of the process share. Do not stop it.
func (d *Database) Server() *embedpg.Server { return d.server }

// URL is a postgres:// URL for a role in this database, over the Unix socket if there is one.
func (d *Database) URL(role string) string { return d.server.URL(role, d.Name) }

// TCPURL is like [Database.URL], but over TCP and with a password. It is empty if the server that
// STRATUM_TEST_DATABASE_URL names was given by its Unix socket.
func (d *Database) TCPURL(role string) string { return d.server.TCPURL(role, d.Name) }

// Conn connects as a role; the connection is closed when the test ends.
func (d *Database) Conn(t testing.TB, role string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.URL(role))
	if err != nil {
		t.Fatal("pgtest: ", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = conn.Close(ctx) // the test may have broken it
	})
	return conn
}

// randomName tells the databases of this process from those of others.
func randomName() string { return strings.ToLower(rand.Text()[:10]) }
