package differential_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/uptrace/bun"
)

// bunItem is the table as bun's model.
type bunItem struct {
	bun.BaseModel `bun:"table:items,alias:i"`

	ID    int64 `bun:",pk,autoincrement"`
	Code  string
	Qty   *int
	Price sql.NullString
	Doc   map[string]any `bun:"type:jsonb"`
	Tags  []string       `bun:",array"`
	Made  time.Time      `bun:",nullzero,default:'2026-01-02 03:04:05+00'"`
}

// TestBun is about what only bun shows.
func TestBun(t *testing.T) {
	t.Parallel()
	compare(t, openBun, bunCases)
}

func (s *side) bun() *bun.DB { return s.client.(bunClient).db }

// did traces the outcome of a statement of bun.
func (s *side) did(label string, result sql.Result, err error, values ...any) {
	n, err := affected(result, err)
	s.trace.add(label, append([]any{n, err}, values...)...)
}

var bunCases = []testCase{
	{name: "insert and select", want: `inserted \| int64 1 \| nil`, run: func(s *side) {
		one := &bunItem{Code: "b1", Doc: map[string]any{"a": []any{1, nil, "it's"}}, Tags: []string{"x y", `"`, ""}}
		result, err := s.bun().NewInsert().Model(one).Exec(s.ctx)
		s.did("inserted", result, err, one.ID > 0, one.Made)
		many := []*bunItem{{Code: "b2"}, {Code: "b3"}}
		result, err = s.bun().NewInsert().Model(&many).Returning("id, code").Exec(s.ctx)
		s.did("bulk", result, err, many[1].ID-many[0].ID)
		found := new(bunItem)
		err = s.bun().NewSelect().Model(found).Where("code = ?", "b1").Scan(s.ctx)
		s.trace.add("selected", err, found.Doc, found.Tags, found.Qty, found.Price, found.Made)
		s.trace.add("missing", s.bun().NewSelect().Model(found).Where("code = ?", "not ours").Scan(s.ctx))
		var all []bunItem
		n, err := s.bun().NewSelect().Model(&all).Where("code like 'b_'").Order("code").Limit(2).ScanAndCount(s.ctx)
		s.trace.add("scan and count", n, err, len(all))
		yes, err := s.bun().NewSelect().Model(found).Where("code = 'b1'").Exists(s.ctx)
		s.trace.add("exists", yes, err)
		var maps []map[string]any
		err = s.bun().NewSelect().Table("items").Column("code", "qty", "tags", "doc", "price").Where("code like 'b_'").Order("code").Scan(s.ctx, &maps)
		s.trace.add("maps", err, maps)
	}},
	{name: "update and delete", want: `bulk \| int64 2 \| nil`, run: func(s *side) {
		three, four := 3, 4
		many := []bunItem{{Code: "b2", Qty: &three}, {Code: "b3", Qty: &four}}
		result, err := s.bun().NewUpdate().With("v", s.bun().NewValues(&many)).Model((*bunItem)(nil)).TableExpr("v").Set("qty = v.qty").Where("i.code = v.code").Exec(s.ctx)
		s.did("bulk", result, err)
		var codes []string
		result, err = s.bun().NewDelete().Model((*bunItem)(nil)).Where("code like 'b_'").Where("qty > 3").Returning("code").Exec(s.ctx, &codes)
		s.did("deleted", result, err, codes)
		result, err = s.bun().NewDelete().Model((*bunItem)(nil)).Where("code = ?", "not ours").Exec(s.ctx)
		s.did("none", result, err)
	}},
	{name: "conflicts", want: `23505`, run: func(s *side) {
		result, err := s.bun().NewInsert().Model(&bunItem{Code: "b1"}).Exec(s.ctx)
		s.did("unique", result, err)
		one := &bunItem{Code: "b1"}
		result, err = s.bun().NewInsert().Model(one).On("CONFLICT (code) DO UPDATE").Set("qty = EXCLUDED.qty").Returning("id").Exec(s.ctx)
		s.did("upsert", result, err, one.ID > 0)
		result, err = s.bun().NewInsert().Model(&bunItem{Code: "b1"}).Ignore().Exec(s.ctx)
		s.did("ignored", result, err)
	}},
	{name: "nested transactions", want: `left \| int64 1`, run: func(s *side) {
		err := s.bun().RunInTx(s.ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			result, err := tx.NewInsert().Model(&bunItem{Code: "bt1"}).Exec(ctx)
			s.did("outer", result, err)
			s.trace.add("inner", tx.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				result, err := tx.NewInsert().Model(&bunItem{Code: "bt2"}).Exec(ctx)
				s.did("insert", result, err)
				result, err = tx.NewInsert().Model(&bunItem{Code: "bt2"}).Exec(ctx)
				s.did("again", result, err)
				return errStop
			}))
			return nil
		})
		n, countErr := s.bun().NewSelect().Model((*bunItem)(nil)).Where("code like 'bt_'").Count(s.ctx)
		s.trace.add("left", n, err, countErr)
	}},
	{name: "raw and scan", want: `numbers \| nil`, run: func(s *side) {
		var numbers []int64
		s.trace.add("numbers", s.bun().NewRaw("select n from generate_series(1, ?) n", 3).Scan(s.ctx, &numbers), numbers)
		rows, err := s.bun().QueryContext(s.ctx, "select n, n * 1.5 as half from generate_series(1, 2) n")
		s.trace.add("rows", err)
		for rows.Next() {
			m := map[string]any{}
			s.trace.add("row", s.bun().ScanRow(s.ctx, rows, &m), m)
		}
		s.trace.add("end", rows.Err(), rows.Close())
		var text string
		s.trace.add("quoted", s.bun().NewRaw("select ?", "it's \\ -- 'x' ?").Scan(s.ctx, &text), text)
		s.trace.add("wrong type", s.bun().NewRaw("select 'words'").Scan(s.ctx, &numbers))
		s.trace.add("in", s.bun().NewRaw("select count(*) from items where code in (?)", bun.List([]string{"b1", "b2"})).Scan(s.ctx, &numbers), numbers)
		stmt, err := s.bun().PrepareContext(s.ctx, "select $1::int8 * 2")
		s.trace.add("prepare", err)
		var n int64
		s.trace.add("prepared", stmt.QueryRowContext(s.ctx, 21).Scan(&n), n, stmt.Close())
	}},
}
