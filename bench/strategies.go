package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// ownRows is how many rows a tenant with a schema or a database of its own has.
const ownRows = 1000

// placed are tenants of one strategy.
type placed struct {
	name      string
	tenants   []*core.Tenant
	databases stratumpgx.StaticDatabases
}

// strategies compares the three strategies, for one tenant and for many, with a query that
// has no scope.
func strategies(ctx context.Context, o options, stdout, stderr io.Writer) error {
	fmt.Fprintf(stderr, "strategies: making %d schemas and %d databases\n", o.schemas, o.databases)
	small := o
	small.rows = min(o.rows, 100*o.tenants) // the shared table; its size is no matter here
	f, err := newField(ctx, small)
	if err != nil {
		return err
	}
	defer f.close()
	ways, err := f.placements(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nstrategies, pgx, one row by its key, PostgreSQL %s; throughput by that of a query without a scope, median of %d rounds of %v;\n"+
		"and what is open afterwards\n\n", f.version, o.rounds, o.round)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "\t1 worker\t%d workers\tconnections\tMB of a backend\t\n", o.workers)
	for _, way := range ways {
		fmt.Fprintln(stderr, "strategies:", way.name)
		if err := f.strategy(ctx, way, t); err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
	}
	return t.Flush()
}

// placements makes the tenants.
func (f *field) placements(ctx context.Context, o options) ([]placed, error) {
	ways := []placed{{name: "SHARED_RLS", tenants: f.tenants}}
	super, err := pgx.Connect(ctx, f.server.URL(embedpg.Superuser, database))
	if err != nil {
		return nil, err
	}
	defer super.Close(ctx)
	var schemas, databases placed
	for i := range o.schemas {
		t := &core.Tenant{ID: core.NewID(), Status: core.Active}
		name := fmt.Sprintf("bench_%d", i)
		t.Placement = core.Placement{Strategy: core.SchemaPerTenant, Schema: name, Role: name}
		if _, err := super.Exec(ctx, fmt.Sprintf(`create role %[1]s; grant %[1]s to stratum_app; create schema %[1]s; grant usage on schema %[1]s to %[1]s;
			create table %[1]s.item (id bigint primary key, body text not null); grant select on %[1]s.item to %[1]s;
			insert into %[1]s.item select i, 'body of ' || i from generate_series(0, %[2]d) i`, name, ownRows-1)); err != nil {
			return nil, err
		}
		schemas.tenants = append(schemas.tenants, t)
	}
	databases.databases = stratumpgx.StaticDatabases{}
	for i := range o.databases {
		t := &core.Tenant{ID: core.NewID(), Status: core.Active}
		name := fmt.Sprintf("bench_%d", i)
		t.Placement = core.Placement{Strategy: core.DatabasePerTenant, Database: name}
		if err := f.server.CreateDatabase(ctx, name, ""); err != nil {
			return nil, err
		}
		if err := fillDatabase(ctx, f.server.URL(embedpg.Owner, name)); err != nil {
			return nil, err
		}
		databases.databases[name] = core.NewSecret(f.server.TCPURL(embedpg.App, name))
		databases.tenants = append(databases.tenants, t)
	}
	for _, many := range []struct {
		name string
		placed
	}{{"schemas", schemas}, {"databases", databases}} {
		for _, n := range sizes(len(many.tenants)) {
			ways = append(ways, placed{fmt.Sprintf("%s: %d", many.name, n), many.tenants[:n], many.databases})
		}
	}
	return ways, nil
}

// sizes are the powers of ten below n, and n.
func sizes(n int) (list []int) {
	for i := 1; i < n; i *= 10 {
		list = append(list, i)
	}
	if n > 0 {
		list = append(list, n)
	}
	return list
}

func fillDatabase(ctx context.Context, owner string) error {
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, fmt.Sprintf(`create table item (id bigint primary key, body text not null); grant select on item to stratum_app;
		insert into item select i, 'body of ' || i from generate_series(0, %d) i`, ownRows-1))
	return err
}

// strategy measures one row of the table.
func (f *field) strategy(ctx context.Context, way placed, t io.Writer) error {
	dsn, err := f.dsn(nil)
	if err != nil {
		return err
	}
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return err
	}
	db, err := stratumpgx.New(ctx, pc, stratumpgx.Config{
		Databases:      way.databases,
		DatabaseLimits: stratumpgx.DatabaseLimits{ConnsPerDatabase: 2, MaxConns: 200},
	})
	if err != nil {
		return err
	}
	defer db.Close()
	read := func(ctx context.Context, who *core.Tenant, r *rand.Rand) error {
		id := r.Int64N(ownRows)
		if who.Placement.Strategy == "" {
			target := f.pick(r)
			who, id = target.tenant, target.id
		}
		var body string
		return db.QueryRow(core.NewContext(ctx, who), readItem, id).Scan(&body)
	}
	if err := f.warm(ctx, way.tenants, read); err != nil {
		return err
	}
	scoped := contestant{read: func(ctx context.Context, r *rand.Rand) error {
		return read(ctx, way.tenants[r.IntN(len(way.tenants))], r)
	}}
	bare, err := f.enter(ctx, pgxClient(), unscoped, dsn)
	if err != nil {
		return err
	}
	defer bare.close()
	fmt.Fprintf(t, "%s\t", way.name)
	for _, workers := range []int{1, f.workers} {
		var own, other []float64
		for round := -1; round < f.rounds; round++ {
			a, err := f.rate(ctx, scoped, workers)
			if err != nil {
				return err
			}
			b, err := f.rate(ctx, bare, workers)
			if err != nil {
				return err
			}
			if round >= 0 {
				own, other = append(own, a), append(other, b)
			}
		}
		fmt.Fprintf(t, "%.2f\t", ratio(own, other))
	}
	connections, memory, err := f.backends(ctx, way)
	if err != nil {
		return err
	}
	fmt.Fprintf(t, "%d\t%.1f\t\n", connections, memory)
	return nil
}

// warm opens what is to be open: every worker reads of every tenant, so that most
// connections have met most of them.
func (f *field) warm(ctx context.Context, tenants []*core.Tenant, read func(context.Context, *core.Tenant, *rand.Rand) error) error {
	var all sync.WaitGroup
	failures := make(chan error, f.workers)
	for range f.workers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			for _, i := range r.Perm(len(tenants)) {
				if err := read(ctx, tenants[i], r); err != nil {
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

// backends counts the application's connections, and asks one that serves the tenants what
// its caches have grown to.
func (f *field) backends(ctx context.Context, way placed) (connections int, megabytes float64, err error) {
	super, err := pgx.Connect(ctx, f.server.URL(embedpg.Superuser, database))
	if err != nil {
		return 0, 0, err
	}
	defer super.Close(ctx)
	if err := super.QueryRow(ctx, "select count(*) from pg_stat_activity where usename = 'stratum_app'").Scan(&connections); err != nil {
		return 0, 0, err
	}
	// A connection of its own that meets every tenant once: what others have met is up to chance.
	db, err := pgx.Connect(ctx, f.server.URL(embedpg.Superuser, database))
	if err != nil {
		return 0, 0, err
	}
	defer db.Close(ctx)
	for _, who := range way.tenants {
		if schema := who.Placement.Schema; schema != "" {
			if _, err := db.Exec(ctx, "select body from "+pgx.Identifier{schema, "item"}.Sanitize()+" where id = 1"); err != nil {
				return 0, 0, err
			}
		}
	}
	err = db.QueryRow(ctx, "select sum(total_bytes)::float8 / 1048576 from pg_backend_memory_contexts").Scan(&megabytes)
	return connections, megabytes, err
}
