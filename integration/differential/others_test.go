package differential_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/sqlgraph"
	"entgo.io/ent/schema/field"
	"github.com/jmoiron/sqlx"
)

// TestEnt is about ent's driver and the graph layer that its generated code calls.
func TestEnt(t *testing.T) {
	t.Parallel()
	compare(t, openEnt, entCases)
}

func (s *side) ent() *entsql.Driver { return s.client.(entClient).driver }

// fields are the assignments of one row.
func fields(code string, qty int) []*sqlgraph.FieldSpec {
	return []*sqlgraph.FieldSpec{
		{Column: "code", Type: field.TypeString, Value: code},
		{Column: "qty", Type: field.TypeInt, Value: qty},
		{Column: "doc", Type: field.TypeJSON, Value: []byte(`{"a": 1}`)},
	}
}

func creation(code string, qty int) *sqlgraph.CreateSpec {
	return &sqlgraph.CreateSpec{Table: "items", ID: &sqlgraph.FieldSpec{Column: "id", Type: field.TypeInt}, Fields: fields(code, qty)}
}

// constraint traces an error as ent's generated code sees it.
func (s *side) constraint(label string, err error, values ...any) {
	s.trace.add(label, append([]any{err, sqlgraph.IsConstraintError(err), sqlgraph.IsUniqueConstraintError(err), sqlgraph.IsForeignKeyConstraintError(err), sqlgraph.IsCheckConstraintError(err)}, values...)...)
}

// entTx is the driver that generated code makes of a transaction.
type entTx struct{ dialect.ExecQuerier }

func (tx entTx) Tx(context.Context) (dialect.Tx, error) { return dialect.NopTx(tx), nil }
func (entTx) Dialect() string                           { return dialect.Postgres }
func (entTx) Close() error                              { return nil }

var entCases = []testCase{
	{name: "create", want: `unique \| error.*bool true \| bool true`, run: func(s *side) {
		spec := creation("e1", 1)
		s.constraint("one", sqlgraph.CreateNode(s.ctx, s.ent(), spec), fmt.Sprintf("%T", spec.ID.Value))
		s.constraint("unique", sqlgraph.CreateNode(s.ctx, s.ent(), creation("e1", 1)))
		s.constraint("check", sqlgraph.CreateNode(s.ctx, s.ent(), creation("e2", -1)))
		batch := &sqlgraph.BatchCreateSpec{Nodes: []*sqlgraph.CreateSpec{creation("e3", 3), creation("e4", 4)}}
		s.constraint("batch", sqlgraph.BatchCreate(s.ctx, s.ent(), batch), fmt.Sprintf("%T", batch.Nodes[1].ID.Value))
		note := &sqlgraph.CreateSpec{Table: "notes", Fields: []*sqlgraph.FieldSpec{{Column: "item", Type: field.TypeInt, Value: 987654321}}, ID: &sqlgraph.FieldSpec{Column: "id", Type: field.TypeUUID, Value: "0190a000-0000-7000-8000-00000000000a"}}
		s.constraint("foreign key", sqlgraph.CreateNode(s.ctx, s.ent(), note))
	}},
	{name: "query, update, delete", want: `deleted \| int 2`, run: func(s *side) {
		b := entsql.Dialect(dialect.Postgres)
		where := entsql.Like("code", "e_")
		query, args := b.Select("code", "qty", "doc").From(entsql.Table("items")).Where(where).OrderBy("code").Query()
		var rows entsql.Rows
		s.trace.add("query", s.ent().Query(s.ctx, query, args, &rows))
		s.rows("items", rows.ColumnScanner.(*sql.Rows), nil)
		rows = entsql.Rows{}
		s.trace.add("again", s.ent().Query(s.ctx, query, args, &rows))
		var scanned []struct {
			Code string
			Qty  sql.NullInt64
			Doc  []byte
		}
		s.trace.add("scanned", entsql.ScanSlice(rows, &scanned), scanned, rows.Close())
		update := &sqlgraph.UpdateSpec{
			Node:      &sqlgraph.NodeSpec{Table: "items", Columns: []string{"id", "qty"}, ID: &sqlgraph.FieldSpec{Column: "id", Type: field.TypeInt}},
			Fields:    sqlgraph.FieldMut{Set: []*sqlgraph.FieldSpec{{Column: "qty", Type: field.TypeInt, Value: 9}}},
			Predicate: func(sel *entsql.Selector) { sel.Where(entsql.In("code", "e3", "e4")) },
		}
		n, err := sqlgraph.UpdateNodes(s.ctx, s.ent(), update)
		s.trace.add("updated", n, err)
		n, err = sqlgraph.DeleteNodes(s.ctx, s.ent(), &sqlgraph.DeleteSpec{Node: update.Node, Predicate: update.Predicate})
		s.trace.add("deleted", n, err)
	}},
	{name: "transactions", want: `rolled back \| nil`, run: func(s *side) {
		tx, err := s.ent().Tx(s.ctx)
		s.trace.add("begin", err)
		s.constraint("create", sqlgraph.CreateNode(s.ctx, entTx{tx}, creation("e7", 7)))
		s.trace.add("rolled back", tx.Rollback(), tx.Commit())
		var result sql.Result
		s.trace.add("exec", s.ent().Exec(s.ctx, "delete from items where code = $1", []any{"e7"}, &result))
		n, err := result.RowsAffected()
		s.trace.add("left", n, err)
		s.trace.add("wrong arguments", s.ent().Exec(s.ctx, "select 1", "not a slice", &result), s.ent().Query(s.ctx, "select 1", []any{}, &result))
	}},
}

// TestSQLX is about what only sqlx shows.
func TestSQLX(t *testing.T) {
	t.Parallel()
	compare(t, openSQLX, sqlxCases)
}

type sqlxItem struct {
	ID    int64
	Code  string
	Qty   sql.NullInt32
	Label *string
}

func (s *side) sqlx() *sqlx.DB { return s.client.(sqlxClient).db }

var sqlxCases = []testCase{
	{name: "named", want: `exec \| int64 2 \| nil`, run: func(s *side) {
		items := []sqlxItem{{Code: "x1"}, {Code: "x2", Qty: sql.NullInt32{Int32: 2, Valid: true}}}
		n, err := affected(s.sqlx().NamedExecContext(s.ctx, "insert into items (code, qty, label) values (:code, :qty, :label)", items))
		s.trace.add("exec", n, err)
		rows, err := s.sqlx().NamedQueryContext(s.ctx, "select id, code, qty, label from items where code = :code", map[string]any{"code": "x2"})
		s.trace.add("query", err)
		for rows.Next() {
			var one sqlxItem
			s.trace.add("row", rows.StructScan(&one), one.Code, one.Qty, one.Label)
		}
		s.trace.add("end", rows.Err(), rows.Close())
		_, err = s.sqlx().NamedExecContext(s.ctx, "insert into items (code) values (:nothing)", map[string]any{})
		s.trace.add("unnamed", err)
		stmt, err := s.sqlx().PrepareNamedContext(s.ctx, "select code from items where code = :code")
		s.trace.add("prepare", err)
		var code string
		s.trace.add("prepared", stmt.GetContext(s.ctx, &code, map[string]any{"code": "x1"}), code, stmt.Close())
	}},
	{name: "get and select", want: `none \| error .*sql.ErrNoRows`, run: func(s *side) {
		var one sqlxItem
		s.trace.add("get", s.sqlx().GetContext(s.ctx, &one, "select id, code, qty, label from items where code = $1", "x1"), one.Code, one.Qty)
		s.trace.add("none", s.sqlx().GetContext(s.ctx, &one, "select id, code from items where code = $1", "not ours"))
		s.trace.add("no field", s.sqlx().GetContext(s.ctx, &one, "select code, 1 as other from items where code = 'x1'"))
		var all []sqlxItem
		s.trace.add("select", s.sqlx().SelectContext(s.ctx, &all, "select id, code from items where code like 'x_' order by code"), len(all))
		query, args, err := sqlx.In("select code from items where code in (?) order by 1", []string{"x1", "x2"})
		s.trace.add("in", err)
		var codes []string
		s.trace.add("codes", s.sqlx().SelectContext(s.ctx, &codes, s.sqlx().Rebind(query), args...), codes)
	}},
	{name: "scans", want: `map \| nil`, run: func(s *side) {
		row := s.sqlx().QueryRowxContext(s.ctx, "select 1::int8 as n, 'x'::text as t, null::int as z, '{a}'::text[] as a, 1.5 as d")
		m := map[string]any{}
		s.trace.add("map", row.MapScan(m), m)
		values, err := s.sqlx().QueryRowxContext(s.ctx, "select now() = now(), '\\x01'::bytea").SliceScan()
		s.trace.add("slice", values, err)
		types, err := s.sqlx().QueryRowxContext(s.ctx, "select 1.5::numeric(4, 2)").ColumnTypes()
		s.trace.add("types", err, types[0].DatabaseTypeName())
		tx, err := s.sqlx().BeginTxx(s.ctx, nil)
		s.trace.add("begin", err)
		stmt, err := tx.PreparexContext(s.ctx, "delete from items where code = $1")
		s.trace.add("prepare", err)
		n, err := affected(stmt.ExecContext(s.ctx, "x1"))
		s.trace.add("delete", n, err, tx.Rollback())
	}},
}
