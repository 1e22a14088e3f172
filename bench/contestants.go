package main

import (
	"context"
	"database/sql"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
)

// The ways, in the order of the table. The fair baseline is what the others are compared with.
const (
	unscoped = "unscoped, no row-level security"
	fair     = "tenant fixed per session (fair baseline)"
	perTx    = "BEGIN; set_config; query; COMMIT"
	perLease = "set_config on acquire, RESET on release"
	ours     = "stratum"
)

var ways = []string{unscoped, fair, perTx, perLease, ours}

// contestant reads one row, again and again.
type contestant struct {
	way   string
	read  func(ctx context.Context, r *rand.Rand) error
	close func()
}

const (
	readItem  = "select body from item where id = $1"
	readPlain = "select body from plain where id = $1"
	setLocal  = "select set_config('app.current_tenant_id', $1, true)"
	setForAll = "select set_config('app.current_tenant_id', $1, false)"
	unset     = "reset app.current_tenant_id"
)

// enter opens a contestant's connections.
func (f *field) enter(ctx context.Context, client, way, dsn string) (contestant, error) {
	c := contestant{way: way}
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return c, err
	}
	if way == fair {
		pc.ConnConfig.RuntimeParams["app.current_tenant_id"] = f.tenants[0].ID.String()
	}
	if way == ours {
		return c, f.enterOurs(ctx, client, pc, &c)
	}
	if client == "pgx" {
		pool, err := pgxpool.NewWithConfig(ctx, pc)
		if err != nil {
			return c, err
		}
		c.close = pool.Close
		c.read = f.byPgx(way, pool)
		return c, nil
	}
	db := sql.OpenDB(stdlib.GetConnector(*pc.ConnConfig))
	db.SetMaxOpenConns(f.workers)
	db.SetMaxIdleConns(f.workers)
	c.close = func() { _ = db.Close() }
	c.read = f.bySQL(way, db)
	return c, nil
}

func (f *field) enterOurs(ctx context.Context, client string, pc *pgxpool.Config, c *contestant) error {
	db, err := stratumpgx.New(ctx, pc, stratumpgx.Config{})
	if err != nil {
		return err
	}
	c.close = db.Close
	s := db.SQL()
	c.read = func(ctx context.Context, r *rand.Rand) error {
		t := f.pick(r)
		ctx = core.NewContext(ctx, t.tenant)
		var body string
		if client == "pgx" {
			return db.QueryRow(ctx, readItem, t.id).Scan(&body)
		}
		return s.QueryRowContext(ctx, readItem, t.id).Scan(&body)
	}
	return nil
}

// byPgx is what a user of pgx would write.
func (f *field) byPgx(way string, pool *pgxpool.Pool) func(context.Context, *rand.Rand) error {
	switch way {
	case unscoped:
		return func(ctx context.Context, r *rand.Rand) error {
			var body string
			return pool.QueryRow(ctx, readPlain, f.pick(r).id).Scan(&body)
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

// bySQL is what a user of database/sql would write.
func (f *field) bySQL(way string, db *sql.DB) func(context.Context, *rand.Rand) error {
	switch way {
	case unscoped:
		return func(ctx context.Context, r *rand.Rand) error {
			var body string
			return db.QueryRowContext(ctx, readPlain, f.pick(r).id).Scan(&body)
		}
	case fair:
		return func(ctx context.Context, r *rand.Rand) error {
			var body string
			return db.QueryRowContext(ctx, readItem, f.own(r).id).Scan(&body)
		}
	case perTx:
		return func(ctx context.Context, r *rand.Rand) error {
			t := f.pick(r)
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			defer func() { _ = tx.Rollback() }()
			if _, err := tx.ExecContext(ctx, setLocal, t.tenant.ID.String()); err != nil {
				return err
			}
			var body string
			if err := tx.QueryRowContext(ctx, readItem, t.id).Scan(&body); err != nil {
				return err
			}
			return tx.Commit()
		}
	case perLease:
		return func(ctx context.Context, r *rand.Rand) error {
			t := f.pick(r)
			c, err := db.Conn(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			if _, err := c.ExecContext(ctx, setForAll, t.tenant.ID.String()); err != nil {
				return err
			}
			var body string
			if err := c.QueryRowContext(ctx, readItem, t.id).Scan(&body); err != nil {
				return err
			}
			_, err = c.ExecContext(ctx, unset)
			return err
		}
	}
	panic("no such way: " + way)
}
