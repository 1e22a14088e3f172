package main

import (
	"context"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
)

const (
	readItem     = "select body from item where id = $1"
	readPlain    = "select body from plain where id = $1"
	readFiltered = "select body from plain where tenant_id = $1 and id = $2"
	setLocal     = "select set_config('app.current_tenant_id', $1, true)"
	setForAll    = "select set_config('app.current_tenant_id', $1, false)"
	unset        = "reset app.current_tenant_id"
)

// pgxClient is pgx by itself.
func pgxClient() client {
	return client{
		name: "pgx",
		ways: ways,
		hand: func(f *field, way string, pc *pgxpool.Config) (contestant, error) {
			pool, err := pgxpool.NewWithConfig(context.Background(), pc)
			if err != nil {
				return contestant{}, err
			}
			return contestant{read: f.byPgx(way, pool), close: pool.Close}, nil
		},
		ours: func(db *stratumpgx.DB) (readFunc, error) {
			return func(ctx context.Context, _ string, id int64) error {
				var body string
				return db.QueryRow(ctx, readItem, id).Scan(&body)
			}, nil
		},
	}
}

// byPgx is what a user of pgx would write.
func (f *field) byPgx(way string, pool *pgxpool.Pool) func(context.Context, *rand.Rand) error {
	switch way {
	case unscoped:
		return func(ctx context.Context, r *rand.Rand) error {
			var body string
			return pool.QueryRow(ctx, readPlain, f.pick(r).id).Scan(&body)
		}
	case filter:
		return func(ctx context.Context, r *rand.Rand) error {
			t := f.pick(r)
			var body string
			return pool.QueryRow(ctx, readFiltered, [16]byte(t.tenant.ID), t.id).Scan(&body)
		}
	case fair:
		return func(ctx context.Context, r *rand.Rand) error {
			var body string
			return pool.QueryRow(ctx, readItem, f.own(r).id).Scan(&body)
		}
	case perTx:
		return func(ctx context.Context, r *rand.Rand) error {
			t := f.pick(r)
			return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, setLocal, t.tenant.ID.String()); err != nil {
					return err
				}
				var body string
				return tx.QueryRow(ctx, readItem, t.id).Scan(&body)
			})
		}
	case perLease:
		return func(ctx context.Context, r *rand.Rand) error {
			t := f.pick(r)
			return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
				if _, err := c.Exec(ctx, setForAll, t.tenant.ID.String()); err != nil {
					return err
				}
				var body string
				if err := c.QueryRow(ctx, readItem, t.id).Scan(&body); err != nil {
					return err
				}
				_, err := c.Exec(ctx, unset)
				return err
			})
		}
	}
	panic("no such way: " + way)
}
