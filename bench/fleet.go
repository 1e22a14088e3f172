package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// many is how many places a fleet has in which nothing is due.
const many = 10_000

// listed are places that only the tables know. Nothing is due there, so that nobody looks.
const listed = `with made as (
	insert into stratum.tenants (id, slug, name, strategy, schema_name, role_name)
	select gen_random_uuid(), 'listed_' || i, 'N', 'SCHEMA_PER_TENANT', 'listed_' || i, 'listed_' || i from generate_series(1, $1::int) i
	returning id
) insert into stratum.fleet (tenant_id, version) select id, $2 from made`

// migrate prints how fast a migration comes to all places, by how many are migrated
// at once, and what it takes to find that there is nothing to do.
func migrate(ctx context.Context, o options, stdout, stderr io.Writer) error {
	server, err := install(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()
	lib, err := open(ctx, server, application(1), nil)
	if err != nil {
		return err
	}
	defer lib.Close()
	fmt.Fprintf(stderr, "fleet: making %d schemas\n", o.schemas)
	took, err := crowd(ctx, lib, o.schemas)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "\nfleet, %d schemas, PostgreSQL %d; a migration of one table and an index in all of them\n\n", o.schemas, server.Version()/10_000)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tseconds\tplaces/s\t")
	row := func(name string, took time.Duration) {
		fmt.Fprintf(t, "%s\t%.2f\t%.0f\t\n", name, took.Seconds(), float64(o.schemas)/took.Seconds())
	}
	row("made, 4 at once", took)
	version := 1
	for _, parallel := range []int{1, 4, 8} {
		fmt.Fprintf(stderr, "fleet: migrating, %d at once\n", parallel)
		version++
		start := time.Now()
		report, err := lib.Fleet.Migrate(ctx, application(version), fleet.Config{Parallel: parallel})
		if err != nil {
			return err
		}
		if n := report.Count(fleet.Migrated); n != o.schemas {
			return fmt.Errorf("%d of %d schemas were migrated", n, o.schemas)
		}
		row(fmt.Sprintf("migrated, %d at once", parallel), time.Since(start))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return idle(ctx, server, lib, version, o, stdout)
}

// crowd makes tenants with a schema each, four at once.
func crowd(ctx context.Context, lib *stratum.Stratum, schemas int) (time.Duration, error) {
	start := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i := range schemas {
		group.Go(func() error {
			_, err := lib.Tenants.Create(ctx, tenant.New{Name: "N", Slug: fmt.Sprintf("t%d", i), Strategy: core.SchemaPerTenant})
			return err
		})
	}
	err := group.Wait()
	return time.Since(start), err
}

// idle times what finds nothing to do in many places.
func idle(ctx context.Context, server *embedpg.Server, lib *stratum.Stratum, version int, o options, stdout io.Writer) error {
	super, err := pgx.Connect(ctx, server.URL(embedpg.Superuser, database))
	if err != nil {
		return err
	}
	defer super.Close(ctx)
	if _, err := super.Exec(ctx, listed, max(0, many-o.schemas), version); err != nil {
		return err
	}
	if _, err := super.Exec(ctx, "analyze"); err != nil {
		return err
	}
	files := application(version)
	var migrates, statuses []float64
	var status fleet.Status
	for range o.rounds {
		start := time.Now()
		report, err := lib.Fleet.Migrate(ctx, files, fleet.Config{})
		if err != nil {
			return err
		}
		if n := len(report.Results); n > 0 {
			return fmt.Errorf("%d places were due", n)
		}
		migrates = append(migrates, milliseconds(start))
		start = time.Now()
		if status, err = lib.Fleet.Status(ctx, files); err != nil {
			return err
		}
		statuses = append(statuses, milliseconds(start))
	}
	_, err = fmt.Fprintf(stdout, "\n%d places, nothing due: Migrate %.1f ms, Status %.1f ms; medians of %d\n",
		status.Current, median(migrates), median(statuses), o.rounds)
	return err
}

func milliseconds(since time.Time) float64 { return time.Since(since).Seconds() * 1e3 }
