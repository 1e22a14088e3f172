package stratumpgx

import (
	"context"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Exec runs sql, which may be several statements if it has no arguments, in the scope of ctx.
func (db *DB) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	for retried := false; ; retried = true {
		u, err := db.acquire(ctx)
		if err != nil {
			return pgconn.CommandTag{}, err
		}
		tag, err := u.conn.Exec(ctx, sql, args...)
		err = u.explain(err)
		retry := !retried && u.again(ctx, err)
		u.release()
		if !retry {
			return tag, err
		}
	}
}

// Query runs sql in the scope of ctx and streams its rows. The rows must be read to
// their end or closed; only then does the connection go back. As with pgx, the error
// may be ignored in favour of that of the rows.
func (db *DB) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	for retried := false; ; retried = true {
		u, err := db.acquire(ctx)
		if err != nil {
			return failedRows{err}, err
		}
		rows, err := u.conn.Query(ctx, sql, args...)
		if err == nil {
			return u.rows(rows, true), nil
		}
		err = u.explain(err)
		retry := !retried && u.again(ctx, err)
		u.release()
		if !retry {
			return failedRows{err}, err
		}
	}
}

// QueryRow runs sql in the scope of ctx and returns its first row. Scan must be
// called: it gives the connection back. Without a row it returns [pgx.ErrNoRows].
func (db *DB) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := db.Query(ctx, sql, args...)
	if s, ok := rows.(*scopedRows); ok {
		return (*scopedRow)(s)
	}
	return failedRow{err}
}

// SendBatch sends all queries of b in one flush, as one transaction in the scope of
// ctx. The results must be closed. A batch that begins a transaction with
// [pgx.Batch.BeginTx] can do so in the default isolation level only: the scope stands
// in front of it. Use [DB.BeginTx] for another level.
func (db *DB) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	u, err := db.acquire(ctx)
	if err != nil {
		return failedBatch{err}
	}
	return u.batch(u.conn.SendBatch(ctx, b), true)
}

// CopyTo runs sql, a COPY … TO STDOUT statement, in the scope of ctx and writes what
// it yields to w. Only the tenant's own rows come.
func (db *DB) CopyTo(ctx context.Context, w io.Writer, sql string) (pgconn.CommandTag, error) {
	u, err := db.acquire(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer u.release()
	tag, err := u.conn.PgConn().CopyTo(ctx, w, sql)
	return tag, u.explain(err)
}

// CopyFrom is the bulk load of pgx for protected tables; see [Conn.CopyFrom].
func (db *DB) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	u, err := db.acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer u.release()
	return u.copyFrom(ctx, table, columns, src)
}
