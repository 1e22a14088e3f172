package db

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
)

// DB is the library's pool. Its login owns the schema stratum.
type DB struct {
	pool  *pgxpool.Pool
	actor string
}

// Open opens a pool and makes sure that the server answers. An empty actor means the
// database login.
func Open(ctx context.Context, dsn, actor string) (*DB, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	return New(ctx, config, actor)
}

// New is [Open] for a configuration that was parsed.
func New(ctx context.Context, config *pgxpool.Config, actor string) (*DB, error) {
	if actor == "" {
		actor = config.ConnConfig.User
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return &DB{pool: pool, actor: actor}, nil
}

// Close waits until every connection has been given back, and closes them.
func (d *DB) Close() { d.pool.Close() }

// Exec runs one statement that is no mutation: what it changes is nothing that anybody
// is told of.
func (d *DB) Exec(ctx context.Context, sql string, args ...any) error {
	_, err := d.pool.Exec(ctx, sql, args...)
	return coded(err)
}

// Rows reads: one statement, one round trip, no transaction around it. It collects what the
// statement yields.
func Rows[T any](ctx context.Context, d *DB, scan func(pgx.CollectableRow) (T, error), sql string, args ...any) ([]T, error) {
	rows, err := d.pool.Query(ctx, sql, args...)
	if err != nil {
		return nil, coded(err)
	}
	found, err := pgx.CollectRows(rows, scan)
	return found, coded(err)
}

// UUID is an id as a parameter: NULL for the zero id.
func UUID(id core.ID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: !id.IsZero()} }

// UUIDs are ids as a parameter of the type uuid[]: NULL for none.
func UUIDs(ids []core.ID) []pgtype.UUID {
	var list []pgtype.UUID
	for _, id := range ids {
		list = append(list, UUID(id))
	}
	return list
}

// ID scans the one column of a query that yields ids.
func ID(in pgx.CollectableRow) (core.ID, error) {
	var id pgtype.UUID
	err := in.Scan(&id)
	return id.Bytes, err
}
