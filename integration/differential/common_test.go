package differential_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestClients runs the programs that every client can run.
func TestClients(t *testing.T) {
	t.Parallel()
	for name, open := range opens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compare(t, open, slices.Concat(writing, violations, transactions, interruptions, values()))
		})
	}
}

var writing = []testCase{
	{name: "rows affected", want: `updated \| int64 2`, run: func(s *side) {
		s.exec("inserted", "insert into items (code, qty) values (?, ?), (?, ?), (?, ?)", "a1", 1, "a2", 2, "a3", 3)
		s.exec("updated", "update items set qty = qty + 1 where code in (?, ?)", "a1", "a2")
		s.exec("none updated", "update items set qty = 0 where code = ?", "not ours")
		s.exec("upserted", "insert into items (code, qty) values (?, 9) on conflict (code) do update set qty = excluded.qty", "a1")
		s.exec("nothing done", "insert into items (code, qty) values (?, 9) on conflict do nothing", "a1")
		s.exec("deleted", "delete from items where code like 'a%'")
		s.exec("DDL", "create temporary table scratch (a int) on commit drop")
		s.exec("nothing", "select 1 where false")
	}},
	{name: "returning", want: `row \| int64 \d+ \| string b1`, run: func(s *side) {
		s.query("insert", "insert into items (code, qty) values (?, 1), (?, 2) returning id, code, made", "b1", "b2")
		s.query("update", "update items set qty = 5 where code = ? returning qty, label", "b1")
		s.query("delete", "delete from items where code in ('b1', 'b2') returning code")
		s.query("CTE", "with w as (insert into items (code) values (?) returning id, code) select code from w", "b3")
	}},
	{name: "no rows", want: `end \| nil \| nil`, run: func(s *side) {
		s.query("none", "select id, code from items where code = ?", "not ours")
		s.query("no columns", "select")
	}},
	{name: "duplicate columns", want: `columns \| \[\]string \[a a \?column\?\]`, run: func(s *side) {
		s.query("same name", "select 1 as a, 'x' as a, null")
	}},
	{name: "comments", want: `row \| (int32|int64) 2`, run: func(s *side) {
		s.query("leading", "/* a; 'b */ -- c\n select 2 -- trailing")
		s.query("nested", "select /* /* ; */ */ 2")
		s.exec("only a comment", "-- nothing")
		s.exec("empty", "")
	}},
	{name: "errors in the text", want: `42601.*Position:8`, run: func(s *side) {
		s.exec("syntax", "selec 1")
		s.query("position", "select , 1")
		s.query("column", "select id, kode from items")
		s.query("table", "select * from nowhere")
		s.query("function", "select nofunction(?)", 1)
		s.exec("two statements", "select 1; select 2")
		s.exec("trailing semicolon", "select 1;")
	}},
	{name: "no privilege", want: `42501`, run: func(s *side) {
		s.exec("create", "create table own (a int)")
		s.exec("truncate", "truncate items")
		s.exec("set role", "set role stratum_owner")
		s.exec("other tenant", "insert into items (tenant_id, code) values (?::uuid, 'other')", "0190a000-0000-7000-8000-00000000000b")
	}},
	{name: "10 MB", want: `10485760`, run: func(s *side) {
		text := strings.Repeat("0123456789abcdef", 10<<20/16)
		s.query("text", "select ?::text as v, length(?::text)", text, text)
		data := bytes.Repeat([]byte{0, 1, 2, 255}, 10<<20/4)
		s.exec("stored", "insert into notes (id, body) values ('00000000-0000-0000-0000-0000000000aa', ?)", data)
		s.query("read", "select body, length(body) from notes where id = '00000000-0000-0000-0000-0000000000aa'")
		s.exec("removed", "delete from notes where id = '00000000-0000-0000-0000-0000000000aa'")
	}},
	{name: "notices", want: `row \| int`, run: func(s *side) { s.query("notice", "select notify(?)", "you") }},
}

var violations = []testCase{
	{name: "unique", want: `23505.*ConstraintName:items_code_key`, run: func(s *side) {
		s.exec("first", "insert into items (code) values ('u1')")
		s.exec("second", "insert into items (code) values ('u1')")
		s.query("returning", "insert into items (code) values ('u1') returning id")
	}},
	{name: "foreign key", want: `23503.*ConstraintName:notes_item_fkey`, run: func(s *side) {
		s.exec("parent missing", "insert into notes (item) values (?)", 987654321)
		s.exec("parent", "insert into items (id, code) values (70001, 'f1')")
		s.exec("child", "insert into notes (item) values (70001)")
		s.exec("parent used", "delete from items where id = 70001")
	}},
	{name: "check", want: `23514.*ConstraintName:items_qty_positive`, run: func(s *side) { s.exec("negative", "insert into items (code, qty) values ('c1', -1)") }},
	{name: "not null", want: `23502.*ColumnName:code`, run: func(s *side) { s.exec("null", "insert into items (code) values (null)") }},
	{name: "domain", want: `23514.*email_has_at`, run: func(s *side) { s.exec("no at", "insert into notes (mail) values (?)", "nobody") }},
	{name: "enum", want: `22P02`, run: func(s *side) { s.exec("unknown", "insert into notes (feeling) values (?::mood)", "angry") }},
	{name: "too long", want: `22001`, run: func(s *side) {
		s.exec("label", "insert into items (code, label) values ('l1', ?)", strings.Repeat("x", 21))
	}},
	{name: "out of range", want: `22003`, run: func(s *side) {
		s.exec("numeric", "insert into items (code, price) values ('n1', 1e12)")
		s.query("division", "select 1 / (?::int)", 0)
		s.query("cast", "select ?::bigint::int2", math.MaxInt64)
	}},
	{name: "while rows are read", want: `22012`, run: func(s *side) { s.query("late", "select 1 / (3 - n) from generate_series(1, 5) n") }},
}

var errStop = errors.New("the program stops")

var transactions = []testCase{
	{name: "commit and rollback", want: `kept \| int64 1`, run: func(s *side) {
		insert := func(code string, end error) error {
			return s.client.transact(s.ctx, nil, func(tx session) error {
				n, err := tx.exec(s.ctx, "insert into items (code) values (?)", code)
				s.trace.add("in transaction", n, err)
				return end
			})
		}
		s.trace.add("committed", insert("t1", nil))
		s.trace.add("rolled back", insert("t2", errStop))
		s.exec("kept", "delete from items where code in ('t1', 't2')")
	}},
	{name: "after an error", want: `25P02`, run: func(s *side) {
		err := s.client.transact(s.ctx, nil, func(tx session) error {
			_, err := tx.exec(s.ctx, "insert into items (code) values (null)")
			s.trace.add("fails", err)
			_, err = tx.exec(s.ctx, "select 1")
			s.trace.add("aborted", err)
			return nil
		})
		s.trace.add("commit", err)
	}},
	{name: "savepoints", want: `row \| (int32|int64) 1`, run: func(s *side) {
		err := s.client.transact(s.ctx, nil, func(tx session) error {
			for _, q := range []string{
				"insert into items (code) values ('s1')", "savepoint one", "insert into items (code) values ('s1')",
				"rollback to savepoint one", "release savepoint one", "release savepoint one",
			} {
				n, err := tx.exec(s.ctx, q)
				s.trace.add(q, n, err)
			}
			return errStop
		})
		s.trace.add("end", err)
		s.query("count", "select 1 + count(*) from items where code = 's1'")
	}},
	{name: "options", want: `25006`, run: func(s *side) {
		for _, opts := range []sql.TxOptions{
			{}, {ReadOnly: true}, {Isolation: sql.LevelReadUncommitted}, {Isolation: sql.LevelReadCommitted},
			{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, {Isolation: sql.LevelSerializable}, {Isolation: sql.LevelLinearizable}, {Isolation: sql.LevelSnapshot},
		} {
			err := s.client.transact(s.ctx, &opts, func(tx session) error {
				rows, err := tx.query(s.ctx, "select current_setting('transaction_isolation'), current_setting('transaction_read_only')")
				s.rows(opts.Isolation.String(), rows, err)
				_, err = tx.exec(s.ctx, "insert into items (code) values ('o1')")
				s.trace.add("write", err)
				return errStop
			})
			s.trace.add("end", err)
		}
	}},
	{name: "deferred constraint", want: `23505.*notes_position_key`, run: func(s *side) {
		s.exec("alone", "insert into notes (position) values (1), (1)")
		s.query("returning", "insert into notes (position) values (1), (1) returning position")
		err := s.client.transact(s.ctx, nil, func(tx session) error {
			_, err := tx.exec(s.ctx, "insert into notes (position) values (2), (2)")
			s.trace.add("not yet", err)
			return err
		})
		s.trace.add("commit", err)
		s.query("none", "select position from notes where position is not null")
	}},
	{name: "outside of one", want: `25P01`, run: func(s *side) {
		s.exec("savepoint", "savepoint one")
		s.exec("set", "set local work_mem = '1MB'")
		s.exec("commit", "commit")
		s.exec("rollback", "rollback")
	}},
}

var interruptions = []testCase{
	{name: "canceled before", want: `context.Canceled`, run: func(s *side) {
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		_, err := s.client.exec(ctx, "select 1")
		s.trace.add("exec", err)
		_, err = s.client.query(ctx, "select 1")
		s.trace.add("query", err)
		s.trace.add("begin", s.client.transact(ctx, nil, func(session) error { return nil }))
	}},
	{name: "deadline", want: `context.DeadlineExceeded`, run: func(s *side) {
		ctx, cancel := context.WithTimeout(s.ctx, 100*time.Millisecond)
		defer cancel()
		_, err := s.client.exec(ctx, "select pg_sleep(60)")
		s.trace.add("exec", err)
		s.query("goes on", "select 1")
	}},
	{name: "deadline in a transaction", want: `context.DeadlineExceeded`, run: func(s *side) {
		err := s.client.transact(s.ctx, nil, func(tx session) error {
			ctx, cancel := context.WithTimeout(s.ctx, 100*time.Millisecond)
			defer cancel()
			_, err := tx.exec(ctx, "select pg_sleep(60)")
			s.trace.add("exec", err)
			_, err = tx.exec(s.ctx, "select 1")
			s.trace.add("next", err)
			return err
		})
		s.trace.add("end", err)
		s.query("goes on", "select 1")
	}},
	{name: "statement timeout", want: `57014`, run: func(s *side) {
		err := s.client.transact(s.ctx, nil, func(tx session) error {
			if _, err := tx.exec(s.ctx, "set local statement_timeout = 50"); err != nil {
				return err
			}
			_, err := tx.exec(s.ctx, "select pg_sleep(60)")
			return err
		})
		s.trace.add("timeout", err)
		s.query("goes on", "select 1")
	}},
	{name: "lock timeout", want: `55P03`, run: func(s *side) {
		if err := exec(s.ctx, s.admin, "begin; lock table items"); err != nil {
			s.t.Fatal(err)
		}
		err := s.client.transact(s.ctx, nil, func(tx session) error {
			if _, err := tx.exec(s.ctx, "set local lock_timeout = 50"); err != nil {
				return err
			}
			_, err := tx.exec(s.ctx, "select * from items")
			return err
		})
		s.trace.add("timeout", err)
		if err := exec(s.ctx, s.admin, "rollback"); err != nil {
			s.t.Fatal(err)
		}
	}},
	{name: "terminated by itself", want: `57P01`, run: func(s *side) {
		s.exec("exec", "select pg_terminate_backend(pg_backend_pid())")
		s.query("query", "select pg_terminate_backend(pg_backend_pid())")
		s.query("goes on", "select 1")
	}},
	{name: "terminated in a transaction", want: `57P01|unexpected EOF|conn closed`, run: func(s *side) {
		err := s.client.transact(s.ctx, nil, func(tx session) error {
			_, err := tx.exec(s.ctx, "select pg_terminate_backend(pg_backend_pid())")
			s.trace.add("exec", err)
			_, err = tx.exec(s.ctx, "select 1")
			s.trace.add("next", err)
			return nil
		})
		s.trace.add("commit", err)
		s.query("goes on", "select 1")
	}},
	{name: "closed early", want: `row \| int`, run: func(s *side) {
		rows, err := s.client.query(s.ctx, "select n, repeat('x', 100) from generate_series(1, 50000) n")
		s.trace.add("open", err)
		var n int
		var text string
		s.trace.add("first", rows.Next(), rows.Scan(&n, &text), n, len(text))
		s.trace.add("close", rows.Close(), rows.Err(), rows.Next())
		s.query("goes on", "select 1")
	}},
	{name: "all of many", want: `sum \| int 312512500`, run: func(s *side) {
		rows, err := s.client.query(s.ctx, "select n from generate_series(1, 25000) n")
		s.trace.add("open", err)
		sum := 0
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				s.trace.add("scan", err)
			}
			sum += n
		}
		s.trace.add("sum", sum, rows.Err(), rows.Close())
	}},
	{name: "scan errors", want: `converting driver.Value type`, run: func(s *side) {
		for _, target := range []any{new(int), new(bool), new(time.Time), new([]byte), new(float64), new(uint8), new(chan int), new(*int), new(sql.NullInt64)} {
			rows, err := s.client.query(s.ctx, "select 'words'::text union all select null")
			if err != nil {
				s.trace.add("open", err)
				continue
			}
			for rows.Next() {
				s.trace.add("scan", rows.Scan(target), target)
			}
			s.trace.add("columns", rows.Scan(), rows.Scan(target, target), rows.Err(), rows.Close())
		}
	}},
}
