package differential_test

import (
	"context"
	"database/sql"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"github.com/jmoiron/sqlx"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// A session runs statements; placeholders are question marks.
type session interface {
	exec(ctx context.Context, query string, args ...any) (affected int64, err error)
	query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// A client is one of the libraries that people use on database/sql.
type client interface {
	session
	transact(ctx context.Context, opts *sql.TxOptions, fn func(session) error) error
}

// opens are all clients.
var opens = map[string]func(testing.TB, *sql.DB) client{
	"sql": openSQL, "sqlx": openSQLX, "gorm": openGORM, "bun": openBun, "ent": openEnt,
}

// standard is what *sql.DB, *sql.Tx and *sql.Conn have in common.
type standard interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

type standardSession struct {
	standard
	rebind bool
}

func (s standardSession) text(query string) string {
	if s.rebind {
		return sqlx.Rebind(sqlx.DOLLAR, query)
	}
	return query
}

func (s standardSession) exec(ctx context.Context, query string, args ...any) (int64, error) {
	return affected(s.ExecContext(ctx, s.text(query), args...))
}

func (s standardSession) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.QueryContext(ctx, s.text(query), args...)
}

func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

type sqlClient struct {
	standardSession
	db *sql.DB
}

func openSQL(_ testing.TB, db *sql.DB) client { return sqlClient{standardSession{db, true}, db} }

func (c sqlClient) transact(ctx context.Context, opts *sql.TxOptions, fn func(session) error) error {
	tx, err := c.db.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	if err := fn(standardSession{tx, true}); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

type sqlxClient struct {
	standardSession
	db *sqlx.DB
}

func openSQLX(_ testing.TB, db *sql.DB) client {
	x := sqlx.NewDb(db, "pgx")
	return sqlxClient{standardSession{x, true}, x}
}

func (c sqlxClient) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	rows, err := c.db.QueryxContext(ctx, c.db.Rebind(query), args...)
	if err != nil {
		return nil, err
	}
	return rows.Rows, nil
}

func (c sqlxClient) transact(ctx context.Context, opts *sql.TxOptions, fn func(session) error) error {
	tx, err := c.db.BeginTxx(ctx, opts)
	if err != nil {
		return err
	}
	if err := fn(standardSession{tx, true}); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

type gormClient struct{ db *gorm.DB }

func openGORM(t testing.TB, db *sql.DB) client {
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: db}), &gorm.Config{Logger: logger.Discard, TranslateError: true})
	if err != nil {
		t.Fatal(err)
	}
	return gormClient{g}
}

func (c gormClient) exec(ctx context.Context, query string, args ...any) (int64, error) {
	result := c.db.WithContext(ctx).Exec(query, args...)
	return result.RowsAffected, result.Error
}

func (c gormClient) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return c.db.WithContext(ctx).Raw(query, args...).Rows()
}

func (c gormClient) transact(ctx context.Context, opts *sql.TxOptions, fn func(session) error) error {
	return c.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return fn(gormClient{tx}) }, opts)
}

type bunClient struct {
	standardSession
	db *bun.DB
}

func openBun(_ testing.TB, db *sql.DB) client {
	b := bun.NewDB(db, pgdialect.New())
	return bunClient{standardSession{b, false}, b}
}

func (c bunClient) transact(ctx context.Context, opts *sql.TxOptions, fn func(session) error) error {
	return c.db.RunInTx(ctx, opts, func(_ context.Context, tx bun.Tx) error { return fn(standardSession{tx, false}) })
}

type entSession struct{ dialect.ExecQuerier }

type entClient struct {
	entSession
	driver *entsql.Driver
}

func openEnt(_ testing.TB, db *sql.DB) client {
	d := entsql.OpenDB(dialect.Postgres, db)
	return entClient{entSession{d}, d}
}

func (s entSession) exec(ctx context.Context, query string, args ...any) (int64, error) {
	var result sql.Result
	if err := s.Exec(ctx, sqlx.Rebind(sqlx.DOLLAR, query), args, &result); err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s entSession) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	var rows entsql.Rows
	if err := s.Query(ctx, sqlx.Rebind(sqlx.DOLLAR, query), args, &rows); err != nil {
		return nil, err
	}
	return rows.ColumnScanner.(*sql.Rows), nil
}

func (c entClient) transact(ctx context.Context, opts *sql.TxOptions, fn func(session) error) error {
	tx, err := c.driver.BeginTx(ctx, opts)
	if err != nil {
		return err
	}
	if err := fn(entSession{tx}); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}
