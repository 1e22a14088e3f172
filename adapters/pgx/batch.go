package stratumpgx

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// scopedBatch are the results of a batch together with the unit of work they end.
type scopedBatch struct {
	results pgx.BatchResults
	unit    unit
	tx      *Tx  // begun by the batch: it ends the unit
	owned   bool // closing the results ends the unit
	closed  bool
	err     error
}

// batch wraps results. owned says that closing them gives the connection back.
func (u unit) batch(results pgx.BatchResults, owned bool) pgx.BatchResults {
	b := &scopedBatch{results: results, unit: u, owned: owned}
	if tx := results.Tx(); tx != nil {
		b.tx = &Tx{tx: tx, unit: u, owned: owned}
		b.owned = false
	}
	return b
}

func (b *scopedBatch) Exec() (pgconn.CommandTag, error) {
	tag, err := b.results.Exec()
	return tag, b.unit.explain(err)
}

func (b *scopedBatch) Query() (pgx.Rows, error) {
	rows, err := b.results.Query()
	return partRows{rows, b.unit}, b.unit.explain(err)
}

func (b *scopedBatch) QueryRow() pgx.Row { return partRow{b.results.QueryRow(), b.unit} }

// Close gives the connection back, once: after an error a second Close of pgx's own
// would race with the connection's next user.
func (b *scopedBatch) Close() error {
	if b.closed {
		return b.err
	}
	b.closed = true
	b.err = b.unit.explain(b.results.Close())
	if b.owned {
		b.unit.release()
	}
	return b.err
}

// Tx returns the transaction begun by the batch, or nil.
func (b *scopedBatch) Tx() pgx.Tx {
	if b.tx == nil {
		return nil
	}
	return b.tx
}

// partRows are the rows of a query that is only a part of its unit of work.
type partRows struct {
	pgx.Rows
	unit unit
}

func (r partRows) Err() error { return r.unit.explain(r.Rows.Err()) }

// Conn returns nil: a raw connection is to be had from WithConn only.
func (r partRows) Conn() *pgx.Conn { return nil }

// partRow is the row of such a query.
type partRow struct {
	row  pgx.Row
	unit unit
}

func (r partRow) Scan(dest ...any) error { return r.unit.explain(r.row.Scan(dest...)) }

// failedBatch are the results of a batch that never ran.
type failedBatch struct{ err error }

func (b failedBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, b.err }
func (b failedBatch) Query() (pgx.Rows, error)         { return failedRows(b), b.err }
func (b failedBatch) QueryRow() pgx.Row                { return failedRow(b) }
func (b failedBatch) Close() error                     { return b.err }
func (b failedBatch) Tx() pgx.Tx                       { return nil }

var errDriverBytes = errors.New("cannot scan into *pgtype.DriverBytes from QueryRow")
