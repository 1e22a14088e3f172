package listen_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/internal/listen"
	"github.com/stratum-hq/stratum-go/stratum/migrations"
)

func TestMain(m *testing.M) { os.Exit(pgtest.MainWithExamples(m)) }

// ear writes down what it is told.
type ear struct{ heard chan string }

func (e ear) hearer() listen.Hearer {
	return listen.Hearer{
		Changed: func(id core.ID) { e.heard <- id.String() },
		All:     func() { e.heard <- "all" },
		Deaf:    func(deaf bool) { e.heard <- fmt.Sprint("deaf ", deaf) },
	}
}

// next wants these, in any order, and nothing else.
func (e ear) next(t *testing.T, want ...string) {
	t.Helper()
	left := map[string]int{}
	for _, w := range want {
		left[w]++
	}
	for range want {
		select {
		case got := <-e.heard:
			if left[got]--; left[got] < 0 {
				t.Fatalf("heard %q, want %q", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("nothing more is heard; left of %q: %v", want, left)
		}
	}
}

// start listens on a database, through dial if it is not nil.
func start(t *testing.T, d *pgtest.Database, dial func(ctx context.Context, network, addr string) (net.Conn, error)) ear {
	t.Helper()
	config, err := pgx.ParseConfig(d.URL(embedpg.Lib))
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["application_name"] = "the listener"
	if dial != nil {
		config.DialFunc = dial
	}
	ctx, cancel := context.WithCancel(t.Context())
	e := ear{make(chan string, 1000)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		listen.Listen(ctx, listen.Config{Conn: config, Logger: slog.New(slog.DiscardHandler), Quiet: 200 * time.Millisecond}, e.hearer())
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	e.next(t, "deaf true", "deaf false")
	return e
}

func database(t *testing.T) *pgtest.Database {
	t.Helper()
	d := pgtest.New(t)
	if err := migrations.Up(t.Context(), d.URL(embedpg.Lib)); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryWriterIsHeard(t *testing.T) {
	t.Parallel()
	d := database(t)
	e := start(t, d, nil)
	a, b := core.NewID().String(), core.NewID().String()
	do := func(role, sql string, args ...any) { t.Helper(); d.Exec(t, role, sql, args...) }

	do(embedpg.Lib, "insert into stratum.tenants (id, slug, name) values ($1, 'a', 'A')", a)
	e.next(t, a)
	do(embedpg.Superuser, "insert into stratum.tenants (id, parent_id, ancestors, slug, name) values ($1, $2, array[$2::uuid], 'b', 'B')", b, a)
	e.next(t, b)
	do(embedpg.Superuser, "update stratum.tenants set name = name")
	e.next(t, a, b)
	do(embedpg.Lib, "insert into stratum.tenant_domains values ('b.example', $1)", b)
	e.next(t, b)
	do(embedpg.Lib, "update stratum.tenant_domains set tenant_id = $1", a)
	e.next(t, a, b)
	do(embedpg.Lib, "delete from stratum.tenant_domains")
	e.next(t, a)
	do(embedpg.Lib, "delete from stratum.tenants where id = $1", b)
	e.next(t, b)
	do(embedpg.Lib, "delete from stratum.tenants where slug = 'nobody'")
	do(embedpg.Lib, "insert into stratum.tenants (id, slug, name) select gen_random_uuid(), 'x' || i, 'X' from generate_series(1, 101) i")
	e.next(t, "all")
	do(embedpg.Superuser, "truncate stratum.tenants cascade")
	for range 2 { // of each table, at least
		e.next(t, "all")
		if len(e.heard) == 0 {
			break
		}
	}
	do(embedpg.App, "notify stratum_changes, 'nonsense'")
	e.next(t, "all")
}

func TestWhatIsRolledBackIsNot(t *testing.T) {
	t.Parallel()
	d := database(t)
	e := start(t, d, nil)
	conn := d.Conn(t, embedpg.Lib)
	id := core.NewID().String()
	for _, end := range []string{"rollback", "commit"} {
		if _, err := conn.Exec(t.Context(), "begin"); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "insert into stratum.tenants (id, slug, name) values ($1, 'a', $2)", id, end); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	e.next(t, id)
	if len(e.heard) != 0 {
		t.Error(<-e.heard)
	}
}

func TestConnectionIsLost(t *testing.T) {
	t.Parallel()
	d := database(t)
	e := start(t, d, nil)
	for range 2 {
		d.Exec(t, embedpg.Superuser, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'the listener' and datname = current_database()")
		e.next(t, "deaf true")
		e.next(t, "deaf false")
	}
}

// stuck is a connection that says nothing any more once it is stopped, and does not fail.
type stuck struct {
	net.Conn
	stopped *atomic.Bool
}

func (s stuck) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	for err == nil && s.stopped.Load() {
		n, err = s.Conn.Read(b) // swallowed, until a deadline
	}
	return n, err
}

func (s stuck) Write(b []byte) (int, error) {
	if s.stopped.Load() {
		return len(b), nil
	}
	return s.Conn.Write(b)
}

// A connection that is dead without having said so is found out.
func TestConnectionIsStuck(t *testing.T) {
	t.Parallel()
	d := database(t)
	var first atomic.Pointer[atomic.Bool]
	e := start(t, d, func(ctx context.Context, network, addr string) (net.Conn, error) {
		var dialer net.Dialer
		conn, err := dialer.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		stop := new(atomic.Bool)
		first.CompareAndSwap(nil, stop)
		return stuck{conn, stop}, nil
	})
	first.Load().Store(true)
	e.next(t, "deaf true")
	e.next(t, "deaf false")
	id := core.NewID().String()
	d.Exec(t, embedpg.Lib, "insert into stratum.tenants (id, slug, name) values ($1, 'a', 'A')", id)
	e.next(t, id)
}

func TestServerIsAway(t *testing.T) {
	t.Parallel()
	config, err := pgx.ParseConfig("postgres://x:hunter2@127.0.0.1:1/none?connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	dials := make(chan struct{}, 100)
	config.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		dials <- struct{}{}
		return nil, io.ErrUnexpectedEOF
	}
	e := ear{make(chan string, 100)}
	done := make(chan struct{})
	go func() {
		listen.Listen(ctx, listen.Config{Conn: config, Logger: slog.New(slog.DiscardHandler)}, e.hearer())
		close(done)
	}()
	for range 3 {
		<-dials
	}
	cancel()
	<-done
	for len(e.heard) > 0 {
		if got := <-e.heard; got != "deaf true" {
			t.Error(got)
		}
	}
}
