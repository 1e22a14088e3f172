package stratumpgx_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// inDatabase is t in a database of its own.
func inDatabase(t *core.Tenant, key string) *core.Tenant {
	placed := *t
	placed.Placement = core.Placement{Strategy: core.DatabasePerTenant, Database: key}
	return &placed
}

func TestDatabasePerTenant(t *testing.T) {
	shared, first, second := database(t), database(t), database(t)
	first.Exec(t, embedpg.Superuser, "insert into note (tenant_id, body) select tenant_id, 'more' from note")
	var asked atomic.Int64
	db := open(t, shared, "", stratumpgx.Config{Databases: stratumpgx.DatabasesFunc(func(_ context.Context, key string) (string, error) {
		asked.Add(1)
		return map[string]string{"first": first.URL(embedpg.App), "second": second.URL(embedpg.App)}[key], nil
	})})
	a, b := inDatabase(tenantA, "first"), inDatabase(tenantB, "second")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				for _, c := range []struct {
					who  *core.Tenant
					want int
				}{{a, 2 * notesOfA}, {b, notesOfB}, {tenantA, notesOfA}} {
					if n := count(t, as(c.who), db); n != c.want {
						t.Errorf("%s sees %d notes, not %d", c.who.Slug, n, c.want)
					}
					if n, err := sqlCount(as(c.who), db.SQL()); err != nil || n > c.want || n == 0 {
						t.Errorf("database/sql: %s sees %d notes, %v", c.who.Slug, n, err)
					}
				}
			}
		})
	}
	all.Wait()
	if n := asked.Load(); n != 2 {
		t.Errorf("connection strings were asked for %d times", n)
	}
	tx, err := db.Begin(as(a))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(as(tenantA), "select 1"); !errors.Is(err, core.ErrTenantMismatch) {
		t.Errorf("the shared tables, in a transaction of the own database: %v", err)
	}
	if err := tx.Rollback(context.Background()); err != nil {
		t.Error(err)
	}
}

// With room for one pool, tenants take turns: a pool in use is waited for, and an idle
// one is closed.
func TestDatabasesTakeTurns(t *testing.T) {
	shared, first, second := database(t), database(t), database(t)
	db := open(t, shared, "", stratumpgx.Config{
		Databases:      stratumpgx.StaticDatabases{"first": core.NewSecret(first.URL(embedpg.App)), "second": core.NewSecret(second.URL(embedpg.App))},
		DatabaseLimits: stratumpgx.DatabaseLimits{ConnsPerDatabase: 2, MaxConns: 3},
	})
	a, b := inDatabase(tenantA, "first"), inDatabase(tenantB, "second")
	tx, err := db.Begin(as(a))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(as(b), 30*time.Millisecond)
	defer cancel()
	if _, err := db.Exec(ctx, "select 1"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "all 1 pools") {
		t.Errorf("while the only pool is in use: %v", err)
	}
	if n := count(t, as(tenantA), db); n != notesOfA {
		t.Errorf("the shared tables: %d", n)
	}
	waiting := make(chan error)
	go func() {
		_, err := db.SQL().ExecContext(as(b), "select 1")
		waiting <- err
	}()
	if n := count(t, as(a), tx); n != notesOfA {
		t.Errorf("A sees %d notes", n)
	}
	if err := tx.Rollback(context.Background()); err != nil {
		t.Error(err)
	}
	if err := <-waiting; err != nil {
		t.Error(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 10 {
				who, want := a, notesOfA
				if i%2 == 1 {
					who, want = b, notesOfB
				}
				if n := count(t, as(who), db); n != want {
					t.Errorf("%s sees %d notes", who.Slug, n)
				}
			}
		})
	}
	all.Wait()
}

// A database that is down costs its own tenant an error, at once from the second time,
// and nobody else anything. When it is back, it is found.
func TestDatabaseThatIsDown(t *testing.T) {
	shared, good := database(t), database(t)
	const secret = "hunter2-is-secret"
	var mu sync.Mutex
	strings_ := map[string]string{
		"good": good.URL(embedpg.App),
		"down": "postgres://app:" + secret + "@127.0.0.1:1/nothing?sslmode=disable",
		"bad":  "postgres://app:" + secret + "@:::/%%%",
		"vain": "",
	}
	var log strings.Builder
	db := open(t, shared, "", stratumpgx.Config{
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
		Databases: stratumpgx.DatabasesFunc(func(_ context.Context, key string) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			if key == "vain" {
				return "", errors.New("the vault answers: " + secret)
			}
			return strings_[key], nil
		}),
	})
	for _, key := range []string{"down", "bad", "vain"} {
		who := inDatabase(tenantA, key)
		for range 3 {
			for _, err := range []error{errorOf(db.Exec(as(who), "select 1")), errorOf(db.SQL().ExecContext(as(who), "select 1"))} {
				if !errors.Is(err, core.ErrDatabaseDown) || strings.Contains(fmt.Sprintf("%+v", err), secret) || strings.Contains(err.Error(), "127.0.0.1") {
					t.Errorf("%s: %v", key, err)
				}
				if text, _ := json.Marshal(err); strings.Contains(string(text), secret) {
					t.Errorf("%s: %s", key, text)
				}
			}
		}
		if n := count(t, as(inDatabase(tenantB, "good")), db); n != notesOfB {
			t.Errorf("the other tenant sees %d notes", n)
		}
	}
	if strings.Contains(log.String(), secret) {
		t.Error("the log has the secret")
	}
	mu.Lock()
	strings_["down"] = good.URL(embedpg.App)
	mu.Unlock()
	deadline := time.Now().Add(20 * time.Second)
	for {
		n, err := sqlCount(as(inDatabase(tenantA, "down")), db.SQL())
		if err == nil && n == notesOfA {
			break
		}
		if !errors.Is(err, core.ErrDatabaseDown) || time.Now().After(deadline) {
			t.Fatal("it did not come back: ", n, err)
		}
	}
}

// A password that changes keeps the connections that are there. Once another one cannot be
// made, the pool gives way to one with the connection string as it is then.
func TestDatabaseWhosePasswordChanges(t *testing.T) {
	shared, own := database(t), database(t)
	role := "rotated_" + strings.ToLower(rand.Text()[:8])
	at, err := url.Parse(own.TCPURL(embedpg.App))
	if err != nil || at.Host == "" {
		t.Skip("no TCP")
	}
	var now atomic.Pointer[string] // the connection string
	rotate := func(password, how string) {
		own.Exec(t, embedpg.Superuser, how+" role "+role+" login password '"+password+"'")
		at.User = url.UserPassword(role, password)
		text := at.String()
		now.Store(&text)
	}
	rotate("one", "create")
	defer own.Exec(t, embedpg.Superuser, "drop role "+role)
	own.Exec(t, embedpg.Superuser, "grant stratum_app to "+role)
	var asked atomic.Int64
	db := open(t, shared, "", stratumpgx.Config{
		DatabaseLimits: stratumpgx.DatabaseLimits{ConnsPerDatabase: 2, MaxConns: 2},
		Databases: stratumpgx.DatabasesFunc(func(context.Context, string) (string, error) {
			asked.Add(1)
			return *now.Load(), nil
		}),
	})
	ctx := as(inDatabase(tenantA, "own"))
	both := func() error { // uses two connections
		tx, err := db.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(context.Background()) }()
		return errorOf(db.Exec(ctx, "select 1"))
	}
	for round, password := range []string{"two", "three"} {
		if n := count(t, ctx, db); n != notesOfA {
			t.Errorf("A sees %d notes", n)
		}
		rotate(password, "alter")
		if round == 0 {
			if n := count(t, ctx, db); n != notesOfA { // on the connection that is there
				t.Errorf("A sees %d notes", n)
			}
		} else {
			own.Exec(t, embedpg.Superuser, "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", role)
		}
		deadline := time.Now().Add(20 * time.Second)
		for failed := false; ; failed = true {
			err := both()
			if err == nil && failed {
				break
			}
			var ended *pgconn.PgError // a connection that was terminated
			down := errors.Is(err, core.ErrDatabaseDown) || errors.As(err, &ended) && ended.Code == "57P01"
			if !down || strings.Contains(err.Error(), password) || time.Now().After(deadline) {
				t.Fatalf("after the password became %q: %v", password, err)
			}
		}
		var open int
		err := own.Conn(t, embedpg.Superuser).QueryRow(t.Context(), "select count(*) from pg_stat_activity where usename = $1", role).Scan(&open)
		if err != nil || open != 2 || asked.Load() != int64(round)+2 {
			t.Errorf("%d connections are open, the string was asked for %d times, %v", open, asked.Load(), err)
		}
	}
}

// A database whose login policies would not bind is refused, as one at Open is.
func TestDatabaseWithAnUnsafeLogin(t *testing.T) {
	shared := database(t)
	db := open(t, shared, "", stratumpgx.Config{Databases: stratumpgx.StaticDatabases{"x": core.NewSecret(shared.URL(embedpg.Superuser))}})
	if _, err := db.Exec(as(inDatabase(tenantA, "x")), "select 1"); !errors.Is(err, core.ErrRoleUnsafe) {
		t.Error(err)
	}
	if _, err := db.Exec(as(inDatabase(tenantA, "unknown")), "select 1"); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error(err)
	}
}

func TestStaticDatabasesShowNothing(t *testing.T) {
	const secret = "hunter2"
	d := stratumpgx.StaticDatabases{"x": core.NewSecret("postgres://u:" + secret + "@h/d")}
	cfg := stratumpgx.Config{Databases: d}
	text, err := json.Marshal(struct{ D stratumpgx.StaticDatabases }{d})
	for _, shown := range []string{fmt.Sprintf("%v %+v %#v", d, d, d), string(text), fmt.Sprintf("%+v", struct{ own stratumpgx.Config }{cfg})} {
		if strings.Contains(shown, secret) || err != nil {
			t.Error(shown, err)
		}
	}
}

func TestDatabaseLimits(t *testing.T) {
	d := database(t)
	for field, limits := range map[string]stratumpgx.DatabaseLimits{
		"DatabaseLimits.MaxPools":         {MaxPools: -1},
		"DatabaseLimits.ConnsPerDatabase": {ConnsPerDatabase: -1},
		"DatabaseLimits.MaxConns":         {ConnsPerDatabase: 5, MaxConns: 4},
	} {
		_, err := stratumpgx.Open(t.Context(), d.URL(embedpg.App), stratumpgx.Config{DatabaseLimits: limits})
		var e *core.Error
		if !errors.As(err, &e) || e.Code != core.Validation || e.Details["field"] != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}
