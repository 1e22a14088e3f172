package stratumpgx_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// turns counts how often a connection is written to after it was read from: round trips.
type turns struct {
	net.Conn
	n    *atomic.Int64
	read atomic.Bool
}

func (c *turns) Write(b []byte) (int, error) {
	if c.read.Swap(false) {
		c.n.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *turns) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.read.Store(true)
	return n, err
}

// counted opens the database with a hook of the user's own that counts round trips.
func counted(t testing.TB, params string) (*stratumpgx.DB, *atomic.Int64) {
	t.Helper()
	pc, err := pgxpool.ParseConfig(database(t).URL(embedpg.App) + "&pool_max_conns=1" + params)
	if err != nil {
		t.Fatal(err)
	}
	n := new(atomic.Int64)
	pc.ConnConfig.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, c net.Conn) (net.Conn, error) {
		return &turns{Conn: c, n: n}, nil
	}
	db, err := stratumpgx.New(t.Context(), pc, stratumpgx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, n
}

// TestRoundTrips holds the budget: a scoped query costs what an unscoped one does.
func TestRoundTrips(t *testing.T) {
	db, n := counted(t, "")
	ctx := as(tenantA)
	s := db.SQL()
	stmt, err := s.Prepare("select count(*) from note where id <= $1")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Close()
	read := func() error {
		return db.QueryRow(ctx, "select count(*) from note where id <= $1", 30).Scan(new(int))
	}
	for _, test := range []struct {
		name string
		want int64
		work func() error
	}{
		{"QueryRow", 1, read},
		{"Exec", 1, func() error { _, err := db.Exec(ctx, "update note set body = body where id = $1", 1); return err }},
		{"Exec without arguments", 1, func() error { _, err := db.Exec(ctx, "select 1"); return err }},
		{"empty result", 1, func() error { _, err := db.Exec(ctx, "select body from note where id = $1", -1); return err }},
		{"transaction", 3, func() error {
			return db.BeginFunc(ctx, func(tx pgx.Tx) error {
				return tx.QueryRow(ctx, "select count(*) from note where id <= $1", 30).Scan(new(int))
			})
		}},
		{"batch", 1, func() error {
			b := &pgx.Batch{}
			for range 10 {
				b.Queue("select count(*) from note where id <= $1", 30)
			}
			return db.SendBatch(ctx, b).Close()
		}},
		{"database/sql", 1, func() error {
			return s.QueryRowContext(ctx, "select count(*) from note where id <= $1", 30).Scan(new(int))
		}},
		{"sql.Stmt", 1, func() error { return stmt.QueryRowContext(ctx, 30).Scan(new(int)) }},
		{"sql.Tx", 3, func() error {
			tx, err := s.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			if err := tx.QueryRow("select count(*) from note where id <= $1", 30).Scan(new(int)); err != nil {
				return err
			}
			return tx.Commit()
		}},
		{"after two idle seconds", 1, read},
	} {
		if err := test.work(); err != nil { // prepares
			t.Fatal(test.name, err)
		}
		if test.name == "after two idle seconds" {
			pause(t, 2100*time.Millisecond)
		}
		before := n.Load()
		if err := test.work(); err != nil {
			t.Fatal(test.name, err)
		}
		if got := n.Load() - before; got != test.want {
			t.Errorf("%s takes %d round trips, not %d", test.name, got, test.want)
		}
	}
}

// TestNoMoreAllocations compares with the plain pool, on which nothing is isolated.
func TestNoMoreAllocations(t *testing.T) {
	d := database(t)
	db := open(t, d, "&pool_max_conns=1", stratumpgx.Config{})
	plain, err := pgxpool.New(t.Context(), d.URL(embedpg.App)+"&pool_max_conns=1")
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	ctx, background := as(tenantA), context.Background()
	var body string
	measure := func(q querier, ctx context.Context) float64 {
		return testing.AllocsPerRun(500, func() {
			if err := q.QueryRow(ctx, "select body from shared where id = $1", 1).Scan(&body); err != nil {
				t.Fatal(err)
			}
		})
	}
	want, got := measure(plain, background), measure(db, ctx)
	if got > want {
		t.Errorf("a scoped query allocates %v times, an unscoped one %v times", got, want)
	}
}

// tracer records the queries that a tracer sees.
type tracer struct{ seen []string }

func (r *tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.seen = append(r.seen, data.SQL)
	return ctx
}

func (r *tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestTracersSeeTheUsersQueriesOnly(t *testing.T) {
	for _, mode := range modes {
		pc, err := pgxpool.ParseConfig(database(t).URL(embedpg.App) + "&default_query_exec_mode=" + mode)
		if err != nil {
			t.Fatal(err)
		}
		r := &tracer{}
		pc.ConnConfig.Tracer = r
		db, err := stratumpgx.New(t.Context(), pc, stratumpgx.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		r.seen = nil // of the login check
		for _, sql := range []string{"select 1", "select 2"} {
			if _, err := db.Exec(as(tenantA), sql); err != nil {
				t.Fatal(err)
			}
		}
		if len(r.seen) != 2 || r.seen[0] != "select 1" || r.seen[1] != "select 2" {
			t.Errorf("%s: the tracer saw %q", mode, r.seen)
		}
	}
}

// TestPipelines: segments that are sent while others are unanswered get the scope that
// their turn demands.
func TestPipelines(t *testing.T) {
	db := open(t, database(t), "&pool_max_conns=1", stratumpgx.Config{})
	const counting = "select count(*)::text from note where id <= 30"
	err := db.AcquireFunc(as(tenantA), func(c *stratumpgx.Conn) error {
		return c.WithConn(as(tenantA), func(conn *pgx.Conn) error {
			p := conn.PgConn().StartPipeline(context.Background())
			for _, sql := range []string{"begin", counting, "commit", counting, counting} {
				p.SendQueryParams(sql, nil, nil, nil, nil)
				if err := p.Sync(); err != nil {
					return err
				}
			}
			var counts []string
			for {
				results, err := p.GetResults()
				if err != nil {
					return err
				}
				if results == nil {
					break
				}
				if r, ok := results.(*pgconn.ResultReader); ok {
					if rows := r.Read().Rows; len(rows) == 1 {
						counts = append(counts, string(rows[0][0]))
					}
				}
			}
			if len(counts) != 3 || counts[0] != "10" || counts[1] != "10" || counts[2] != "10" {
				t.Errorf("the pipeline counted %q", counts)
			}
			return p.Close()
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, as(tenantB), db); n != notesOfB {
		t.Errorf("B sees %d notes", n)
	}
}

// TestASearchPathCannotRedirectTheScope: set_config of one's own, in front of PostgreSQL's.
func TestASearchPathCannotRedirectTheScope(t *testing.T) {
	d := database(t)
	for _, sql := range []string{
		"create schema evil",
		"create function evil.set_config(text, text, boolean) returns text language sql as $$ select pg_catalog.set_config($1, 'bbbbbbbb-bbbb-7bbb-8bbb-bbbbbbbbbbbb', $3); select $2 $$",
		"grant usage on schema evil to stratum_app",
	} {
		d.Exec(t, embedpg.Superuser, sql)
	}
	for _, mode := range modes {
		db := open(t, d, "&pool_max_conns=1&default_query_exec_mode="+mode, stratumpgx.Config{Reset: stratumpgx.ResetNever})
		if _, err := db.Exec(as(tenantA), "set search_path = evil, public, pg_catalog"); err != nil {
			t.Fatal(err)
		}
		if n := count(t, as(tenantA), db); n != notesOfA {
			t.Errorf("%s: A sees %d notes", mode, n)
		}
	}
}
