package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// situation is under which circumstances contestants are measured.
type situation struct {
	workers int
	distant bool
}

func (o options) situations() []situation {
	return []situation{{1, false}, {o.workers, false}, {1, true}, {o.workers, true}}
}

func (s situation) String() string {
	where := "loopback"
	if s.distant {
		where = "distant"
	}
	return fmt.Sprintf("%s, %d worker(s)", where, s.workers)
}

// result is one contestant's operations per second, round by round.
type result struct {
	way   string
	rates []float64
}

// all enters every contestant, through a proxy or not.
func (f *field) all(ctx context.Context, cl client, through *proxy) (cs []contestant, err error) {
	dsn, err := f.dsn(through)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			leave(cs)
		}
	}()
	for _, way := range cl.ways {
		c, err := f.enter(ctx, cl, way, dsn)
		if err != nil {
			return cs, fmt.Errorf("%s, %s: %w", cl.name, way, err)
		}
		cs = append(cs, c)
	}
	return cs, nil
}

func leave(cs []contestant) {
	for _, c := range cs {
		c.close()
	}
}

// measure lets the contestants take turns for the given number of rounds, after one
// that does not count. The order is another one in each, so that nobody always follows
// the same, whose work the server may still be clearing up.
func (f *field) measure(ctx context.Context, cl client, s situation) ([]result, error) {
	var through *proxy
	if s.distant {
		through = f.far
	}
	cs, err := f.all(ctx, cl, through)
	if err != nil {
		return nil, err
	}
	defer leave(cs)
	results := make([]result, len(cs))
	for round := -1; round < f.rounds; round++ {
		for _, n := range rand.Perm(len(cs)) {
			rate, err := f.rate(ctx, cs[n], s.workers)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", cl.name, cs[n].way, err)
			}
			results[n].way = cs[n].way
			if round >= 0 {
				results[n].rates = append(results[n].rates, rate)
			}
		}
	}
	return results, nil
}

// rate runs one contestant for one round.
func (f *field) rate(ctx context.Context, c contestant, workers int) (float64, error) {
	if c.run != nil {
		a, err := c.run(load{Workers: workers, Milliseconds: f.round.Milliseconds()})
		if err == nil && a.Seconds <= 0 {
			err = errors.New("the peer has no time")
		}
		return float64(a.Operations) / a.Seconds, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var done atomic.Int64
	var failure atomic.Pointer[error]
	var over atomic.Bool
	timer := time.AfterFunc(f.round, func() { over.Store(true) })
	defer timer.Stop()
	start := time.Now()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
			for !over.Load() {
				if err := c.read(ctx, r); err != nil {
					failure.CompareAndSwap(nil, &err)
					over.Store(true)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	if err := failure.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(start).Seconds(), nil
}

// counts are what does not depend on the machine's mood.
type counts struct {
	way    string
	trips  float64 // turns of the client for each operation
	allocs float64 // allocations for each operation, on the client's side; negative: not known
}

// count counts round trips and allocations with one worker, over warm connections.
func (f *field) count(ctx context.Context, cl client) ([]counts, error) {
	var all []counts
	for _, way := range cl.ways {
		c := counts{way: way, allocs: -1}
		turns, _, err := f.tally(ctx, cl, way, f.near)
		if err != nil {
			return nil, err
		}
		c.trips = turns
		if f.peers.find(way) == nil {
			if _, c.allocs, err = f.tally(ctx, cl, way, nil); err != nil {
				return nil, err
			}
		}
		all = append(all, c)
	}
	return all, nil
}

// tally counts turns through a proxy, and allocations, for each operation.
func (f *field) tally(ctx context.Context, cl client, way string, through *proxy) (turns, allocs float64, err error) {
	dsn, err := f.dsn(through)
	if err != nil {
		return 0, 0, err
	}
	c, err := f.enter(ctx, cl, way, dsn)
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	operations := min(2000, f.rows)
	r := rand.New(rand.NewPCG(1, 2))
	work := func() error {
		if c.run != nil {
			_, err := c.run(load{Workers: 1, Operations: operations})
			return err
		}
		for range operations {
			if err := c.read(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}
	if err := work(); err != nil { // to be warm
		return 0, 0, err
	}
	sent := f.near.turns.Load()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := work(); err != nil {
		return 0, 0, err
	}
	runtime.ReadMemStats(&after)
	n := float64(operations)
	return float64(f.near.turns.Load()-sent) / n, float64(after.Mallocs-before.Mallocs) / n, nil
}
