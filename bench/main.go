package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the size of the run.
type options struct {
	rounds             int
	round              time.Duration
	rows               int
	tenants            int
	delay              time.Duration
	workers            int
	only               string // a section, or all
	clients            string // names of clients, or all
	schemas, databases int    // of tenants that have their own
	creates            int    // tenants that are made to time it
	peers              peers
}

// has reports whether a list of names, separated by commas, has the name.
func has(list, name string) bool {
	return list == "all" || slices.Contains(strings.Split(list, ","), name)
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
	flags.StringVar(&o.only, "only", "all", "sections to run, separated by commas: clients, strategies, fleet, provisioning, policies, middlewares, resolvers")
	flags.StringVar(&o.clients, "clients", "all", "clients to measure, separated by commas: pgx, database/sql, gorm, ent, bun, peers")
	flags.IntVar(&o.schemas, "schemas", 1000, "tenants with a schema of their own")
	flags.IntVar(&o.databases, "databases", 100, "tenants with a database of their own, which takes 8 MB each")
	flags.IntVar(&o.creates, "creates", 50, "tenants that are made of each kind to time it")
	flags.Var(&o.peers, "peer", "`NAME=COMMAND` of a program that is a contestant, see bench/peer.go; may be repeated")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if min(o.rounds, o.workers, o.tenants, o.schemas, o.databases, o.creates) < 1 || o.round <= 0 || o.rows < o.tenants || o.delay < 0 {
		fmt.Fprintln(stderr, "bench: all sizes must be positive, and -rows no fewer than the tenants")
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

// bench runs the sections and prints their tables.
func bench(ctx context.Context, o options, stdout, stderr io.Writer) error {
	sections := []struct {
		name string
		run  func(context.Context, options, io.Writer, io.Writer) error
	}{
		{"middlewares", middlewares}, {"resolvers", resolvers}, {"clients", throughput}, {"strategies", strategies},
		{"fleet", migrate}, {"provisioning", provisioning}, {"policies", policies},
	}
	for _, s := range sections {
		if !has(o.only, s.name) {
			continue
		}
		if err := s.run(ctx, o, stdout, stderr); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// throughput compares the ways of scoping, through each client.
func throughput(ctx context.Context, o options, stdout, stderr io.Writer) error {
	fmt.Fprintf(stderr, "starting PostgreSQL, filling %d rows of %d tenants\n", o.rows, o.tenants)
	f, err := newField(ctx, o)
	if err != nil {
		return err
	}
	defer f.close()
	for _, c := range clients(o) {
		if !has(o.clients, c.name) {
			continue
		}
		r := report{client: c.name, server: f.version, options: o}
		for _, s := range o.situations() {
			fmt.Fprintf(stderr, "%s, %s\n", c.name, s)
			results, err := f.measure(ctx, c, s)
			if err != nil {
				return err
			}
			r.add(s, results)
		}
		if r.counts, err = f.count(ctx, c); err != nil {
			return err
		}
		r.print(stdout)
	}
	return nil
}
