package differential_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// TestSQL is about what only database/sql itself shows.
func TestSQL(t *testing.T) {
	t.Parallel()
	compare(t, openSQL, slices.Concat(statements, arguing, connections, byDesign))
}

var statements = []testCase{
	{name: "prepared", want: `second \| int64 2`, run: func(s *side) {
		stmt, err := s.db.PrepareContext(s.ctx, "select $1::int8 + 1 as v")
		s.trace.add("prepare", err)
		for label, arg := range []any{1, nil, "12", "words"} {
			rows, err := stmt.QueryContext(s.ctx, arg)
			s.rows(fmt.Sprint("run ", label), rows, err)
		}
		var v int64
		s.trace.add("second", int64(2), stmt.QueryRowContext(s.ctx, 1).Scan(&v), v)
		tx, err := s.db.BeginTx(s.ctx, nil)
		s.trace.add("begin", err)
		s.trace.add("in a transaction", tx.StmtContext(s.ctx, stmt).QueryRowContext(s.ctx, 5).Scan(&v), v, tx.Rollback())
		s.trace.add("close", stmt.Close(), stmt.Close())
		_, err = stmt.ExecContext(s.ctx, 1)
		s.trace.add("after close", err)
	}},
	{name: "prepared in a transaction", want: `after \| error`, run: func(s *side) {
		tx, err := s.db.BeginTx(s.ctx, nil)
		s.trace.add("begin", err)
		stmt, err := tx.PrepareContext(s.ctx, "insert into items (code, qty) values ($1, $2)")
		s.trace.add("prepare", err)
		for _, qty := range []int{1, 2, -1} {
			n, err := affected(stmt.ExecContext(s.ctx, fmt.Sprint("p", qty), qty))
			s.trace.add("exec", n, err)
		}
		s.trace.add("rollback", tx.Rollback())
		_, err = stmt.ExecContext(s.ctx, "p3", 3)
		s.trace.add("after", err)
	}},
	{name: "no last insert id", want: `LastInsertId is not supported`, run: func(s *side) {
		result, err := s.db.ExecContext(s.ctx, "insert into items (code) values ('li') returning id")
		s.trace.add("exec", err)
		id, err := result.LastInsertId()
		s.trace.add("id", id, err)
	}},
	{name: "several statements", want: `rollback \| `, run: func(s *side) {
		simple := pgx.QueryExecModeSimpleProtocol
		n, err := affected(s.db.ExecContext(s.ctx, "insert into items (code) values ('m1'), ('m2'); delete from items where code = 'm1'", simple))
		s.trace.add("exec", n, err)
		n, err = affected(s.db.ExecContext(s.ctx, "insert into items (code) values ('m3'); select 1 / 0", simple))
		s.trace.add("rollback", n, err)
		rows, err := s.db.QueryContext(s.ctx, "select code from items where code like 'm_'", simple)
		s.rows("left", rows, err)
		rows, err = s.db.QueryContext(s.ctx, "select 1; select 2", simple)
		s.trace.add("two results", err)
		if err == nil {
			s.trace.add("next", rows.Next(), rows.Next(), rows.NextResultSet(), rows.Err(), rows.Close())
		}
		rows, err = s.db.QueryContext(s.ctx, "select $1::text, $2::int, $3::timestamptz, $4::bytea -- it's", simple, "it's \\", 7, "2024-01-01", []byte{1, 0})
		s.rows("values", rows, err)
		_, err = s.db.ExecContext(s.ctx, "select 1,, 2", simple)
		s.trace.add("position", err)
	}},
	{name: "modes", want: `row \| int64 3`, run: func(s *side) {
		for _, mode := range []pgx.QueryExecMode{
			pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
		} {
			rows, err := s.db.QueryContext(s.ctx, "select $1::int8 + 1, $2::text, $3::numeric", mode, 2, "t", "1.5")
			s.rows(mode.String(), rows, err)
			_, err = s.db.ExecContext(s.ctx, "select $1::int8 +", mode, 2)
			s.trace.add("error", err)
		}
	}},
}

var arguing = []testCase{
	{name: "wrong number of arguments", want: `expected 2 arguments, got 1`, run: func(s *side) {
		for _, args := range [][]any{nil, {1}, {1, 2}, {1, 2, 3}} {
			rows, err := s.db.QueryContext(s.ctx, "select $1::int8, $2::int8", args...)
			s.rows(fmt.Sprint(len(args)), rows, err)
			_, err = s.db.ExecContext(s.ctx, "select $1::int8, $2::int8", args...)
			s.trace.add("exec", err)
		}
	}},
	{name: "named", want: `row \| int64 1`, run: func(s *side) {
		rows, err := s.db.QueryContext(s.ctx, "select @a::int8, @b::text", pgx.NamedArgs{"a": 1, "b": "x"})
		s.rows("pgx", rows, err)
		rows, err = s.db.QueryContext(s.ctx, "select $1::int8", sql.Named("a", 1))
		s.rows("sql", rows, err)
		_, err = s.db.ExecContext(s.ctx, "select $1::int8", sql.Out{})
		s.trace.add("out", err)
		_, err = s.db.ExecContext(s.ctx, "select $1::int8", chan int(nil))
		s.trace.add("channel", err)
	}},
	{name: "very many", want: `65536.*error`, run: func(s *side) {
		for _, n := range []int{65535, 65536} {
			query := "select count(*) from (values ($1::int8)" + repeat(2, n, ",($%d)") + ") v"
			args := make([]any, n)
			for i := range args {
				args[i] = i
			}
			var count int64
			s.trace.add(fmt.Sprint(n), s.db.QueryRowContext(s.ctx, query, args...).Scan(&count), count)
		}
	}},
	{name: "wide rows", want: `columns \| int 1600`, run: func(s *side) {
		rows, err := s.db.QueryContext(s.ctx, "select 1"+repeat(2, 1600, ",%d"))
		s.trace.add("query", err)
		columns, err := rows.Columns()
		s.trace.add("columns", len(columns), err, rows.Close())
		rows, err = s.db.QueryContext(s.ctx, "select 1"+repeat(2, 1700, ",%d"))
		s.rows("too many", rows, err)
	}},
	{name: "slices and pgtype", want: `\[a b\]`, run: func(s *side) {
		m := pgtype.NewMap()
		var texts []string
		var numbers []int32
		var interval pgtype.Interval
		var numeric pgtype.Numeric
		var span pgtype.Range[pgtype.Int4]
		for _, c := range []struct {
			query string
			arg   any
			dest  any
		}{
			{"select $1::text[]", []string{"a", "b"}, m.SQLScanner(&texts)},
			{"select $1::int4[]", []int32{1, 2}, m.SQLScanner(&numbers)},
			{"select $1::int4[]", []string{"1", "x"}, m.SQLScanner(&numbers)},
			{"select array_length($1::int4[], 1)::text::text[]", []int32{}, m.SQLScanner(&texts)},
			{"select $1::interval", pgtype.Interval{Months: 1, Valid: true}, &interval},
			{"select $1::numeric", pgtype.Numeric{NaN: true, Valid: true}, &numeric},
			{"select $1::int4range", pgtype.Range[pgtype.Int4]{Lower: pgtype.Int4{Int32: 1, Valid: true}, LowerType: pgtype.Inclusive, UpperType: pgtype.Unbounded, Valid: true}, m.SQLScanner(&span)},
		} {
			err := s.db.QueryRowContext(s.ctx, c.query, c.arg).Scan(c.dest)
			s.trace.add(c.query, err, texts, numbers, interval, numeric, span)
		}
	}},
}

// repeat is format for each of from to to.
func repeat(from, to int, format string) string {
	var b strings.Builder
	for i := from; i <= to; i++ {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

var connections = []testCase{
	{name: "pinned", want: `ErrConnDone`, run: func(s *side) {
		conn, err := s.db.Conn(s.ctx)
		s.trace.add("conn", err, conn.PingContext(s.ctx))
		_, err = conn.ExecContext(s.ctx, "create temporary table mine (a int); insert into mine values (1)", pgx.QueryExecModeSimpleProtocol)
		s.trace.add("temporary table", err)
		rows, err := conn.QueryContext(s.ctx, "select a from mine")
		s.rows("kept", rows, err)
		tx, err := conn.BeginTx(s.ctx, nil)
		s.trace.add("begin", err)
		_, err = tx.ExecContext(s.ctx, "drop table mine")
		s.trace.add("drop", err, tx.Commit())
		s.trace.add("close", conn.Close(), conn.Close())
		_, err = conn.ExecContext(s.ctx, "select 1")
		s.trace.add("after", err)
	}},
	{name: "terminated in a transaction from outside", want: `ErrBadConn`, run: func(s *side) {
		tx, err := s.db.BeginTx(s.ctx, nil)
		s.trace.add("begin", err)
		s.terminate(tx)
		_, err = tx.ExecContext(s.ctx, "insert into items (code) values ('z1')")
		s.trace.add("exec", err)
		s.trace.add("commit", tx.Commit())
		s.trace.add("rollback", tx.Rollback())
	}},
	{name: "transaction done", want: `ErrTxDone`, run: func(s *side) {
		tx, err := s.db.BeginTx(s.ctx, nil)
		s.trace.add("begin", err, tx.Commit(), tx.Commit(), tx.Rollback())
		_, err = tx.ExecContext(s.ctx, "select 1")
		s.trace.add("exec", err)
		ctx, cancel := context.WithCancel(s.ctx)
		tx, err = s.db.BeginTx(ctx, nil)
		s.trace.add("begin", err)
		cancel()
		_, err = tx.ExecContext(s.ctx, "select 1")
		s.trace.add("canceled", errors.Is(err, context.Canceled) || errors.Is(err, sql.ErrTxDone)) // which, is a race in database/sql
	}},
	{name: "rows open in a transaction", want: `busy . error`, run: func(s *side) {
		tx, err := s.db.BeginTx(s.ctx, nil)
		s.trace.add("begin", err)
		rows, err := tx.QueryContext(s.ctx, "select n from generate_series(1, 3) n")
		s.trace.add("query", err, rows.Next())
		_, err = tx.ExecContext(s.ctx, "select 1")
		s.trace.add("busy", err)
		s.trace.add("close", rows.Close(), tx.Commit())
	}},
	{name: "left in a transaction", want: `nothing of it . int64 0`, run: func(s *side) {
		_, err := s.db.ExecContext(s.ctx, "begin; insert into items (code) values ('left')", pgx.QueryExecModeSimpleProtocol)
		s.trace.add("begin", err)
		n, err := affected(s.db.ExecContext(s.ctx, "delete from items where code = 'left'"))
		s.trace.add("nothing of it", n, err)
	}},
	{name: "serialization failure", want: `40001`, run: func(s *side) {
		_, err := s.db.ExecContext(s.ctx, "insert into items (code, qty) values ('w', 0) on conflict do nothing")
		s.trace.add("row", err)
		opts := &sql.TxOptions{Isolation: sql.LevelSerializable}
		one, err1 := s.db.BeginTx(s.ctx, opts)
		two, err2 := s.db.BeginTx(s.ctx, opts)
		s.trace.add("begin", err1, err2)
		var qty int
		s.trace.add("read", one.QueryRowContext(s.ctx, "select qty from items where code = 'w'").Scan(&qty), two.QueryRowContext(s.ctx, "select qty from items where code = 'w'").Scan(&qty))
		_, err1 = one.ExecContext(s.ctx, "update items set qty = qty + 1 where code = 'w'")
		s.trace.add("first", err1, one.Commit())
		_, err2 = two.ExecContext(s.ctx, "update items set qty = qty + 1 where code = 'w'")
		s.trace.add("second", err2, two.Commit())
	}},
	{name: "one row", want: `sql.ErrNoRows`, run: func(s *side) {
		var n int
		s.trace.add("none", s.db.QueryRowContext(s.ctx, "select 1 where false").Scan(&n))
		s.trace.add("several", s.db.QueryRowContext(s.ctx, "select n from generate_series(4, 6) n").Scan(&n), n)
		s.trace.add("null", s.db.QueryRowContext(s.ctx, "select null::int").Scan(&n))
		s.trace.add("too few", s.db.QueryRowContext(s.ctx, "select 1, 2").Scan(&n))
		s.trace.add("error", s.db.QueryRowContext(s.ctx, "select 1 / 0").Err())
	}},
	{name: "limits of the handle", want: `DeadlineExceeded|true`, run: func(s *side) {
		s.db.SetMaxOpenConns(1)
		defer s.db.SetMaxOpenConns(0)
		conn, err := s.db.Conn(s.ctx)
		s.trace.add("the only one", err, s.db.Stats().OpenConnections, s.db.Stats().InUse)
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		_, err = s.db.ExecContext(ctx, "select 1")
		s.trace.add("none free", err, errors.Is(err, context.Canceled), conn.Close(), s.db.Stats().InUse)
	}},
}

// byDesign is what the scoped driver does otherwise, and why.
var byDesign = []testCase{
	{name: "statements that need a transaction", want: `25P01`, differs: "a scoped statement is in an implicit transaction together with its scope",
		run: func(s *side) { s.exec("lock", "lock table items in access share mode") }},
	{name: "statements that refuse a transaction", want: `42501|nil`, differs: "VACUUM cannot run behind a scope; the error says that core.System is the place for it",
		run: func(s *side) { s.exec("vacuum", "vacuum items") }},
	{name: "prepared badly", want: `prepare \| error`, differs: "a prepared statement is its text until it is executed, so its error comes then, and PostgreSQL counts its arguments",
		run: func(s *side) {
			stmt, err := s.db.PrepareContext(s.ctx, "selec 1")
			s.trace.add("prepare", err)
			if err == nil {
				_, err = stmt.ExecContext(s.ctx)
				s.trace.add("exec", err, stmt.Close())
			}
		}},
	{name: "prepared with the wrong number of arguments", want: `sql: expected 2 arguments, got 1`, differs: "pgx counts, as without Prepare, not database/sql",
		run: func(s *side) {
			stmt, err := s.db.PrepareContext(s.ctx, "select $1::int8, $2::int8")
			s.trace.add("prepare", err)
			_, err = stmt.ExecContext(s.ctx, 1)
			s.trace.add("exec", err, stmt.Close())
		}},
	{name: "pinned and terminated", want: `ErrBadConn`, differs: "database/sql would execute again, on ErrBadConn, what the server may have executed already",
		run: func(s *side) {
			conn, err := s.db.Conn(s.ctx)
			s.trace.add("conn", err)
			defer func() { _ = conn.Close() }()
			s.terminate(conn)
			_, err = conn.ExecContext(s.ctx, "select 1")
			s.trace.add("exec", err)
			_, err = conn.ExecContext(s.ctx, "select 1")
			s.trace.add("again", err)
		}},
	{name: "raw connection", want: `stdlib`, differs: "Conn.Raw yields a *stratumpgx.DriverConn, whose WithConn gives the *pgx.Conn in its scope",
		run: func(s *side) {
			conn, err := s.db.Conn(s.ctx)
			s.trace.add("conn", err)
			s.trace.add("raw", conn.Raw(func(dc any) error {
				s.trace.add(fmt.Sprintf("%T", dc))
				return nil
			}), conn.Close(), fmt.Sprintf("%T", s.db.Driver()))
		}},
	{name: "session settings", want: `row \| string 7MB`, differs: "a session is cleaned before its next user",
		run: func(s *side) {
			s.db.SetMaxOpenConns(1)
			defer s.db.SetMaxOpenConns(0)
			s.exec("set", "set work_mem = '7MB'")
			s.query("show", "select current_setting('work_mem')")
		}},
}

// terminate ends the session of a connection or transaction from outside, and waits
// until the server says that it is gone.
func (s *side) terminate(of interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}) {
	s.t.Helper()
	var pid int
	if err := of.QueryRowContext(s.ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
		s.t.Fatal(err)
	}
	var gone bool
	if err := s.admin.QueryRow(s.ctx, "select pg_terminate_backend($1, 10000)", pid).Scan(&gone); err != nil || !gone {
		s.t.Fatal("the session did not end: ", err)
	}
}
