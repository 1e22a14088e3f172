package main

import (
	"context"
	"database/sql"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/stratum-hq/stratum-go/adapters/ent"
	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
)

// entItem is a row of both tables.
type entItem struct {
	ID       int64   `sql:"id"`
	TenantID core.ID `sql:"tenant_id"`
	Body     string  `sql:"body"`
}

// entORM is ent's driver and builder, which the code that ent generates calls.
func entORM() orm {
	return orm{
		name:   "ent",
		open:   func(db *sql.DB) (session, error) { return entSession(entsql.OpenDB(dialect.Postgres, db)), nil },
		scoped: func(db *stratumpgx.DB) (session, error) { return entSession(stratument.Driver(db)), nil },
	}
}

func entSession(drv dialect.Driver) session {
	s := entQuerier(drv)
	s.inTx = func(ctx context.Context, fn func(execFunc, session) error) error {
		tx, err := drv.Tx(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }()
		exec := func(_ string, arg any) error { return tx.Exec(ctx, setLocal, []any{arg}, nil) }
		if err := fn(exec, entQuerier(tx)); err != nil {
			return err
		}
		return tx.Commit()
	}
	return s
}

func entQuerier(q dialect.ExecQuerier) session {
	read := func(ctx context.Context, table string, where *entsql.Predicate) error {
		query, args := entsql.Dialect(dialect.Postgres).Select("id", "tenant_id", "body").
			From(entsql.Table(table)).Where(where).Limit(1).Query()
		var rows entsql.Rows
		if err := q.Query(ctx, query, args, &rows); err != nil {
			return err
		}
		defer rows.Close()
		var row []entItem
		return entsql.ScanSlice(&rows, &row)
	}
	return session{
		read: func(ctx context.Context, table string, id int64) error {
			return read(ctx, table, entsql.EQ("id", id))
		},
		filtered: func(ctx context.Context, tenant core.ID, id int64) error {
			return read(ctx, "plain", entsql.And(entsql.EQ("tenant_id", tenant), entsql.EQ("id", id)))
		},
	}
}
