package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
)

var errStop = errors.New("stop")

// must ends the case.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sees compares what a context sees.
func (e *scopeEnv) sees(t *testing.T, in scopeClient, ctx context.Context, want ...string) {
	t.Helper()
	if got, err := in.bodies(ctx); err != nil || !slices.Equal(got, want) {
		t.Errorf("sees %q, want %q, %v", got, want, err)
	}
}

var scopeCases = []scopeCase{
	{name: "reads", run: func(t *testing.T, e *scopeEnv) {
		for range 5 { // in turn, over one connection
			e.sees(t, e.client, e.as(e.a), "a1", "a2", "a3")
			e.sees(t, e.client, e.as(e.b), "b1", "b2", "b3", "b4", "b5")
		}
	}},
	{name: "writes", want: []string{"new", "x", "x"}, run: func(t *testing.T, e *scopeEnv) {
		ctx := e.as(e.a)
		must(t, e.client.add(ctx, "new", "new"))
		n, err := e.client.rename(ctx, "a", "x")
		if n != 3 || err != nil {
			t.Errorf("renamed %d, %v", n, err)
		}
		if n, err := e.client.rename(ctx, "b", "stolen"); n != 0 || err != nil {
			t.Errorf("renamed %d of B's, %v", n, err)
		}
		if n, err := e.client.remove(ctx, "c1"); n != 1 || err != nil {
			t.Errorf("removed %d, %v", n, err)
		}
		if n, err := e.client.remove(ctx, "c5"); n != 0 || err != nil { // only B has it
			t.Errorf("removed %d of B's, %v", n, err)
		}
	}},
	{name: "upserts", want: []string{"a2", "a3", "mine", "over"}, run: func(t *testing.T, e *scopeEnv) {
		must(t, e.client.upsert(e.as(e.a), "c1", "over"))
		must(t, e.client.upsert(e.as(e.a), "c5", "mine")) // B has one of that code
	}},
	{name: "copy", run: func(t *testing.T, e *scopeEnv) {
		c, ok := e.client.(copier)
		if !ok {
			t.Skip("this client cannot COPY")
		}
		var out bytes.Buffer
		must(t, c.copyOut(e.as(e.a), &out))
		if lines := strings.Fields(out.String()); !slices.Equal(slices.Sorted(slices.Values(lines)), []string{"a1", "a2", "a3"}) {
			t.Errorf("copied out %q", lines)
		}
		for _, size := range []int{3, 80} { // by single inserts, and by a temporary table
			err := e.client.transact(e.as(e.a), func(ctx context.Context, in scopeClient) error {
				var rows [][]any
				for i := range size {
					rows = append(rows, []any{fmt.Sprint("copy", i), "copied"})
				}
				if n, err := in.(copier).copyIn(ctx, rows); err != nil || n >= 0 && n != int64(size) {
					return fmt.Errorf("copied %d of %d: %w", n, size, err)
				}
				return errStop
			})
			if !errors.Is(err, errStop) {
				t.Error(err)
			}
		}
	}},
	{name: "batch", want: []string{"a2", "a3", "batched", "batched"}, run: func(t *testing.T, e *scopeEnv) {
		b, ok := e.client.(batcher)
		if !ok {
			must(t, e.client.upsert(e.as(e.a), "c1", "batched"))
			must(t, e.client.add(e.as(e.a), "new", "batched"))
			return
		}
		must(t, b.batch(e.as(e.a), "update note set body = 'batched' where code = 'c1'", "insert into note (code, body) values ('new', 'batched')", "select * from note"))
	}},
	{name: "transaction", want: []string{"a1", "a2", "a3", "kept"}, run: func(t *testing.T, e *scopeEnv) {
		must(t, e.client.transact(e.as(e.a), func(ctx context.Context, in scopeClient) error {
			if err := in.add(ctx, "kept", "kept"); err != nil {
				return err
			}
			e.sees(t, in, context.Background(), "a1", "a2", "a3", "kept") // a context that says nothing inherits
			return nil
		}))
		if err := e.client.transact(e.as(e.a), func(ctx context.Context, in scopeClient) error {
			if err := in.add(ctx, "gone", "gone"); err != nil {
				return err
			}
			return errStop
		}); !errors.Is(err, errStop) {
			t.Error(err)
		}
	}},
	{name: "savepoint", want: []string{"a1", "a2", "a3", "outer"}, run: func(t *testing.T, e *scopeEnv) {
		must(t, e.client.transact(e.as(e.a), func(ctx context.Context, in scopeClient) error {
			if err := in.transact(ctx, func(ctx context.Context, in scopeClient) error {
				if err := in.add(ctx, "inner", "inner"); err != nil {
					return err
				}
				return errStop
			}); !errors.Is(err, errStop) {
				t.Error(err)
			}
			if err := in.transact(ctx, func(ctx context.Context, in scopeClient) error {
				return in.add(ctx, "c1", "taken") // violates the key
			}); err == nil {
				t.Error("the key was not violated")
			}
			e.sees(t, in, ctx, "a1", "a2", "a3")
			return in.add(ctx, "outer", "outer")
		}))
	}},
	{name: "cancellation", run: func(t *testing.T, e *scopeEnv) {
		for range 3 {
			ctx, cancel := context.WithTimeout(e.as(e.a), 30*time.Millisecond)
			if err := e.client.exec(ctx, "select pg_sleep(20)"); err == nil {
				t.Error("nothing was cancelled")
			}
			cancel()
			e.sees(t, e.client, e.as(e.b), "b1", "b2", "b3", "b4", "b5")
		}
	}},
	{name: "panic", run: func(t *testing.T, e *scopeEnv) {
		for range 3 {
			func() {
				defer func() {
					if recover() == nil {
						t.Error("no panic came through")
					}
				}()
				_ = e.client.transact(e.as(e.a), func(ctx context.Context, in scopeClient) error {
					must(t, in.add(ctx, "lost", "lost"))
					panic("lost")
				})
			}()
		}
	}},
	{name: "concurrent", run: func(t *testing.T, e *scopeEnv) {
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for range 10 {
					who, want := e.a, []string{"a1", "a2", "a3"}
					if g%2 == 1 {
						who, want = e.b, []string{"b1", "b2", "b3", "b4", "b5"}
					}
					e.sees(t, e.client, e.as(who), want...)
				}
			})
		}
		all.Wait()
	}},
	{name: "switch", run: func(t *testing.T, e *scopeEnv) {
		must(t, e.client.transact(e.as(e.a), func(ctx context.Context, in scopeClient) error {
			moved := *e.a
			moved.Placement = core.Placement{Strategy: core.SharedRLS, Region: "elsewhere"}
			for who, other := range map[string]context.Context{"B": e.as(e.b), "A, placed elsewhere": e.as(&moved), "system": core.System(e.as(e.a), "test")} {
				if _, err := in.bodies(other); !errors.Is(err, core.ErrTenantMismatch) {
					t.Errorf("%s in A's transaction: %v", who, err)
				}
			}
			return nil
		}))
	}},
	{name: "prepared", run: func(t *testing.T, e *scopeEnv) {
		must(t, e.client.transact(e.as(e.a), func(ctx context.Context, in scopeClient) error { // on one server connection
			for range 2 {
				e.sees(t, in, ctx, "a1", "a2", "a3")
			}
			return in.exec(ctx, fmt.Sprintf(`do $$ begin
				assert %v = exists (select from pg_prepared_statements where statement ~* 'select.* bod[y]|"bod[y]"');
			end $$`, e.prepares))
		}))
	}},
	{name: "nobody", run: func(t *testing.T, e *scopeEnv) {
		if _, err := e.client.bodies(context.Background()); !errors.Is(err, core.ErrNoTenant) {
			t.Error(err)
		}
		if err := e.client.add(context.Background(), "x", "x"); !errors.Is(err, core.ErrNoTenant) {
			t.Error(err)
		}
	}},
	{name: "system", run: func(t *testing.T, e *scopeEnv) {
		system := core.System(context.Background(), "test")
		if _, err := e.client.bodies(system); !errors.Is(err, core.ErrScopeUnsupported) {
			t.Errorf("over mixed placements: %v", err)
		}
		shared := stratumpgx.SharedTables(system)
		if e.strategy == core.SharedRLS {
			e.sees(t, e.client, shared, "a1", "a2", "a3", "b1", "b2", "b3", "b4", "b5")
		} else {
			e.sees(t, e.client, shared)
		}
	}},
	{name: "neighbour", run: func(t *testing.T, e *scopeEnv) {
		_, table := e.home(e.b)
		switch e.strategy {
		case core.SharedRLS:
			must(t, e.client.exec(e.as(e.a), "delete from note where tenant_id = '"+e.b.ID.String()+"'"))
		case core.SchemaPerTenant:
			for _, name := range []string{table, "public.note"} {
				if err := e.client.exec(e.as(e.a), "delete from "+name); err == nil {
					t.Errorf("A reaches %s", name)
				}
			}
		case core.DatabasePerTenant:
			if err := e.client.exec(e.as(e.a), "delete from "+pgx.Identifier{e.main.Name, "public", "note"}.Sanitize()); err == nil {
				t.Error("A reaches another database")
			}
		}
	}},
}
