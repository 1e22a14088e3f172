package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// appTables is how many tables the application has, each made by a migration of its own.
const appTables = 10

// provisioning prints how long it takes to make a tenant, with a place that is made for
// it and with one that was made ahead.
func provisioning(ctx context.Context, o options, stdout, stderr io.Writer) error {
	server, err := install(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()
	fmt.Fprintf(stdout, "\nprovisioning, PostgreSQL %d; milliseconds of Tenants.Create, one at a time, with an application of %d tables and %d migrations;\n"+
		"%d tenants of each kind\n\n", server.Version()/10_000, appTables, appTables, o.creates)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tmedian\t95 %\t")
	for _, strategy := range []core.Strategy{core.SharedRLS, core.SchemaPerTenant, core.DatabasePerTenant} {
		fmt.Fprintf(stderr, "provisioning: %d of %s\n", o.creates, strategy)
		took, err := provision(ctx, server, strategy, o.creates)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%.1f\t%.1f\t\n", strategy, median(took), high(took))
		if strategy == core.SharedRLS {
			continue
		}
		fmt.Fprintf(stderr, "provisioning: %d of %s, made ahead\n", o.creates, strategy)
		took, ahead, err := provisionSpares(ctx, server, strategy, o.creates)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s, made ahead in %.0f each\t%.1f\t%.1f\t\n", strategy, ahead, median(took), high(took))
	}
	return t.Flush()
}

func provision(ctx context.Context, server *embedpg.Server, strategy core.Strategy, n int) ([]float64, error) {
	lib, err := open(ctx, server, application(appTables), nil)
	if err != nil {
		return nil, err
	}
	defer lib.Close()
	return create(ctx, lib, strategy, n)
}

// provisionSpares makes places ahead, which takes so many milliseconds each, and
// then the tenants, while none is being made.
func provisionSpares(ctx context.Context, server *embedpg.Server, strategy core.Strategy, n int) (took []float64, ahead float64, err error) {
	one, all := map[core.Strategy]int{strategy: 1}, map[core.Strategy]int{strategy: n + 2}
	lib, err := open(ctx, server, application(appTables), all)
	if err != nil {
		return nil, 0, err
	}
	start := time.Now()
	err = lib.Tenants.Fill(ctx)
	ahead = milliseconds(start) / float64(n+2)
	lib.Close()
	if err != nil {
		return nil, 0, err
	}
	// One that is to keep a single spare makes none until the last one is taken.
	if lib, err = open(ctx, server, application(appTables), one); err != nil {
		return nil, 0, err
	}
	defer lib.Close()
	took, err = create(ctx, lib, strategy, n)
	return took, ahead, err
}

// create makes tenants, and returns the milliseconds of each after the first.
func create(ctx context.Context, lib *stratum.Stratum, strategy core.Strategy, n int) (took []float64, err error) {
	for i := range n + 1 {
		id := core.NewID()
		start := time.Now()
		if _, err := lib.Tenants.Create(ctx, tenant.New{Name: "N", Slug: fmt.Sprintf("t%x", id[:]), Strategy: strategy}); err != nil {
			return nil, err
		}
		if i > 0 {
			took = append(took, milliseconds(start))
		}
	}
	return took, nil
}

// high is the value that 95 % do not exceed.
func high(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return v[int(math.Ceil(0.95*float64(len(v))))-1]
}
