package connection_test

import (
	"errors"
	"log/slog"
	"os"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/connection"
	"github.com/stratum-hq/stratum-go/stratum/seal"
)

func TestMain(m *testing.M) { os.Exit(pgtest.MainWithExamples(m)) }

// password is in every connection string, and must be seen nowhere.
const password = "hunter2"

const (
	acme  = "postgres://app:" + password + "@acme.example:5433/acme"
	acme2 = "host=replica.example dbname=acme user=app password=" + password
	eu    = "postgres://app:" + password + "@eu.example/postgres?sslmode=require&dbname=other"
	local = "host=default.example dbname=postgres user=app password='" + password + " x'"
)

// service opens the library on a database with these keys.
func service(t testing.TB, d *pgtest.Database, keys ...seal.Key) *connection.Service {
	t.Helper()
	s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{
		AutoMigrate: true, Actor: "tests", Logger: slog.New(slog.DiscardHandler), Seal: seal.Config{Keys: keys},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s.Connections
}

func newKey(t testing.TB, id string) seal.Key {
	t.Helper()
	key, err := seal.NewKey(id)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func set(t testing.TB, s *connection.Service, key, primary, replica string) {
	t.Helper()
	c := connection.Connection{Primary: core.NewSecret(primary)}
	if replica != "" {
		c.Replica = core.NewSecret(replica)
	}
	if err := s.Set(t.Context(), key, c); err != nil {
		t.Fatal(err)
	}
}

// finds expects both strings of a key.
func finds(t testing.TB, s *connection.Service, key, primary, replica string) {
	t.Helper()
	got, err := s.ConnectionString(t.Context(), key)
	if err != nil || got != primary {
		t.Errorf("%s is %q, %v; want %q", key, got, err, primary)
	}
	got, err = s.ReplicaConnectionString(t.Context(), key)
	if err != nil || got != replica {
		t.Errorf("the replica of %s is %q, %v; want %q", key, got, err, replica)
	}
}

// fails expects an error of a string, and no string.
func fails(t testing.TB, s *connection.Service, key string, want error) {
	t.Helper()
	if got, err := s.ConnectionString(t.Context(), key); !errors.Is(err, want) || got != "" {
		t.Errorf("%s is %q, %v; want %v", key, got, err, want)
	}
}

func field(err error) any {
	var e *core.Error
	if !errors.As(err, &e) {
		return nil
	}
	return e.Details["field"]
}

func count(t testing.TB, d *pgtest.Database, sql string, args ...any) (n int) {
	t.Helper()
	if err := d.Conn(t, embedpg.Lib).QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
