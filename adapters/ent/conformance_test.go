package stratument_test

import (
	"context"
	"testing"

	"github.com/stratum-hq/stratum-go/adapters/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/invoice"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

func TestConformance(t *testing.T) {
	ormtest.Run(t, ormtest.ORM{
		Open: func(t testing.TB, conns int) ormtest.DB {
			d := database(t)
			db, wire := scoped(t, d, conns)
			driver := stratument.Driver(db)
			plain, hooked := ent.NewClient(ent.Driver(driver)), ent.NewClient(ent.Driver(driver))
			softly(plain)
			softly(hooked)
			hooks(hooked)
			return ormtest.DB{Admin: sqlDB(t, d, embedpg.Superuser), Wire: wire, Shapes: shapes(plain, hooked)}
		},
		NotApplicable: map[ormtest.Name]string{
			ormtest.Prepared: "ent prepares no statements of its own; pgx does, below it, for all shapes",
			ormtest.Nested:   "ent refuses a transaction in a transaction; savepoints are SQL there",
		},
	})
}

// deletedToo is the key of a context in which deleted invoices are read too.
type deletedToo struct{}

// softly hides deleted invoices, in the way of ent's manual. Interceptors do not
// reach predicates over edges, which is why those say it themselves.
func softly(c *ent.Client) {
	c.Invoice.Intercept(ent.TraverseFunc(func(ctx context.Context, q ent.Query) error {
		if ctx.Value(deletedToo{}) == nil {
			q.(*ent.InvoiceQuery).Where(invoice.DeletedAtIsNil())
		}
		return nil
	}))
}

// hooks query and write by themselves.
func hooks(c *ent.Client) {
	c.Invoice.Intercept(ent.InterceptFunc(func(next ent.Querier) ent.Querier {
		return ent.QuerierFunc(func(ctx context.Context, q ent.Query) (ent.Value, error) {
			v, err := next.Query(ctx, q)
			if rows, ok := v.([]*ent.Invoice); ok && err == nil {
				for _, i := range rows {
					if i.Edges.Lines, err = i.QueryLines().All(ctx); err != nil {
						return nil, err
					}
				}
			}
			return v, err
		})
	}))
	c.Customer.Use(func(next ent.Mutator) ent.Mutator {
		return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
			v, err := next.Mutate(ctx, m)
			if created, ok := v.(*ent.Customer); ok && err == nil {
				marker := created.Marker + "-hook"
				err = m.(*ent.CustomerMutation).Client().Tag.Create().SetName(marker).SetMarker(marker).Exec(ctx)
			}
			return v, err
		})
	})
}

// shape is one of ent.
type shape = func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error)

func shapes(plain, hooked *ent.Client) map[ormtest.Name]ormtest.Shape {
	out := map[ormtest.Name]ormtest.Shape{
		ormtest.Forgotten: func(_ context.Context, a ormtest.Args) ([]string, error) {
			return list(context.Background(), plain, a)
		},
		ormtest.HookRead: func(ctx context.Context, _ ormtest.Args) ([]string, error) {
			rows, err := hooked.Invoice.Query().All(ctx)
			out := invoices(rows)
			for _, i := range rows {
				out = append(out, lines(i.Edges.Lines)...)
			}
			return out, err
		},
		ormtest.HookWrite: func(ctx context.Context, a ormtest.Args) ([]string, error) {
			return []string{a.Fresh, a.Fresh + "-hook"}, newCustomer(hooked, a.Fresh).Exec(ctx)
		},
	}
	for _, family := range []map[ormtest.Name]shape{readShapes, figureShapes, insertShapes, changeShapes, upsertShapes, refusedShapes, transactionShapes} {
		for name, s := range family {
			out[name] = func(ctx context.Context, a ormtest.Args) ([]string, error) { return s(ctx, plain, a) }
		}
	}
	return out
}

func markersOf[T any](rows []T, marker func(T) string) []string {
	var out []string
	for _, r := range rows {
		out = append(out, marker(r))
	}
	return out
}

func customers(rows []*ent.Customer) []string {
	return markersOf(rows, func(c *ent.Customer) string { return c.Marker })
}

func invoices(rows []*ent.Invoice) []string {
	return markersOf(rows, func(i *ent.Invoice) string { return i.Marker })
}

func lines(rows []*ent.Line) []string {
	return markersOf(rows, func(l *ent.Line) string { return l.Marker })
}

func tags(rows []*ent.Tag) []string {
	return markersOf(rows, func(t *ent.Tag) string { return t.Marker })
}

func list(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
	rows, err := c.Invoice.Query().All(ctx)
	return invoices(rows), err
}

func allCustomers(ctx context.Context, c *ent.Client) ([]string, error) {
	rows, err := c.Customer.Query().All(ctx)
	return customers(rows), err
}

// newCustomer is a customer of nobody yet.
func newCustomer(c *ent.Client, marker string) *ent.CustomerCreate {
	return c.Customer.Create().SetEmail(marker).SetMarker(marker)
}

func newInvoice(c *ent.Client, marker string, of int64) *ent.InvoiceCreate {
	return c.Invoice.Create().SetCustomerID(of).SetNumber(marker).SetTotal("10.00").SetStatus("open").SetMarker(marker)
}
