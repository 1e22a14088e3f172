package stratumbun_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// found returns the markers of a query's rows.
func found[T marked](ctx context.Context, q *bun.SelectQuery, rows *[]T) ([]string, error) {
	err := q.Model(rows).Scan(ctx)
	return markers(*rows), err
}

// one is for queries that may find nothing.
func one(ctx context.Context, q *bun.SelectQuery) ([]string, error) {
	var row Invoice
	if err := q.Model(&row).Scan(ctx); errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return []string{row.Marker}, nil
}

// hookedInvoices look for their lines when they have been read.
type hookedInvoice struct {
	Invoice `bun:",extend"`
	found   []*Line
}

var _ bun.AfterSelectHook = (*hookedInvoice)(nil)

func (*hookedInvoice) AfterSelect(ctx context.Context, query *bun.SelectQuery) error {
	for _, i := range *query.GetModel().Value().(*[]*hookedInvoice) {
		if err := query.DB().NewSelect().Model(&i.found).Where("invoice_id = ?", i.ID).Scan(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hookedCustomer writes a tag when it has been written.
type hookedCustomer struct {
	Customer `bun:",extend"`
}

var _ bun.AfterInsertHook = (*hookedCustomer)(nil)

func (*hookedCustomer) AfterInsert(ctx context.Context, query *bun.InsertQuery) error {
	marker := query.GetModel().Value().(*hookedCustomer).Marker + "-hook"
	return insert(ctx, query.DB(), &Tag{Name: marker, Marker: marker})
}

var readShapes = map[ormtest.Name]shape{
	ormtest.List: list,
	ormtest.Find: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		return one(ctx, b.NewSelect().Where("id = ?", a.Own.Invoice))
	},
	ormtest.FindOther: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		return one(ctx, b.NewSelect().Where("id = ?", a.Other.Invoice))
	},
	ormtest.ByNumber: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		return found(ctx, b.NewSelect().Where("number = ?", a.Own.Number), new([]Invoice))
	},
	ormtest.Association: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		c := Customer{ID: a.Own.Customer}
		err := b.NewSelect().Model(&c).Relation("Invoices").WherePK().Scan(ctx)
		return markers(c.Invoices), err
	},
	ormtest.Preload: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		var rows []Customer
		err := b.NewSelect().Model(&rows).Relation("Invoices.Lines").Scan(ctx)
		out := markers(rows)
		for _, c := range rows {
			out = append(out, markers(c.Invoices)...)
			for _, i := range c.Invoices {
				out = append(out, markers(i.Lines)...)
			}
		}
		return out, err
	},
	ormtest.PreloadMany: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		var rows []Invoice
		err := b.NewSelect().Model(&rows).Relation("Tags").Scan(ctx)
		out := markers(rows)
		for _, i := range rows {
			out = append(out, markers(i.Tags)...)
		}
		return out, err
	},
	ormtest.Join: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		var rows []Invoice
		err := b.NewSelect().Model(&rows).Relation("Customer").Scan(ctx)
		out := markers(rows)
		for _, i := range rows {
			out = append(out, i.Customer.Marker)
		}
		return out, err
	},
	ormtest.Subquery: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		billed := b.NewSelect().Model((*Invoice)(nil)).Column("customer_id")
		return found(ctx, b.NewSelect().Where("id in (?)", billed), new([]Customer))
	},
	ormtest.Has: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		bill := b.NewSelect().Model((*Invoice)(nil)).ColumnExpr("1").Where("invoice.customer_id = customer.id")
		return found(ctx, b.NewSelect().Where("exists (?)", bill), new([]Customer))
	},
	ormtest.Unscoped: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		var rows []Invoice
		err := b.NewSelect().Model(&rows).WhereAllWithDeleted().Scan(ctx)
		return markers(rows), err
	},
	ormtest.RawRead: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		var out []string
		err := b.NewRaw("with x as (select * from invoice) select marker from x union all select marker from customer").Scan(ctx, &out)
		return out, err
	},
	ormtest.Batches: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		var out []string
		for last := int64(0); ; {
			var rows []Invoice
			err := b.NewSelect().Model(&rows).Where("id > ?", last).Order("id").Limit(2).Scan(ctx)
			if err != nil || len(rows) == 0 {
				return out, err
			}
			out = append(out, markers(rows)...)
			last = rows[len(rows)-1].ID
		}
	},
	ormtest.HookRead: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		var rows []*hookedInvoice
		err := b.NewSelect().Model(&rows).Scan(ctx)
		out := markers(rows)
		for _, i := range rows {
			out = append(out, markers(i.found)...)
		}
		return out, err
	},
}

var figureShapes = map[ormtest.Name]shape{
	ormtest.Count: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		n, err := b.NewSelect().Model((*Invoice)(nil)).Count(ctx)
		return []string{fmt.Sprint(n)}, err
	},
	ormtest.Sum: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		var sum string
		err := b.NewSelect().Model((*Invoice)(nil)).ColumnExpr("sum(total)").Scan(ctx, &sum)
		return []string{sum}, err
	},
	ormtest.GroupBy: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		var rows []struct {
			Status string
			N      int
		}
		err := b.NewSelect().Model((*Invoice)(nil)).Column("status").ColumnExpr("count(*) as n").Group("status").Scan(ctx, &rows)
		var out []string
		for _, r := range rows {
			out = append(out, fmt.Sprintf("%s=%d", r.Status, r.N))
		}
		return out, err
	},
}
