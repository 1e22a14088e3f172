package main

import (
	"context"
	"database/sql"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/stratum-hq/stratum-go/adapters/gorm"
	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
)

// gormItem is a row of both tables.
type gormItem struct {
	ID       int64
	TenantID core.ID
	Body     string
}

func gormConfig() *gorm.Config {
	return &gorm.Config{Logger: logger.Discard, SkipDefaultTransaction: true}
}

func gormORM() orm {
	return orm{
		name: "gorm",
		open: func(db *sql.DB) (session, error) {
			g, err := gorm.Open(postgres.New(postgres.Config{Conn: db}), gormConfig())
			return gormSession(g), err
		},
		scoped: func(db *stratumpgx.DB) (session, error) {
			g, err := stratumgorm.Open(db, gormConfig())
			return gormSession(g), err
		},
	}
}

func gormSession(g *gorm.DB) session {
	return session{
		read: func(ctx context.Context, table string, id int64) error {
			var row gormItem
			return g.WithContext(ctx).Table(table).Take(&row, id).Error
		},
		filtered: func(ctx context.Context, tenant core.ID, id int64) error {
			var row gormItem
			return g.WithContext(ctx).Table("plain").Where("tenant_id = ?", tenant).Take(&row, id).Error
		},
		inTx: func(ctx context.Context, fn func(execFunc, session) error) error {
			return g.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				return fn(func(query string, arg any) error { return tx.Exec(query, arg).Error }, gormSession(tx))
			})
		},
	}
}
