package stratumbun_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/uptrace/bun"

	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// affected returns the number of rows that were changed.
func affected(res sql.Result, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	n, err := res.RowsAffected()
	return []string{fmt.Sprint(n)}, err
}

var insertShapes = map[ormtest.Name]shape{
	ormtest.Insert: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		return []string{a.Fresh}, insert(ctx, b, customer(a.Fresh))
	},
	ormtest.InsertStated: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.TenantID = a.Own.Tenant.ID
		return []string{a.Fresh}, insert(ctx, b, c)
	},
	ormtest.InsertBatch: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		rows := []*Customer{customer(a.Fresh + "-1"), customer(a.Fresh + "-2"), customer(a.Fresh + "-3")}
		return markers(rows), insert(ctx, b, &rows)
	},
	ormtest.InsertGraph: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		c, i := customer(a.Fresh), newInvoice(a.Fresh+"-invoice")
		l, t := &Line{Marker: a.Fresh + "-line"}, &Tag{Name: a.Fresh + "-tag", Marker: a.Fresh + "-tag"}
		err := b.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
			if err := insert(ctx, tx, c); err != nil {
				return err
			}
			i.CustomerID = c.ID
			if err := insert(ctx, tx, i); err != nil {
				return err
			}
			l.InvoiceID = i.ID
			if err := insert(ctx, tx, l); err != nil {
				return err
			}
			if err := insert(ctx, tx, t); err != nil {
				return err
			}
			return insert(ctx, tx, &InvoiceTag{InvoiceID: i.ID, TagID: t.ID})
		})
		return []string{c.Marker, i.Marker, l.Marker, t.Marker}, err
	},
	ormtest.HookWrite: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		return []string{a.Fresh, a.Fresh + "-hook"}, insert(ctx, b, &hookedCustomer{*customer(a.Fresh)})
	},
}

var changeShapes = map[ormtest.Name]shape{
	ormtest.Update: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		i := Invoice{ID: a.Own.Invoice, Marker: a.Fresh}
		_, err := b.NewUpdate().Model(&i).Column("marker").WherePK().Returning("marker").Exec(ctx)
		return []string{i.Marker}, err
	},
	ormtest.UpdateOther: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		return affected(b.NewUpdate().Model(&Invoice{ID: a.Other.Invoice, Status: "void"}).Column("status").WherePK().Exec(ctx))
	},
	ormtest.UpdateAll: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		return affected(b.NewUpdate().Model((*Invoice)(nil)).Set("status = 'void'").Where("true").Exec(ctx))
	},
	ormtest.Delete: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		return affected(b.NewDelete().Model(&Line{ID: a.Own.Line}).WherePK().Exec(ctx))
	},
	ormtest.DeleteOther: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		return affected(b.NewDelete().Model(&Line{ID: a.Other.Line}).WherePK().Exec(ctx))
	},
	ormtest.DeleteAll: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		return affected(b.NewDelete().Model((*Line)(nil)).Where("true").Exec(ctx))
	},
	ormtest.SoftDelete: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		_, err := b.NewDelete().Model(&Invoice{ID: a.Own.Invoice}).WherePK().Exec(ctx)
		return nil, err
	},
	ormtest.RawWrite: func(ctx context.Context, b bun.IDB, _ ormtest.Args) ([]string, error) {
		return affected(b.ExecContext(ctx, "update invoice set status = ?", "void"))
	},
}

var upsertShapes = map[ormtest.Name]shape{
	ormtest.UpsertNothing: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.Email = a.Own.Email
		_, err := b.NewInsert().Model(c).On("conflict (tenant_id, email) do nothing").Exec(ctx)
		return nil, err
	},
	ormtest.UpsertUpdate: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.Email = a.Own.Email
		_, err := b.NewInsert().Model(c).On("conflict (tenant_id, email) do update").Set("marker = excluded.marker").Returning("marker").Exec(ctx)
		return []string{c.Marker}, err
	},
	ormtest.UpsertSkipOther: func(ctx context.Context, b bun.IDB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.ID = a.Other.Customer
		_, err := b.NewInsert().Model(c).Ignore().Exec(ctx)
		return nil, err
	},
}
