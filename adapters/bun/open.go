package stratumbun

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
)

// Open opens bun over db. The options are bun's own; a bun.WithConnResolver among
// them is replaced, as its connections would have no scope.
//
// bun writes values into the text of its statements, so these are not prepared, which
// would take a round trip for each new text: see [stratumpgx.DB.SQLExec].
//
// Close db, not the *bun.DB, whose connections others may use.
func Open(db *stratumpgx.DB, opts ...bun.DBOption) *bun.DB {
	sqldb := db.SQLExec(pgx.QueryExecModeExec)
	return bun.NewDB(sqldb, pgdialect.New(), append(opts[:len(opts):len(opts)], bun.WithConnResolver(resolver{sqldb}))...)
}

// errMigrate says what to do instead.
var errMigrate = errors.New("stratumbun: this *bun.DB is the application's, which owns no tables: " +
	"use stratumbun.Migrate with one that is connected as their owner, which protects them too")

// resolver explains why tables cannot be made here; all else goes its usual way.
type resolver struct{ db *sql.DB }

// ResolveConn implements [bun.ConnResolver].
func (r resolver) ResolveConn(_ context.Context, query bun.Query) bun.IConn {
	switch query.(type) {
	case *bun.CreateTableQuery, *bun.DropTableQuery, *bun.TruncateTableQuery,
		*bun.AddColumnQuery, *bun.DropColumnQuery, *bun.CreateIndexQuery, *bun.DropIndexQuery:
		return explained{r.db}
	}
	return nil
}

// Close implements [bun.ConnResolver].
func (resolver) Close() error { return nil }

// explained adds errMigrate to what PostgreSQL says about missing rights.
type explained struct{ *sql.DB }

// ExecContext implements [bun.IConn].
func (e explained) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	res, err := e.DB.ExecContext(ctx, query, args...)
	if err != nil {
		err = fmt.Errorf("%w: %w", errMigrate, err)
	}
	return res, err
}
