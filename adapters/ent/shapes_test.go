package stratument_test

import (
	"context"
	"database/sql"
	"fmt"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/customer"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/invoice"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// texts reads the one column that a raw query has.
func texts(ctx context.Context, c interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}, query string) ([]string, error) {
	rows, err := c.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, rows.Err()
}

// one is for queries that may find nothing.
func one(i *ent.Invoice, err error) ([]string, error) {
	if ent.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []string{i.Marker}, nil
}

var readShapes = map[ormtest.Name]shape{
	ormtest.List: list,
	ormtest.Find: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return one(c.Invoice.Get(ctx, a.Own.Invoice))
	},
	ormtest.FindOther: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return one(c.Invoice.Get(ctx, a.Other.Invoice))
	},
	ormtest.ByNumber: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		rows, err := c.Invoice.Query().Where(invoice.Number(a.Own.Number)).All(ctx)
		return invoices(rows), err
	},
	ormtest.Association: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		rows, err := c.Customer.Query().Where(customer.ID(a.Own.Customer)).QueryInvoices().All(ctx)
		return invoices(rows), err
	},
	ormtest.Preload: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		rows, err := c.Customer.Query().WithInvoices(func(q *ent.InvoiceQuery) { q.WithLines() }).All(ctx)
		out := customers(rows)
		for _, c := range rows {
			out = append(out, invoices(c.Edges.Invoices)...)
			for _, i := range c.Edges.Invoices {
				out = append(out, lines(i.Edges.Lines)...)
			}
		}
		return out, err
	},
	ormtest.PreloadMany: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		rows, err := c.Invoice.Query().WithTags().All(ctx)
		out := invoices(rows)
		for _, i := range rows {
			out = append(out, tags(i.Edges.Tags)...)
		}
		return out, err
	},
	ormtest.Join: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		var rows []struct {
			Marker   string `sql:"marker"`
			Customer string `sql:"customer"`
		}
		err := c.Invoice.Query().Modify(func(s *entsql.Selector) {
			t := entsql.Table(customer.Table)
			s.Join(t).On(s.C(invoice.FieldCustomerID), t.C(customer.FieldID))
			s.Select(s.C(invoice.FieldMarker), entsql.As(t.C(customer.FieldMarker), "customer"))
		}).Scan(ctx, &rows)
		var out []string
		for _, r := range rows {
			out = append(out, r.Marker, r.Customer)
		}
		return out, err
	},
	ormtest.Subquery: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		rows, err := c.Customer.Query().Where(func(s *entsql.Selector) {
			t := entsql.Table(invoice.Table)
			billed := entsql.Select(t.C(invoice.FieldCustomerID)).From(t).Where(entsql.IsNull(t.C(invoice.FieldDeletedAt)))
			s.Where(entsql.In(s.C(customer.FieldID), billed))
		}).All(ctx)
		return customers(rows), err
	},
	ormtest.Has: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		rows, err := c.Customer.Query().Where(customer.HasInvoicesWith(invoice.DeletedAtIsNil())).All(ctx)
		return customers(rows), err
	},
	ormtest.Unscoped: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return list(context.WithValue(ctx, deletedToo{}, true), c, a)
	},
	ormtest.RawRead: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		return texts(ctx, c, "with x as (select * from invoice) select marker from x union all select marker from customer")
	},
	ormtest.Iterate: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		return texts(ctx, c, "select marker from invoice where deleted_at is null")
	},
	ormtest.Batches: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		var out []string
		for last := int64(0); ; {
			rows, err := c.Invoice.Query().Where(invoice.IDGT(last)).Order(ent.Asc(invoice.FieldID)).Limit(2).All(ctx)
			if err != nil || len(rows) == 0 {
				return out, err
			}
			out = append(out, invoices(rows)...)
			last = rows[len(rows)-1].ID
		}
	},
}

var figureShapes = map[ormtest.Name]shape{
	ormtest.Count: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		n, err := c.Invoice.Query().Count(ctx)
		return []string{fmt.Sprint(n)}, err
	},
	ormtest.Sum: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		sum, err := c.Invoice.Query().Aggregate(ent.Sum(invoice.FieldTotal)).String(ctx)
		return []string{sum}, err
	},
	ormtest.GroupBy: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		var rows []struct {
			Status string
			Count  int
		}
		err := c.Invoice.Query().GroupBy(invoice.FieldStatus).Aggregate(ent.Count()).Scan(ctx, &rows)
		var out []string
		for _, r := range rows {
			out = append(out, fmt.Sprintf("%s=%d", r.Status, r.Count))
		}
		return out, err
	},
}
