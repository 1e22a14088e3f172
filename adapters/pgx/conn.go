package stratumpgx

import (
	"context"
	"io"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Conn is a connection of one's own, in the scope it was acquired with. Each call
// compares its context with that scope, as [Tx] does. It is not safe for concurrent
// use, apart from Release.
type Conn struct {
	unit     unit
	released atomic.Bool
}

// Acquire takes a connection out of the pool, in the scope of ctx. It must be released.
func (db *DB) Acquire(ctx context.Context) (*Conn, error) {
	u, err := db.acquire(ctx)
	if err != nil {
		return nil, err
	}
	return &Conn{unit: u}, nil
}

// AcquireFunc calls fn with a connection that is released when fn returns.
func (db *DB) AcquireFunc(ctx context.Context, fn func(*Conn) error) error {
	c, err := db.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	return fn(c)
}

// Release gives the connection back. Calls after the first do nothing.
func (c *Conn) Release() {
	if !c.released.Swap(true) {
		c.unit.release()
	}
}

func (c *Conn) check(ctx context.Context) error {
	if c.released.Load() {
		return errReleased
	}
	return c.unit.check(ctx)
}

// Exec is [DB.Exec] on this connection.
func (c *Conn) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := c.check(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := c.unit.conn.Exec(ctx, sql, args...)
	return tag, c.unit.explain(err)
}

// Query is [DB.Query] on this connection.
func (c *Conn) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := c.check(ctx); err != nil {
		return failedRows{err}, err
	}
	return c.unit.part(c.unit.conn.Query(ctx, sql, args...))
}

// QueryRow is [DB.QueryRow] on this connection.
func (c *Conn) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := c.check(ctx); err != nil {
		return failedRow{err}
	}
	return partRow{c.unit.conn.QueryRow(ctx, sql, args...), c.unit}
}

// SendBatch is [DB.SendBatch] on this connection.
func (c *Conn) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if err := c.check(ctx); err != nil {
		return failedBatch{err}
	}
	return c.unit.batch(c.unit.conn.SendBatch(ctx, b), false)
}

// CopyTo is [DB.CopyTo] on this connection.
func (c *Conn) CopyTo(ctx context.Context, w io.Writer, sql string) (pgconn.CommandTag, error) {
	if err := c.check(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := c.unit.conn.PgConn().CopyTo(ctx, w, sql)
	return tag, c.unit.explain(err)
}

// CopyFrom loads rows in bulk. PostgreSQL refuses COPY FROM on a table with row-level
// security, so the rows are copied into a temporary table and inserted from there, in
// one transaction; a few are inserted directly. It returns the number of rows
// inserted. The login needs TEMP on the database, and SELECT on the columns.
func (c *Conn) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	if err := c.check(ctx); err != nil {
		return 0, err
	}
	return c.unit.copyFrom(ctx, table, columns, src)
}

// Begin is [DB.Begin] on this connection.
func (c *Conn) Begin(ctx context.Context) (pgx.Tx, error) { return c.BeginTx(ctx, pgx.TxOptions{}) }

// BeginTx is [DB.BeginTx] on this connection.
func (c *Conn) BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error) {
	if err := c.check(ctx); err != nil {
		return nil, err
	}
	tx, err := c.unit.conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &Tx{tx: tx, unit: c.unit}, nil
}

// Ping makes sure that the server answers.
func (c *Conn) Ping(ctx context.Context) error {
	if err := c.check(ctx); err != nil {
		return err
	}
	return c.unit.conn.Ping(ctx)
}

// WithConn calls fn with the raw connection, for what only pgx itself offers. It
// runs in this connection's scope whatever context is used on it, and must not be kept.
func (c *Conn) WithConn(ctx context.Context, fn func(*pgx.Conn) error) error {
	if err := c.check(ctx); err != nil {
		return err
	}
	return fn(c.unit.conn)
}
