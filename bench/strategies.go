package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// strategies compares the three strategies, for one tenant and for many, with a query that
// has no scope, and prints what they take in the program and in the server.
func strategies(ctx context.Context, o options, stdout, stderr io.Writer) error {
	fmt.Fprintf(stderr, "strategies: making %d schemas and %d databases\n", o.schemas, o.databases)
	small := o
	small.rows = min(o.rows, 100*o.tenants) // the shared table; its size is no matter here
	f, err := newField(ctx, small)
	if err != nil {
		return err
	}
	defer f.close()
	p, err := f.settle(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nstrategies, pgx, one row by its key, PostgreSQL %s; throughput by that of a query without a scope, median of %d rounds of %v;\n"+
		"and what is open afterwards: connections, and memory of the program\n\n", f.version, o.rounds, o.round)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\ttenants\t1 worker\t%d workers\tconnections\tMB\t\n", o.workers)
	dsn, err := f.dsn(nil)
	if err != nil {
		return err
	}
	bare, err := f.enter(ctx, pgxClient(), unscoped, dsn)
	if err != nil {
		return err
	}
	defer bare.close()
	if err := f.warm(ctx, 1, func(ctx context.Context, _ int, r *rand.Rand) error { return bare.read(ctx, r) }); err != nil {
		return err
	}
	for _, way := range f.placed(p) {
		fmt.Fprintf(stderr, "strategies: %s, %d\n", way.name, len(way.tenants))
		if err := f.strategy(ctx, way, bare, t); err != nil {
			return fmt.Errorf("%s, %d tenants: %w", way.name, len(way.tenants), err)
		}
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return f.backend(ctx, p.schemas, stdout)
}

// strategy measures one row of the table.
func (f *field) strategy(ctx context.Context, way placed, bare contestant, t io.Writer) error {
	before := memory()
	db, err := f.open(ctx, way, f.workers)
	if err != nil {
		return err
	}
	defer db.Close()
	read := func(ctx context.Context, i int, r *rand.Rand) error {
		var body string
		return db.QueryRow(core.NewContext(ctx, way.tenants[i]), readItem, f.of(way, i, r)).Scan(&body)
	}
	if !way.tight {
		if err := f.warm(ctx, len(way.tenants), read); err != nil {
			return err
		}
	}
	scoped := contestant{read: func(ctx context.Context, r *rand.Rand) error {
		return read(ctx, r.IntN(len(way.tenants)), r)
	}}
	fmt.Fprintf(t, "%s\t%d\t", way.name, len(way.tenants))
	for _, workers := range []int{1, f.workers} {
		times, err := f.compare(ctx, []contestant{scoped, bare}, workers)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%.3f\t", times)
	}
	connections, err := f.connections(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "%d\t%.1f\t\n", connections, max(0, memory()-before)/1e6)
	return nil
}

// oursIs names our connections, so that they can be counted.
const oursIs = "bench_ours"

// open opens the adapter for tenants, with at most so many connections in a pool.
func (f *field) open(ctx context.Context, way placed, most int) (*stratumpgx.DB, error) {
	dsn, err := f.dsn(nil)
	if err != nil {
		return nil, err
	}
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	pc.MaxConns = int32(most)
	pc.ConnConfig.RuntimeParams["application_name"] = oursIs
	cfg := stratumpgx.Config{Databases: way.databases}
	if way.databases != nil {
		n := len(way.tenants)
		each := (f.workers + n - 1) / n
		cfg.DatabaseLimits = stratumpgx.DatabaseLimits{ConnsPerDatabase: each, MaxConns: each * n, MaxPools: n}
		if way.tight {
			cfg.DatabaseLimits.MaxPools = max(1, n/4)
		}
	}
	return stratumpgx.New(ctx, pc, cfg)
}

// of chooses a row of a tenant.
func (f *field) of(way placed, tenant int, r *rand.Rand) int64 {
	if way.tenants[tenant].Placement.Strategy != "" {
		return r.Int64N(ownRows)
	}
	return f.row(tenant, r.IntN(f.rows)).id
}

// warm opens what is to be open: every worker reads of every tenant, so that most
// connections have met most of them, and often enough for a pool to grow to its size.
func (f *field) warm(ctx context.Context, tenants int, read func(context.Context, int, *rand.Rand) error) error {
	var all sync.WaitGroup
	failures := make(chan error, f.workers)
	for range f.workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			order := r.Perm(tenants)
			for i := range max(tenants, 1000) {
				if err := read(ctx, order[i%tenants], r); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	all.Wait()
	close(failures)
	return <-failures
}

// compare lets two take turns, and returns the median of the first one's rate by the other's.
func (f *field) compare(ctx context.Context, both []contestant, workers int) (float64, error) {
	rates := make([][]float64, len(both))
	for round := -1; round < f.rounds; round++ {
		for _, n := range rand.Perm(len(both)) {
			rate, err := f.rate(ctx, both[n], workers)
			if err != nil {
				return 0, err
			}
			if round >= 0 {
				rates[n] = append(rates[n], rate)
			}
		}
	}
	return ratio(rates[0], rates[1]), nil
}

// connections counts ours.
func (f *field) connections(ctx context.Context) (n int, err error) {
	super, err := pgx.Connect(ctx, f.server.URL(embedpg.Superuser, database))
	if err != nil {
		return 0, err
	}
	defer super.Close(ctx)
	err = super.QueryRow(ctx, "select count(*) from pg_stat_activity where application_name = $1", oursIs).Scan(&n)
	return n, err
}

// memory is what the program uses, in bytes: the live heap, and the stacks.
func memory() float64 {
	runtime.GC()
	runtime.GC() // what was only in a sync.Pool stays for one more
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// backend prints what the caches of one server process have grown to, by the number of
// schemas that it has served through the adapter.
func (f *field) backend(ctx context.Context, schemas placed, stdout io.Writer) error {
	super, err := pgx.Connect(ctx, f.server.URL(embedpg.Superuser, database))
	if err != nil {
		return err
	}
	defer super.Close(ctx)
	if _, err := super.Exec(ctx, "grant select on pg_backend_memory_contexts to public; grant execute on function pg_get_backend_memory_contexts to public"); err != nil {
		return err
	}
	db, err := f.open(ctx, schemas, 1)
	if err != nil {
		return err
	}
	defer db.Close()
	fmt.Fprintf(stdout, "\nmemory of a server process by the schemas, of one table each, that it has served\n\n")
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "schemas\tMB\t\n")
	met := 0
	for _, n := range sizes(len(schemas.tenants), 10) {
		for ; met < n; met++ {
			if _, err := db.Exec(core.NewContext(ctx, schemas.tenants[met]), readItem, 1); err != nil {
				return err
			}
		}
		var megabytes float64
		if err := db.QueryRow(core.NewContext(ctx, schemas.tenants[0]),
			"select sum(total_bytes)::float8 / 1e6 from pg_catalog.pg_backend_memory_contexts").Scan(&megabytes); err != nil {
			return err
		}
		fmt.Fprintf(t, "%d\t%.1f\t\n", n, megabytes)
	}
	return t.Flush()
}
