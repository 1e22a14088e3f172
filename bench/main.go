package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the size of the run.
type options struct {
	rounds  int
	round   time.Duration
	rows    int
	tenants int
	delay   time.Duration
	workers int
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rounds, "rounds", 25, "rounds of each measurement; at least 7 for figures to quote")
	flags.DurationVar(&o.round, "time", 100*time.Millisecond, "time of each contestant in each round")
	flags.IntVar(&o.rows, "rows", 1_000_000, "rows of the table")
	flags.IntVar(&o.tenants, "tenants", 1000, "tenants among which the rows are spread")
	flags.IntVar(&o.workers, "workers", 16, "workers, and connections, of a saturated server")
	flags.DurationVar(&o.delay, "delay", 500*time.Microsecond, "latency each way of the distant server")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if o.rounds < 1 || o.workers < 1 || o.round <= 0 || o.tenants < 1 || o.rows < o.tenants || o.delay < 0 {
		fmt.Fprintln(stderr, "bench: -rounds, -time, -workers and -tenants must be positive, and -rows no fewer than the tenants")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := bench(ctx, o, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// bench runs everything and prints the tables.
func bench(ctx context.Context, o options, stdout, stderr io.Writer) error {
	fmt.Fprintf(stderr, "starting PostgreSQL, filling %d rows of %d tenants\n", o.rows, o.tenants)
	f, err := newField(ctx, o)
	if err != nil {
		return err
	}
	defer f.close()
	for _, client := range []string{"pgx", "database/sql"} {
		r := report{client: client, server: f.version, options: o}
		for _, s := range o.situations() {
			fmt.Fprintf(stderr, "%s, %s\n", client, s)
			results, err := f.measure(ctx, client, s)
			if err != nil {
				return err
			}
			r.add(s, results)
		}
		if r.counts, err = f.count(ctx, client); err != nil {
			return err
		}
		r.print(stdout)
	}
	return nil
}
