package stratumbun_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/uptrace/bun"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

func TestConformance(t *testing.T) {
	ormtest.Run(t, ormtest.ORM{Open: func(t testing.TB, conns int) ormtest.DB {
		d := database(t)
		b, wire := open(t, d, conns)
		return ormtest.DB{Admin: sqlDB(t, d, embedpg.Superuser), Wire: wire, Shapes: shapes(b)}
	}})
}

type marked interface{ marker() string }

func (c Customer) marker() string { return c.Marker }
func (i Invoice) marker() string  { return i.Marker }
func (l Line) marker() string     { return l.Marker }
func (t Tag) marker() string      { return t.Marker }

func markers[T marked](rows []T) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.marker())
	}
	return out
}

// shape is one of bun: b is the database or a transaction.
type shape = func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error)

func shapes(b *bun.DB) map[ormtest.Name]ormtest.Shape {
	out := map[ormtest.Name]ormtest.Shape{
		ormtest.Forgotten: func(_ context.Context, a ormtest.Args) ([]string, error) {
			return list(context.Background(), b, a)
		},
		ormtest.Iterate: func(ctx context.Context, _ ormtest.Args) ([]string, error) { return iterate(ctx, b) },
		ormtest.Prepared: func(ctx context.Context, _ ormtest.Args) ([]string, error) {
			stmt, err := b.PrepareContext(ctx, "select marker from invoice where deleted_at is null")
			if err != nil {
				return nil, err
			}
			defer stmt.Close()
			var out []string
			for range 2 {
				rows, err := stmt.QueryContext(ctx)
				if err != nil {
					return nil, err
				}
				var seen []string
				if err := b.ScanRows(ctx, rows, &seen); err != nil {
					return nil, err
				}
				out = append(out, seen...)
			}
			return out, nil
		},
	}
	for _, family := range []map[ormtest.Name]shape{readShapes, figureShapes, insertShapes, changeShapes, upsertShapes, refusedShapes, transactionShapes} {
		for name, s := range family {
			out[name] = func(ctx context.Context, a ormtest.Args) ([]string, error) { return s(ctx, b, a) }
		}
	}
	return out
}

// iterate reads row by row.
func iterate(ctx context.Context, b *bun.DB) ([]string, error) {
	rows, err := b.NewSelect().Model((*Invoice)(nil)).Rows(ctx)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var row Invoice
		if err := b.ScanRow(ctx, rows, &row); err != nil {
			return nil, err
		}
		out = append(out, row.Marker)
	}
	return out, rows.Err()
}

func list(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
	var rows []Invoice
	err := b.NewSelect().Model(&rows).Scan(ctx)
	return markers(rows), err
}

func customers(ctx context.Context, b bun.IDB) ([]string, error) {
	var rows []Customer
	err := b.NewSelect().Model(&rows).Scan(ctx)
	return markers(rows), err
}

// insert inserts one row or a slice of them.
func insert(ctx context.Context, b bun.IDB, model any) error {
	_, err := b.NewInsert().Model(model).Exec(ctx)
	return err
}

var errUndo = errors.New("undo")

var transactionShapes = map[ormtest.Name]shape{
	ormtest.Transaction: func(ctx context.Context, b bun.IDB, a ormtest.Args) (seen []string, err error) {
		err = b.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) (err error) {
			if err = insert(ctx, tx, customer(a.Fresh)); err == nil {
				seen, err = customers(ctx, tx)
			}
			return err
		})
		return seen, err
	},
	ormtest.Rollback: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		tx, err := b.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		if err != nil {
			return nil, err
		}
		defer func() { _ = tx.Rollback() }()
		if err := insert(ctx, tx, customer(a.Fresh)); err != nil {
			return nil, err
		}
		return customers(ctx, tx)
	},
	ormtest.Nested: func(ctx context.Context, b bun.IDB, a ormtest.Args) (seen []string, err error) {
		err = b.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if err := insert(ctx, tx, customer(a.Fresh+"-1")); err != nil {
				return err
			}
			err := tx.RunInTx(ctx, nil, func(ctx context.Context, nested bun.Tx) error {
				if err := insert(ctx, nested, customer(a.Fresh+"-2")); err != nil {
					return err
				}
				return errUndo
			})
			if !errors.Is(err, errUndo) {
				return err
			}
			seen, err = customers(ctx, tx)
			return err
		})
		return seen, err
	},
	ormtest.Savepoint: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		tx, err := b.BeginTx(ctx, nil)
		if err != nil {
			return nil, err
		}
		defer func() { _ = tx.Rollback() }()
		savepoint, err := tx.BeginTx(ctx, nil)
		if err != nil {
			return nil, err
		}
		if err := insert(ctx, savepoint, customer(a.Fresh)); err != nil {
			return nil, err
		}
		if err := savepoint.Rollback(); err != nil {
			return nil, err
		}
		seen, err := customers(ctx, tx)
		if err != nil {
			return nil, err
		}
		return seen, tx.Commit()
	},
	ormtest.Panic: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		err := func() (err error) {
			defer func() { _ = recover() }()
			return b.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
				if err = insert(ctx, tx, customer(a.Fresh)); err != nil {
					return err
				}
				panic("on purpose")
			})
		}()
		if err != nil {
			return nil, err
		}
		return customers(ctx, b)
	},
	ormtest.SwitchTenant: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		return nil, b.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if err := insert(ctx, tx, customer(a.Fresh)); err != nil {
				return err
			}
			_, err := list(a.Other.As(ctx), tx, a)
			return err
		})
	},
}

var refusedShapes = map[ormtest.Name]shape{
	ormtest.InsertOther: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.TenantID = a.Other.Tenant.ID
		return nil, insert(ctx, b, c)
	},
	ormtest.BatchOther: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		batch := []Customer{*customer(a.Fresh + "-1"), *customer(a.Fresh + "-2")}
		batch[1].TenantID = a.Other.Tenant.ID
		return nil, insert(ctx, b, &batch)
	},
	ormtest.Move: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		_, err := b.NewUpdate().Model((*Invoice)(nil)).Set("tenant_id = ?", a.Other.Tenant.ID).Where("id = ?", a.Own.Invoice).Exec(ctx)
		return nil, err
	},
	ormtest.UpsertOther: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.ID = a.Other.Customer
		_, err := b.NewInsert().Model(c).On("conflict (id) do update").Set("marker = excluded.marker").Exec(ctx)
		return nil, err
	},
	ormtest.ReferOther: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		i := newInvoice(a.Fresh)
		i.CustomerID = a.Other.Customer
		return nil, insert(ctx, b, i)
	},
}
