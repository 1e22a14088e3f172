package tenant_test

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// turns counts how often a connection begins to speak after it has listened: round trips.
type turns struct {
	net.Conn
	n     *atomic.Int64
	spoke atomic.Bool
}

func (c *turns) Write(b []byte) (int, error) {
	if !c.spoke.Swap(true) {
		c.n.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *turns) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.spoke.Store(false)
	}
	return n, err
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	_, d := service(t)
	config, err := pgxpool.ParseConfig(d.URL(embedpg.Lib))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 1
	var n atomic.Int64
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &turns{Conn: conn, n: &n}, nil
	}
	base, err := db.New(t.Context(), config, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(base.Close)
	s := newService(t, base, tenant.Config{})
	root := create(t, s, "root", core.ID{})
	child := create(t, s, "child", root.ID)

	const first = 99 // statements are prepared at their first use
	id := create(t, s, "other", core.ID{}).ID
	op := func(most int64, name string, run func(context.Context) (any, error)) {
		t.Helper()
		n.Store(0)
		if _, err := run(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := n.Load(); got != most && most != first {
			t.Errorf("%s takes %d round trips, want %d", name, got, most)
		}
	}
	for _, most := range []struct{ read, change int64 }{{first, first}, {1, 3}} {
		op(most.read, "Get", func(ctx context.Context) (any, error) { return s.Get(ctx, child.ID) })
		op(most.read, "BySlug", func(ctx context.Context) (any, error) { return s.BySlug(ctx, "child") })
		op(most.read, "List", func(ctx context.Context) (any, error) { return s.List(ctx, tenant.ListOptions{}) })
		op(most.change, "Suspend", func(ctx context.Context) (any, error) { return s.Suspend(ctx, id) })
		op(most.change, "Resume", func(ctx context.Context) (any, error) { return s.Resume(ctx, id) })
		op(most.change, "Create", func(ctx context.Context) (any, error) {
			return s.Create(ctx, tenant.New{Name: "x", Slug: fmt.Sprintf("x%d", most.read), Parent: root.ID})
		})
	}
}
