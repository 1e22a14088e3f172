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
	if b.closed {
		return pgconn.CommandTag{}, errBatchClosed
	}
	tag, err := b.results.Exec()
	return tag, b.unit.explain(err)
}

func (b *scopedBatch) Query() (pgx.Rows, error) {
	if b.closed {
		return failedRows{errBatchClosed}, errBatchClosed
	}
	return b.unit.part(b.results.Query())
}

func (b *scopedBatch) QueryRow() pgx.Row {
	if b.closed {
		return failedRow{errBatchClosed}
	}
	return partRow{b.results.QueryRow(), b.unit}
}

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

// failedBatch are the results of a batch that never ran.
type failedBatch struct{ err error }

func (b failedBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, b.err }
func (b failedBatch) Query() (pgx.Rows, error)         { return failedRows(b), b.err }
func (b failedBatch) QueryRow() pgx.Row                { return failedRow(b) }
func (b failedBatch) Close() error                     { return b.err }
func (b failedBatch) Tx() pgx.Tx                       { return nil }

// errBatchClosed is pgx's own sentence. After Close the connection is somebody else's.
var errBatchClosed = errors.New("batch already closed")
