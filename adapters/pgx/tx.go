package stratumpgx

import (
	"context"
	"errors"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Tx is a transaction in the scope it was begun with. It implements [pgx.Tx]. Each
// call compares its context with that scope: another tenant, placement or mode is
// [core.ErrTenantMismatch], and a context that says nothing about tenancy inherits.
type Tx struct {
	tx    pgx.Tx
	unit  unit
	owned bool // ending the transaction gives the connection back
	ended bool
}

// Begin starts a transaction in the scope of ctx.
func (db *DB) Begin(ctx context.Context) (pgx.Tx, error) { return db.BeginTx(ctx, pgx.TxOptions{}) }

// BeginTx starts a transaction in the scope of ctx, in one round trip. As with pgx,
// ctx is for the start only; cancelling it later does not end the transaction.
func (db *DB) BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error) {
	for retried := false; ; retried = true {
		u, err := db.acquire(ctx)
		if err != nil {
			return nil, err
		}
		tx, err := u.conn.BeginTx(ctx, opts)
		if err == nil {
			return &Tx{tx: tx, unit: u, owned: true}, nil
		}
		err = u.explain(err)
		retry := !retried && u.again(ctx, err)
		u.release()
		if !retry {
			return nil, err
		}
	}
}

// BeginFunc runs fn in a transaction in the scope of ctx: it is committed if fn
// returns nil, and rolled back if fn returns an error or panics.
func (db *DB) BeginFunc(ctx context.Context, fn func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, db, fn)
}

// BeginTxFunc is [DB.BeginFunc] with options.
func (db *DB) BeginTxFunc(ctx context.Context, opts pgx.TxOptions, fn func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, db, opts, fn)
}

// Begin starts a nested transaction, a savepoint. The scope survives rolling back to it.
func (t *Tx) Begin(ctx context.Context) (pgx.Tx, error) {
	if err := t.unit.check(ctx); err != nil {
		return nil, err
	}
	tx, err := t.tx.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return &Tx{tx: tx, unit: t.unit}, nil
}

// Commit commits the transaction, or releases the savepoint.
func (t *Tx) Commit(ctx context.Context) error {
	if err := t.unit.check(ctx); err != nil {
		return err
	}
	return t.end(t.unit.explain(t.tx.Commit(ctx)))
}

// Rollback rolls back the transaction, or to the savepoint. It is allowed in any
// context: undoing touches nobody's data, and must never be what fails.
func (t *Tx) Rollback(ctx context.Context) error {
	return t.end(t.tx.Rollback(ctx))
}

// end gives the connection back when the transaction is over, however it ended.
func (t *Tx) end(err error) error {
	if !t.owned || t.ended {
		return err
	}
	if err == nil || errors.Is(err, pgx.ErrTxCommitRollback) || t.unit.conn.IsClosed() || t.unit.conn.PgConn().TxStatus() == 'I' {
		t.ended = true
		t.unit.release()
	}
	return err
}

// Exec is [pgx.Tx.Exec].
func (t *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if err := t.unit.check(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := t.tx.Exec(ctx, sql, args...)
	return tag, t.unit.explain(err)
}

// Query is [pgx.Tx.Query].
func (t *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if err := t.unit.check(ctx); err != nil {
		return failedRows{err}, err
	}
	return t.unit.part(t.tx.Query(ctx, sql, args...))
}

// QueryRow is [pgx.Tx.QueryRow].
func (t *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	if err := t.unit.check(ctx); err != nil {
		return failedRow{err}
	}
	return partRow{t.tx.QueryRow(ctx, sql, args...), t.unit}
}

// SendBatch is [pgx.Tx.SendBatch].
func (t *Tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if err := t.unit.check(ctx); err != nil {
		return failedBatch{err}
	}
	return t.unit.batch(t.tx.SendBatch(ctx, b), false)
}

// CopyFrom is [Conn.CopyFrom] inside the transaction.
func (t *Tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	if err := t.unit.check(ctx); err != nil {
		return 0, err
	}
	return t.unit.copyFrom(ctx, table, columns, src)
}

// CopyTo is [DB.CopyTo] inside the transaction.
func (t *Tx) CopyTo(ctx context.Context, w io.Writer, sql string) (pgconn.CommandTag, error) {
	if err := t.unit.check(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := t.unit.conn.PgConn().CopyTo(ctx, w, sql)
	return tag, t.unit.explain(err)
}

// Prepare is [pgx.Tx.Prepare].
func (t *Tx) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	if err := t.unit.check(ctx); err != nil {
		return nil, err
	}
	return t.tx.Prepare(ctx, name, sql)
}

// LargeObjects is [pgx.Tx.LargeObjects]. Row-level security does not reach large
// objects: whoever knows the number of one can read it.
func (t *Tx) LargeObjects() pgx.LargeObjects { return t.tx.LargeObjects() }

// Conn returns nil. A raw connection would let work pass without comparing its
// context; use [Tx.WithConn].
func (t *Tx) Conn() *pgx.Conn { return nil }

// WithConn calls fn with the raw connection of the transaction. It runs in the
// transaction's scope whatever context is used on it, and must not be kept.
func (t *Tx) WithConn(ctx context.Context, fn func(*pgx.Conn) error) error {
	if err := t.unit.check(ctx); err != nil {
		return err
	}
	if t.ended {
		return pgx.ErrTxClosed
	}
	return fn(t.unit.conn)
}
