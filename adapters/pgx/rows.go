package stratumpgx

import (
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// rowsChunk is how many scopedRows a connection allocates at once, so that a query
// costs no allocation of ours. They are used once each: a caller that closes its rows
// twice must not meet those of the next one.
const rowsChunk = 64

// scopedRows are the rows of one query in its unit of work.
type scopedRows struct {
	pgx.Rows
	unit  unit
	owned bool // they end the unit
	done  bool
	err   error // of the rows, when done
}

// rows wraps rows. owned says that closing them gives the connection back.
func (u unit) rows(rows pgx.Rows, owned bool) *scopedRows {
	l := linkOf(u.conn)
	if len(l.rows) == 0 {
		l.rows = make([]scopedRows, rowsChunk)
	}
	r := &l.rows[0]
	l.rows = l.rows[1:]
	r.Rows, r.unit, r.owned = rows, u, owned
	return r
}

func (r *scopedRows) Close() {
	r.Rows.Close()
	if !r.done {
		r.done = true
		r.err = r.explained() // as long as the connection is ours
		if r.owned {
			r.unit.release()
		}
	}
}

func (r *scopedRows) Next() bool {
	if r.done {
		return false
	}
	if !r.Rows.Next() {
		r.Close()
		return false
	}
	return true
}

func (r *scopedRows) Scan(dest ...any) error {
	err := r.Rows.Scan(dest...)
	if err != nil {
		r.Close()
	}
	return err
}

func (r *scopedRows) Values() ([]any, error) {
	v, err := r.Rows.Values()
	if err != nil {
		r.Close()
	}
	return v, err
}

func (r *scopedRows) Err() error {
	if r.done {
		return r.err
	}
	return r.explained()
}

func (r *scopedRows) explained() error {
	if err := r.Rows.Err(); err != nil {
		return r.unit.explain(err)
	}
	return nil
}

// Conn returns nil: a raw connection is to be had from WithConn only.
func (r *scopedRows) Conn() *pgx.Conn { return nil }

// scopedRow is the first of some rows.
type scopedRow scopedRows

// Scan follows [pgx.Row]: the first row, or [pgx.ErrNoRows].
func (r *scopedRow) Scan(dest ...any) error {
	rows := (*scopedRows)(r)
	defer rows.Close() // also when a Scan method of the caller panics
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	for _, d := range dest {
		if _, ok := d.(*pgtype.DriverBytes); ok {
			return errDriverBytes
		}
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}

// part are the rows of a query that is only a part of its unit of work.
func (u unit) part(rows pgx.Rows, err error) (pgx.Rows, error) {
	if err != nil {
		err = u.explain(err)
		return failedRows{err}, err
	}
	return u.rows(rows, false), nil
}

// partRow is the row of such a query.
type partRow struct {
	row  pgx.Row
	unit unit
}

func (r partRow) Scan(dest ...any) error { return r.unit.explain(r.row.Scan(dest...)) }

// failedRows are the rows of a query that never ran.
type failedRows struct{ err error }

func (failedRows) Close()                                       {}
func (r failedRows) Err() error                                 { return r.err }
func (failedRows) CommandTag() pgconn.CommandTag                { return pgconn.CommandTag{} }
func (failedRows) FieldDescriptions() []pgconn.FieldDescription { return nil }
func (failedRows) Next() bool                                   { return false }
func (r failedRows) Scan(...any) error                          { return r.err }
func (r failedRows) Values() ([]any, error)                     { return nil, r.err }
func (failedRows) RawValues() [][]byte                          { return nil }
func (failedRows) Conn() *pgx.Conn                              { return nil }
func (failedRows) TypeMap() *pgtype.Map                         { return nil }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

var errDriverBytes = errors.New("cannot scan into *pgtype.DriverBytes from QueryRow")
