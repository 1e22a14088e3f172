package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// report is the table of one client.
type report struct {
	client, server string
	options        options
	columns        []situation
	results        map[situation][]result
	counts         []counts
}

func (r *report) add(s situation, results []result) {
	if r.results == nil {
		r.results = make(map[situation][]result)
	}
	r.columns = append(r.columns, s)
	r.results[s] = results
}

// ratio is the median over the rounds of a's rate by b's in the same round.
func ratio(a, b []float64) float64 {
	each := make([]float64, len(a))
	for i := range a {
		each[i] = a[i] / b[i]
	}
	return median(each)
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v) == 0 {
		return 0
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func (r *report) of(s situation, way string) []float64 {
	for _, result := range r.results[s] {
		if result.way == way {
			return result.rates
		}
	}
	return nil
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s, one row by its key, PostgreSQL %s, %d rows of %d tenants; throughput by that of the fair baseline,\nmedian of %d rounds of %v; distant: %v each way\n\n",
		r.client, r.server, r.options.rows, r.options.tenants, r.options.rounds, r.options.round, r.options.delay)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\ttrips\tallocs\t")
	for _, s := range r.columns {
		fmt.Fprintf(t, "%s\t", s)
	}
	fmt.Fprintln(t)
	for _, c := range r.counts {
		allocs := "-"
		if c.allocs >= 0 {
			allocs = fmt.Sprintf("%.1f", c.allocs)
		}
		fmt.Fprintf(t, "%s\t%.2f\t%s\t", c.way, c.trips, allocs)
		for _, s := range r.columns {
			fmt.Fprintf(t, "%.2f\t", ratio(r.of(s, c.way), r.of(s, fair)))
		}
		fmt.Fprintln(t)
	}
	fmt.Fprint(t, "stratum by a transaction per query\t\t\t")
	for _, s := range r.columns {
		fmt.Fprintf(t, "%.2f\t", ratio(r.of(s, ours), r.of(s, perTx)))
	}
	fmt.Fprintln(t)
	fmt.Fprint(t, "stratum, operations per second\t\t\t")
	for _, s := range r.columns {
		fmt.Fprintf(t, "%.0f\t", median(r.of(s, ours)))
	}
	fmt.Fprintln(t)
	_ = t.Flush()
}
