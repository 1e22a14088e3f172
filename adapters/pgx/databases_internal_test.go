package stratumpgx

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// Sixteen goroutines use and give back pools of more databases than there is room for,
// some of which fail to open or later, while contexts end: no pool is closed in use, none is
// left, there are never more than allowed, and everybody gets on.
func TestDatabasesUnderChaos(t *testing.T) {
	pg := pgtest.New(t)
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			limits := DatabaseLimits{ConnsPerDatabase: 1 + int(seed)/2, MaxConns: 1 + int(seed)*3}.withDefaults()
			var open, most, pools atomic.Int64 // connections, but for the last
			d := newDatabases(limits, func(ctx context.Context, key string) (*pool, error) {
				if key == "db3" && rand.IntN(2) == 0 {
					return nil, errors.New("refused")
				}
				pc, err := pgxpool.ParseConfig(pg.URL(embedpg.App))
				if err != nil {
					return nil, err
				}
				pc.MaxConns = int32(limits.ConnsPerDatabase)
				pc.AfterConnect = func(context.Context, *pgx.Conn) error {
					now := open.Add(1)
					for was := most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
					}
					return nil
				}
				pc.BeforeClose = func(*pgx.Conn) { open.Add(-1) }
				made, err := pgxpool.NewWithConfig(ctx, pc)
				if err != nil {
					return nil, err
				}
				pools.Add(1)
				return &pool{Pool: made}, nil
			})
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			var served atomic.Int64
			var all sync.WaitGroup
			for g := range uint64(16) {
				all.Go(func() {
					r := rand.New(rand.NewPCG(seed, g))
					for range 25 {
						ctx, cancel := context.WithCancel(ctx)
						if r.IntN(4) == 0 {
							time.AfterFunc(time.Duration(r.IntN(2000))*time.Microsecond, cancel)
						}
						lease, err := d.begin(ctx, fmt.Sprintf("db%d", r.IntN(8)))
						if err == nil {
							var p *pool
							if p, err = lease.place.get(ctx); err == nil {
								if _, err = p.Exec(ctx, "select 1"); err == nil {
									served.Add(1)
								}
								if r.IntN(40) == 0 {
									_ = lease.place.failed(errors.New("refused later"))
								}
							}
							d.end(lease)
						}
						if err != nil && ctx.Err() == nil && !errors.Is(err, core.ErrDatabaseDown) {
							t.Error(err)
						}
						cancel()
					}
				})
			}
			all.Wait()
			if n := most.Load(); n > int64(limits.MaxConns) {
				t.Errorf("%d connections were open, and %d allowed", n, limits.MaxConns)
			}
			if served.Load() < 100 || pools.Load() <= int64(limits.MaxPools) {
				t.Errorf("only %d statements ran, in %d pools", served.Load(), pools.Load())
			}
			d.close()
			if n := open.Load(); n != 0 || len(d.all) != 0 || d.closing != 0 {
				t.Errorf("%d connections are left, %d pools, %d are closing", n, len(d.all), d.closing)
			}
			if _, err := d.begin(ctx, "db0"); !errors.Is(err, errClosed) {
				t.Error(err)
			}
		})
	}
}
