package stratumpgx_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

var soak = flag.Duration("soak", 10*time.Second, "how long the two-tenant fuzzer runs, over all configurations")

// TestSoak hunts for a wrong row: two tenants on few connections, with cancellations,
// errors, transactions, early closes, batches, bulk loads and tampering, at random.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("ten seconds of two tenants")
	}
	d := database(t)
	var succeeded sync.Map
	for _, mode := range modes {
		for _, cancel := range []string{"close", "cancel request"} {
			t.Run(mode+"/"+cancel, func(t *testing.T) {
				pc, err := pgxpool.ParseConfig(d.URL(embedpg.App) + "&pool_max_conns=4&default_query_exec_mode=" + mode)
				if err != nil {
					t.Fatal(err)
				}
				if cancel == "cancel request" {
					pc.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
						return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 2 * time.Second}
					}
				}
				db, err := stratumpgx.New(t.Context(), pc, stratumpgx.Config{})
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				(&fuzzer{t: t, db: db, succeeded: &succeeded}).run(*soak / time.Duration(2*len(modes)))
			})
		}
	}
	for name := range operations {
		if _, ok := succeeded.Load(name); !ok {
			t.Errorf("%s never succeeded", name)
		}
	}
}

// fuzzer does random work for two tenants.
type fuzzer struct {
	t      *testing.T
	db     *stratumpgx.DB
	pooled bool // sessions are shared with others: nothing may be left on them

	succeeded *sync.Map // names of operations that did at least once; may be shared
}

// operation is one kind of work. It returns an error of the work, which is allowed;
// rows of another tenant are reported at once.
type operation func(f *fuzzer, ctx context.Context, me, other *core.Tenant, r *rand.Rand) error

func (f *fuzzer) run(d time.Duration) {
	ctx, stop := context.WithTimeout(context.Background(), d)
	defer stop()
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			for ctx.Err() == nil && !f.t.Failed() {
				f.one(r)
			}
		})
	}
	wg.Wait()
}

func (f *fuzzer) one(r *rand.Rand) {
	me, other := tenantA, tenantB
	if r.IntN(2) == 0 {
		me, other = other, me
	}
	ctx, cancel := as(me), context.CancelFunc(func() {})
	if r.IntN(8) == 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(1500))*time.Microsecond)
	}
	defer cancel()
	skip := r.IntN(len(operations))
	for name, work := range operations {
		if skip--; skip >= 0 {
			continue
		}
		if f.pooled && (name == "session" || name == "tamper") {
			return
		}
		err := work(f, ctx, me, other, r)
		if errors.Is(err, core.ErrNoTenant) || errors.Is(err, core.ErrTenantMismatch) || errors.Is(err, core.ErrScopeEnded) && name != "ended" {
			f.t.Errorf("%s: an innocent caller got %v", name, err)
		}
		if err == nil {
			f.succeeded.Store(name, true)
		}
		return
	}
}

const fixed = "select tenant_id::text, body from note where id <= 30 and $1::int > 0"

// own checks that all rows are me's, and the fixed ones complete if the query succeeded.
func (f *fuzzer) own(rows pgx.Rows, err error, me *core.Tenant, complete bool) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		var tenant, body string
		if err := rows.Scan(&tenant, &body); err != nil {
			return err
		}
		if tenant != me.ID.String() {
			f.t.Errorf("LEAK: a row of %s seen by %s", tenant, me.Slug)
		}
		n++
	}
	if rows.Err() != nil {
		return rows.Err()
	}
	want := notesOfA
	if me == tenantB {
		want = notesOfB
	}
	if complete && n != want {
		f.t.Errorf("%s sees %d of its %d rows, and no error", me.Slug, n, want)
	}
	return nil
}

var operations = map[string]operation{
	"read": func(f *fuzzer, ctx context.Context, me, _ *core.Tenant, _ *rand.Rand) error {
		rows, err := f.db.Query(ctx, fixed, 1)
		return f.own(rows, err, me, true)
	},
	"sql": func(f *fuzzer, ctx context.Context, me, _ *core.Tenant, _ *rand.Rand) error {
		var n, foreign int
		err := f.db.SQL().QueryRowContext(ctx, "select count(*), count(*) filter (where tenant_id <> $1) from note where id <= 30", me.ID.String()).Scan(&n, &foreign)
		if err == nil && (foreign != 0 || me == tenantA && n != notesOfA || me == tenantB && n != notesOfB) {
			f.t.Errorf("LEAK: %s counts %d rows, %d of them foreign", me.Slug, n, foreign)
		}
		return err
	},
	"error": func(f *fuzzer, ctx context.Context, _, _ *core.Tenant, _ *rand.Rand) error {
		_, err := f.db.Exec(ctx, "select 1/(id-id) from note where $1::int > 0", 1)
		if err == nil {
			f.t.Error("no error")
		}
		return nil
	},
	"insert": func(f *fuzzer, ctx context.Context, me, _ *core.Tenant, _ *rand.Rand) error {
		rows, err := f.db.Query(ctx, "insert into note (body) values ($1) returning tenant_id::text, body", "x")
		return f.own(rows, err, me, false)
	},
	"plant": func(f *fuzzer, ctx context.Context, _, other *core.Tenant, _ *rand.Rand) error {
		_, err := f.db.Exec(ctx, "insert into note (tenant_id, body) values ($1, $2)", other.ID.String(), "x")
		if err == nil {
			f.t.Error("LEAK: a row was planted")
		}
		return nil
	},
	"transaction": func(f *fuzzer, ctx context.Context, me, _ *core.Tenant, r *rand.Rand) error {
		tx, err := f.db.Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(context.Background())
		rows, err := tx.Query(ctx, fixed, 2)
		if err := f.own(rows, err, me, true); err != nil {
			return err
		}
		if r.IntN(2) == 0 {
			return tx.Commit(ctx)
		}
		return nil
	},
	"several statements": func(f *fuzzer, ctx context.Context, _, _ *core.Tenant, _ *rand.Rand) error {
		_, err := f.db.Exec(ctx, "update note set body = body where id = 1; delete from note where id > 30")
		return err
	},
	"batch": func(f *fuzzer, ctx context.Context, me, _ *core.Tenant, r *rand.Rand) error {
		b := &pgx.Batch{}
		for range 1 + r.IntN(20) {
			b.Queue(fixed, 3).Query(func(rows pgx.Rows) error { return f.own(rows, nil, me, true) })
		}
		return f.db.SendBatch(ctx, b).Close()
	},
	"early close": func(f *fuzzer, ctx context.Context, _, _ *core.Tenant, _ *rand.Rand) error {
		rows, err := f.db.Query(ctx, "select tenant_id::text, repeat('x', 200) from note, generate_series(1, $1::int)", 200)
		if err != nil {
			return err
		}
		rows.Next()
		rows.Close()
		return rows.Err()
	},
	"tamper": func(f *fuzzer, ctx context.Context, _, other *core.Tenant, _ *rand.Rand) error {
		_, err := f.db.Exec(ctx, "select set_config('app.current_tenant_id', $1, false)", other.ID.String())
		return err
	},
	"session": func(f *fuzzer, ctx context.Context, _, _ *core.Tenant, r *rand.Rand) error {
		sql := []string{"create temporary table note as select 1 as id", "set search_path = pg_catalog", "deallocate all"}[r.IntN(3)]
		_, err := f.db.Exec(ctx, sql)
		return err
	},
	"ended": func(f *fuzzer, ctx context.Context, me, _ *core.Tenant, _ *rand.Rand) error {
		_, err := f.db.Exec(ctx, "commit; select count(*) from note")
		if err == nil {
			f.t.Error("work after a commit was not refused")
		}
		return nil
	},
	"load": func(f *fuzzer, ctx context.Context, _, _ *core.Tenant, r *rand.Rand) error {
		n := []int{3, 100}[r.IntN(2)]
		got, err := f.db.CopyFrom(ctx, pgx.Identifier{"note"}, []string{"body"}, bodies(n))
		if err == nil && got != int64(n) {
			f.t.Errorf("%d rows of %d were loaded, and no error", got, n)
		}
		return err
	},
	"dump": func(f *fuzzer, ctx context.Context, me, other *core.Tenant, _ *rand.Rand) error {
		var b strings.Builder
		_, err := f.db.CopyTo(ctx, &b, "copy (select tenant_id from note where id <= 30) to stdout")
		if strings.Contains(b.String(), other.ID.String()) {
			f.t.Error(fmt.Sprint("LEAK: a dump of ", me.Slug, " has rows of ", other.Slug))
		}
		return err
	},
}
