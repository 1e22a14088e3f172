package callers_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// sqlcShape is one of generated code.
type sqlcShape = func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error)

func sqlcShapes(q sqlc) map[ormtest.Name]ormtest.Shape {
	out := map[ormtest.Name]ormtest.Shape{
		ormtest.Forgotten: func(context.Context, ormtest.Args) ([]string, error) { return q.ListInvoices(context.Background()) },
	}
	for _, family := range []map[ormtest.Name]sqlcShape{sqlcReads, sqlcInserts, sqlcChanges, sqlcRefused, sqlcTransactions} {
		for name, s := range family {
			out[name] = func(ctx context.Context, a ormtest.Args) ([]string, error) { return s(ctx, q, a) }
		}
	}
	return out
}

// maybe is for queries that may find nothing.
func maybe(marker string, err error) ([]string, error) {
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return []string{marker}, err
}

func figure[T any](n T, err error) ([]string, error) { return []string{fmt.Sprint(n)}, err }

var sqlcReads = map[ormtest.Name]sqlcShape{
	ormtest.List: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) { return q.ListInvoices(ctx) },
	ormtest.Find: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return maybe(q.FindInvoice(ctx, a.Own.Invoice))
	},
	ormtest.FindOther: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return maybe(q.FindInvoice(ctx, a.Other.Invoice))
	},
	ormtest.ByNumber: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return q.InvoicesByNumber(ctx, a.Own.Number)
	},
	ormtest.Association: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return q.InvoicesOfCustomer(ctx, a.Own.Customer)
	},
	ormtest.Join:     func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) { return q.InvoicesJoined(ctx) },
	ormtest.Subquery: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) { return q.BilledCustomers(ctx) },
	ormtest.Has: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) {
		return q.CustomersWithInvoice(ctx)
	},
	ormtest.Unscoped: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) { return q.AllInvoices(ctx) },
	ormtest.RawRead:  func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) { return q.EverythingWithCTE(ctx) },
	ormtest.Count: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) {
		return figure(q.CountInvoices(ctx))
	},
	ormtest.Sum:     func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) { return figure(q.SumInvoices(ctx)) },
	ormtest.GroupBy: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) { return q.CountByStatus(ctx) },
	ormtest.Batches: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) {
		var out []string
		for last := int64(0); ; {
			ids, err := q.InvoicesAfter(ctx, last, 2)
			if err != nil || len(ids) == 0 {
				return out, err
			}
			for _, id := range ids {
				marker, err := q.FindInvoice(ctx, id)
				if err != nil {
					return nil, err
				}
				out, last = append(out, marker), id
			}
		}
	},
	ormtest.Prepared: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) {
		first, err := q.ListInvoices(ctx)
		if err != nil {
			return nil, err
		}
		second, err := q.ListInvoices(ctx)
		return append(first, second...), err
	},
}

// add inserts a customer.
func (q sqlc) add(ctx context.Context, email, marker string, stated ...core.ID) (int64, error) {
	tenant, err := stamped(ctx, stated...)
	if err != nil {
		return 0, err
	}
	return q.InsertCustomer(ctx, tenant, email, marker)
}

var sqlcInserts = map[ormtest.Name]sqlcShape{
	ormtest.Insert: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		_, err := q.add(ctx, a.Fresh, a.Fresh)
		return []string{a.Fresh}, err
	},
	ormtest.InsertStated: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		_, err := q.add(ctx, a.Fresh, a.Fresh, a.Own.Tenant.ID)
		return []string{a.Fresh}, err
	},
	ormtest.InsertBatch: func(ctx context.Context, q sqlc, a ormtest.Args) (out []string, err error) {
		err = q.within(ctx, func(q sqlc, _ func(string) error) error {
			for n := range 3 {
				out = append(out, fmt.Sprintf("%s-%d", a.Fresh, n+1))
				if _, err := q.add(ctx, out[n], out[n]); err != nil {
					return err
				}
			}
			return nil
		})
		return out, err
	},
	ormtest.InsertGraph: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		m := []string{a.Fresh, a.Fresh + "-invoice", a.Fresh + "-line", a.Fresh + "-tag"}
		err := q.within(ctx, func(q sqlc, _ func(string) error) error {
			tenant, err := stamped(ctx)
			if err != nil {
				return err
			}
			c, err := q.InsertCustomer(ctx, tenant, m[0], m[0])
			if err != nil {
				return err
			}
			i, err := q.InsertInvoice(ctx, tenant, c, m[1], "10.00")
			if err != nil {
				return err
			}
			t, err := q.InsertTag(ctx, tenant, m[3], m[3])
			if err != nil {
				return err
			}
			return errors.Join(q.InsertLine(ctx, tenant, i, m[2]), q.TagInvoice(ctx, tenant, i, t))
		})
		return m, err
	},
	ormtest.UpsertNothing: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		tenant, err := stamped(ctx)
		if err != nil {
			return nil, err
		}
		return nil, q.KeepCustomer(ctx, tenant, a.Own.Email, a.Fresh)
	},
	ormtest.UpsertUpdate: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		tenant, err := stamped(ctx)
		if err != nil {
			return nil, err
		}
		return maybe(q.UpsertCustomer(ctx, tenant, a.Own.Email, a.Fresh))
	},
	ormtest.UpsertSkipOther: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		tenant, err := stamped(ctx)
		if err != nil {
			return nil, err
		}
		_, err = q.InsertCustomerWithID(ctx, a.Other.Customer, tenant, a.Fresh, a.Fresh)
		return nil, err
	},
}

var sqlcChanges = map[ormtest.Name]sqlcShape{
	ormtest.Update: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return maybe(q.MarkInvoice(ctx, a.Fresh, a.Own.Invoice))
	},
	ormtest.UpdateOther: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return figure(q.SetStatus(ctx, a.Other.Invoice, "void"))
	},
	ormtest.UpdateAll: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) {
		return figure(q.SetAllStatuses(ctx, "void"))
	},
	ormtest.RawWrite: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) {
		return figure(q.SetEveryStatus(ctx, "void"))
	},
	ormtest.Delete: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return figure(q.DeleteLine(ctx, a.Own.Line))
	},
	ormtest.DeleteOther: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return figure(q.DeleteLine(ctx, a.Other.Line))
	},
	ormtest.DeleteAll: func(ctx context.Context, q sqlc, _ ormtest.Args) ([]string, error) {
		return figure(q.DeleteAllLines(ctx))
	},
	ormtest.SoftDelete: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return nil, q.SoftDeleteInvoice(ctx, a.Own.Invoice)
	},
}

var sqlcRefused = map[ormtest.Name]sqlcShape{
	ormtest.InsertOther: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		_, err := q.add(ctx, a.Fresh, a.Fresh, a.Other.Tenant.ID)
		return nil, err
	},
	ormtest.Move: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return nil, q.MoveInvoice(ctx, a.Own.Invoice, a.Other.Tenant.ID)
	},
	ormtest.UpsertOther: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		tenant, err := stamped(ctx)
		if err != nil {
			return nil, err
		}
		return nil, q.UpsertCustomerByID(ctx, a.Other.Customer, tenant, a.Fresh, a.Fresh)
	},
	ormtest.ReferOther: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		tenant, err := stamped(ctx)
		if err != nil {
			return nil, err
		}
		_, err = q.InsertInvoice(ctx, tenant, a.Other.Customer, a.Fresh, "10.00")
		return nil, err
	},
	ormtest.SwitchTenant: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		return nil, q.within(ctx, func(q sqlc, _ func(string) error) error {
			if _, err := q.add(ctx, a.Fresh, a.Fresh); err != nil {
				return err
			}
			_, err := q.ListInvoices(a.Other.As(ctx))
			return err
		})
	},
}

var errUndo = errors.New("undo")

var sqlcTransactions = map[ormtest.Name]sqlcShape{
	ormtest.Transaction: func(ctx context.Context, q sqlc, a ormtest.Args) (seen []string, err error) {
		err = q.within(ctx, func(q sqlc, _ func(string) error) (err error) {
			if _, err = q.add(ctx, a.Fresh, a.Fresh); err == nil {
				seen, err = q.ListCustomers(ctx)
			}
			return err
		})
		return seen, err
	},
	ormtest.Rollback: func(ctx context.Context, q sqlc, a ormtest.Args) (seen []string, err error) {
		err = q.within(ctx, func(q sqlc, _ func(string) error) (err error) {
			if _, err = q.add(ctx, a.Fresh, a.Fresh); err != nil {
				return err
			}
			if seen, err = q.ListCustomers(ctx); err != nil {
				return err
			}
			return errUndo
		})
		if errors.Is(err, errUndo) {
			err = nil
		}
		return seen, err
	},
	ormtest.Nested: func(ctx context.Context, q sqlc, a ormtest.Args) (seen []string, err error) {
		err = q.within(ctx, func(q sqlc, _ func(string) error) error {
			if _, err := q.add(ctx, a.Fresh+"-1", a.Fresh+"-1"); err != nil {
				return err
			}
			err := q.within(ctx, func(q sqlc, _ func(string) error) error {
				if _, err := q.add(ctx, a.Fresh+"-2", a.Fresh+"-2"); err != nil {
					return err
				}
				return errUndo
			})
			if !errors.Is(err, errUndo) {
				return err
			}
			seen, err = q.ListCustomers(ctx)
			return err
		})
		return seen, err
	},
	ormtest.Savepoint: func(ctx context.Context, q sqlc, a ormtest.Args) (seen []string, err error) {
		err = q.within(ctx, func(q sqlc, exec func(string) error) error {
			if err := exec("savepoint here"); err != nil {
				return err
			}
			if _, err := q.add(ctx, a.Fresh, a.Fresh); err != nil {
				return err
			}
			if err := exec("rollback to savepoint here"); err != nil {
				return err
			}
			seen, err = q.ListCustomers(ctx)
			return err
		})
		return seen, err
	},
	ormtest.Panic: func(ctx context.Context, q sqlc, a ormtest.Args) ([]string, error) {
		err := func() (err error) {
			defer func() { _ = recover() }()
			return q.within(ctx, func(q sqlc, _ func(string) error) error {
				if _, err = q.add(ctx, a.Fresh, a.Fresh); err != nil {
					return err
				}
				panic("on purpose")
			})
		}()
		if err != nil {
			return nil, err
		}
		return q.ListCustomers(ctx)
	},
}
