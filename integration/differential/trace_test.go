package differential_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A trace is what a program saw, a line each.
type trace []string

// add appends a line: values with their types, errors with all that can be asked of them.
func (tr *trace) add(label string, values ...any) {
	parts := make([]string, 0, len(values)+1)
	parts = append(parts, label)
	for _, v := range values {
		parts = append(parts, show(v))
	}
	*tr = append(*tr, strings.Join(parts, " | "))
}

// maxShown is the length from which values are shown by length and ends.
const maxShown = 2000

func show(v any) string {
	var text string
	switch v := v.(type) {
	case nil:
		return "nil"
	case error:
		return showError(v)
	case time.Time:
		text = "time.Time " + v.Format(time.RFC3339Nano) + " in " + v.Location().String()
	default:
		if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && !rv.IsNil() {
			return "&" + show(rv.Elem().Interface())
		}
		text = fmt.Sprintf("%T %+v", v, v)
	}
	if len(text) > maxShown {
		return fmt.Sprintf("%s… %d bytes …%s", text[:100], len(text), text[len(text)-100:])
	}
	return text
}

// known are the errors that programs test for.
var known = []struct {
	name string
	err  error
}{
	{"sql.ErrNoRows", sql.ErrNoRows}, {"pgx.ErrNoRows", pgx.ErrNoRows}, {"sql.ErrTxDone", sql.ErrTxDone}, {"sql.ErrConnDone", sql.ErrConnDone},
	{"driver.ErrBadConn", driver.ErrBadConn}, {"context.Canceled", context.Canceled},
	{"context.DeadlineExceeded", context.DeadlineExceeded}, {"io.EOF", io.EOF}, {"io.ErrUnexpectedEOF", io.ErrUnexpectedEOF},
}

// showError shows the text, the type and the PgError in an error, and what errors.Is says of it.
func showError(err error) string {
	var is []string
	for _, k := range known {
		if errors.Is(err, k.err) {
			is = append(is, k.name)
		}
	}
	text := fmt.Sprintf("error %T %q is %v", err, err.Error(), is)
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		one := *pe
		one.File, one.Line, one.Routine = "", 0, "" // where in the server's source
		text += fmt.Sprintf(" %+v", one)
	}
	if ce, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		text += fmt.Sprintf(" connect %v", ce)
	}
	return text
}

// rows reads all rows of a result into the trace, each value as database/sql gives it
// to *any, and closes it.
func (s *side) rows(label string, rows *sql.Rows, err error) {
	s.t.Helper()
	if err != nil {
		s.trace.add(label, err)
		return
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	s.trace.add(label+" columns", columns, err)
	for rows.Next() {
		values := make([]any, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		err := rows.Scan(targets...)
		s.trace.add(label+" row", append(values, err)...)
	}
	s.trace.add(label+" end", rows.Err(), rows.Close())
}

// query runs a query of the client and traces its rows.
func (s *side) query(label, query string, args ...any) {
	s.t.Helper()
	rows, err := s.client.query(s.ctx, query, args...)
	s.rows(label, rows, err)
}

// exec runs a statement of the client and traces its outcome.
func (s *side) exec(label, query string, args ...any) {
	s.t.Helper()
	affected, err := s.client.exec(s.ctx, query, args...)
	s.trace.add(label, affected, err)
}
