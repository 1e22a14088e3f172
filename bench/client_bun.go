package main

import (
	"context"
	"database/sql"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/stratum-hq/stratum-go/adapters/bun"
	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
)

// bunItem is a row of both tables.
type bunItem struct {
	bun.BaseModel `bun:"table:item,alias:item"`

	ID       int64 `bun:",pk"`
	TenantID core.ID
	Body     string
}

func bunORM() orm {
	return orm{
		name:  "bun",
		texts: true,
		open: func(db *sql.DB) (session, error) {
			b := bun.NewDB(db, pgdialect.New())
			s := bunSession(b)
			s.inTx = func(ctx context.Context, fn func(execFunc, session) error) error {
				return b.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
					return fn(func(query string, arg any) error {
						_, err := tx.ExecContext(ctx, query, arg)
						return err
					}, bunSession(tx))
				})
			}
			return s, nil
		},
		scoped: func(db *stratumpgx.DB) (session, error) { return bunSession(stratumbun.Open(db)), nil },
	}
}

func bunSession(b bun.IDB) session {
	query := func(row *bunItem, table string, id int64) *bun.SelectQuery {
		return b.NewSelect().Model(row).ModelTableExpr("? AS item", bun.Ident(table)).Where("item.id = ?", id)
	}
	return session{
		read: func(ctx context.Context, table string, id int64) error {
			var row bunItem
			return query(&row, table, id).Scan(ctx)
		},
		filtered: func(ctx context.Context, tenant core.ID, id int64) error {
			var row bunItem
			return query(&row, "plain", id).Where("tenant_id = ?", tenant).Scan(ctx)
		},
	}
}
