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

// An orm is a client on database/sql: what it is by itself, and through its adapter.
type orm struct {
	name   string
	texts  bool // it writes values into the text of statements, which nobody then prepares
	open   func(db *sql.DB) (session, error)
	scoped func(db *stratumpgx.DB) (session, error)
}

// A session is one opened orm.
type session struct {
	read     readFunc
	filtered func(ctx context.Context, tenant core.ID, id int64) error                 // of the table plain
	inTx     func(ctx context.Context, fn func(exec execFunc, in session) error) error // a transaction in the way of the orm
}

// execFunc executes a statement with one argument.
type execFunc func(query string, arg any) error

func (o orm) client() client {
	return client{
		name: o.name,
		ways: []string{unscoped, filter, fair, perTx, ours},
		hand: func(f *field, way string, pc *pgxpool.Config) (contestant, error) {
			if o.texts {
				pc.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
			}
			db := sql.OpenDB(stdlib.GetConnector(*pc.ConnConfig))
			db.SetMaxOpenConns(f.workers)
			db.SetMaxIdleConns(f.workers)
			s, err := o.open(db)
			if err != nil {
				_ = db.Close()
				return contestant{}, err
			}
			return contestant{read: f.bySession(way, s), close: func() { _ = db.Close() }}, nil
		},
		ours: func(db *stratumpgx.DB) (readFunc, error) {
			s, err := o.scoped(db)
			return s.read, err
		},
	}
}

// bySession is what a user of the orm would write.
func (f *field) bySession(way string, s session) func(context.Context, *rand.Rand) error {
	switch way {
	case unscoped:
		return func(ctx context.Context, r *rand.Rand) error { return s.read(ctx, "plain", f.pick(r).id) }
	case filter:
		return func(ctx context.Context, r *rand.Rand) error {
			t := f.pick(r)
			return s.filtered(ctx, t.tenant.ID, t.id)
		}
	case fair:
		return func(ctx context.Context, r *rand.Rand) error { return s.read(ctx, "item", f.own(r).id) }
	case perTx:
		return func(ctx context.Context, r *rand.Rand) error {
			t := f.pick(r)
			return s.inTx(ctx, func(exec execFunc, in session) error {
				if err := exec("select set_config('app.current_tenant_id', ?, true)", t.tenant.ID.String()); err != nil {
					return err
				}
				return in.read(ctx, "item", t.id)
			})
		}
	}
	panic("no such way: " + way)
}

// plainSQL is database/sql without an orm.
func plainSQL() orm {
	return orm{
		name: "database/sql",
		open: func(db *sql.DB) (session, error) {
			s := sqlSession(db)
			s.inTx = func(ctx context.Context, fn func(execFunc, session) error) error {
				tx, err := db.BeginTx(ctx, nil)
				if err != nil {
					return err
				}
				defer func() { _ = tx.Rollback() }()
				exec := func(_ string, arg any) error {
					_, err := tx.ExecContext(ctx, setLocal, arg)
					return err
				}
				if err := fn(exec, sqlSession(tx)); err != nil {
					return err
				}
				return tx.Commit()
			}
			return s, nil
		},
		scoped: func(db *stratumpgx.DB) (session, error) { return sqlSession(db.SQL()), nil },
	}
}

// rowQuerier is a *sql.DB or a *sql.Tx.
type rowQuerier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func sqlSession(db rowQuerier) session {
	return session{
		read: func(ctx context.Context, table string, id int64) error {
			query := readItem
			if table == "plain" {
				query = readPlain
			}
			var body string
			return db.QueryRowContext(ctx, query, id).Scan(&body)
		},
		filtered: func(ctx context.Context, tenant core.ID, id int64) error {
			var body string
			return db.QueryRowContext(ctx, readFiltered, tenant.String(), id).Scan(&body)
		},
	}
}
