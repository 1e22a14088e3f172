package stratumpgx

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/core"
)

// copyDirect is up to how many rows single inserts in one batch are quicker than a
// temporary table, whose making and dropping costs about 1 ms and dead catalog rows.
const copyDirect = 50

// copies numbers the temporary tables, so that two in one transaction do not meet.
var copies atomic.Uint64

// copyFrom is CopyFrom on the unit's connection, in its transaction if there is one.
func (u unit) copyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	if len(columns) == 0 || len(table) == 0 {
		return 0, core.Errorf(core.Validation, "CopyFrom needs the name of a table and of at least one column")
	}
	first := &bufferedSource{src: src}
	if err := first.read(copyDirect + 1); err != nil {
		return 0, err
	}
	l := linkOf(u.conn)
	marks := l.Marks()
	c := copyJob{unit: u, table: table.Sanitize(), columns: columns}
	for i, name := range columns {
		if i > 0 {
			c.list += ", "
		}
		c.list += pgx.Identifier{name}.Sanitize()
	}
	var n int64
	var err error
	if len(first.rows) <= copyDirect && u.knowsTypes() || len(first.rows) == 0 {
		n, err = c.insert(ctx, first.rows)
	} else {
		n, err = c.stage(ctx, first)
	}
	if err == nil {
		l.SetMarks(marks) // what we left is dropped again
	}
	return n, err
}

// knowsTypes says whether queries are described before they are executed. If not,
// only COPY encodes values by the types of the columns.
func (u unit) knowsTypes() bool {
	mode := u.conn.Config().DefaultQueryExecMode
	return mode != pgx.QueryExecModeExec && mode != pgx.QueryExecModeSimpleProtocol
}

type copyJob struct {
	unit        unit
	table, list string
	columns     []string
}

// insert sends the rows as a batch of single inserts.
func (c copyJob) insert(ctx context.Context, rows [][]any) (n int64, err error) {
	var params strings.Builder
	for i := range c.columns {
		fmt.Fprintf(&params, ", $%d", i+1)
	}
	sql := "insert into " + c.table + " (" + c.list + ") overriding system value values (" + params.String()[2:] + ")"
	b := &pgx.Batch{}
	for _, row := range rows {
		b.Queue(sql, row...).Exec(func(tag pgconn.CommandTag) error {
			n += tag.RowsAffected()
			return nil
		})
	}
	if err := c.unit.conn.SendBatch(ctx, b).Close(); err != nil {
		return 0, c.unit.explain(err)
	}
	return n, nil
}

// stage copies the rows into a temporary table and inserts them from there. Outside
// a transaction it opens one, so that the load is whole or not at all.
func (c copyJob) stage(ctx context.Context, src pgx.CopyFromSource) (n int64, err error) {
	conn := c.unit.conn
	name := pgx.Identifier{"pg_temp", fmt.Sprintf("stratum_copy_%d", copies.Add(1))}
	open, done := "", ""
	if conn.PgConn().TxStatus() == 'I' {
		open, done = "begin; ", "; commit"
		defer func() {
			if err != nil && !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
				_, _ = conn.Exec(context.WithoutCancel(ctx), "rollback")
			}
		}()
	}
	_, err = conn.Exec(ctx, open+"create temporary table "+name[1:].Sanitize()+" on commit drop as select "+c.list+" from "+c.table+" with no data", pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return 0, explainStage(err)
	}
	if _, err = conn.CopyFrom(ctx, name, c.columns, src); err != nil {
		return 0, err
	}
	results, err := conn.PgConn().Exec(ctx, "insert into "+c.table+" ("+c.list+") overriding system value select "+c.list+" from "+name.Sanitize()+
		"; drop table "+name.Sanitize()+done).ReadAll()
	if err != nil {
		return 0, err
	}
	return results[0].CommandTag.RowsAffected(), nil
}

func explainStage(err error) error {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		switch {
		case pe.Code == "25006":
			return fmt.Errorf("CopyFrom writes, and this transaction is read-only: %w", err)
		case pe.Code == "42501" && strings.Contains(pe.Message, "temporary"):
			return fmt.Errorf("CopyFrom needs a temporary table, and the login has no TEMP on this database: %w", err)
		}
	}
	return err
}

// bufferedSource reads the first rows ahead, to learn whether there are many.
type bufferedSource struct {
	src  pgx.CopyFromSource
	rows [][]any
	next int
}

func (s *bufferedSource) read(n int) error {
	for len(s.rows) < n && s.src.Next() {
		row, err := s.src.Values()
		if err != nil {
			return err
		}
		s.rows = append(s.rows, append([]any(nil), row...))
	}
	return s.src.Err()
}

func (s *bufferedSource) Next() bool {
	if s.next < len(s.rows) {
		s.next++
		return true
	}
	s.next = len(s.rows) + 1
	return s.src.Next()
}

func (s *bufferedSource) Values() ([]any, error) {
	if s.next <= len(s.rows) {
		return s.rows[s.next-1], nil
	}
	return s.src.Values()
}

func (s *bufferedSource) Err() error { return s.src.Err() }
