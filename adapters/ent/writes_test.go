package stratument_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/customer"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/invoice"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/line"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// affected returns the number of rows that were changed.
func affected(n int, err error) ([]string, error) { return []string{fmt.Sprint(n)}, err }

// skipped is what ent returns for an insert that did nothing.
func skipped(err error) ([]string, error) {
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return nil, err
}

var insertShapes = map[ormtest.Name]shape{
	ormtest.Insert: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return []string{a.Fresh}, newCustomer(c, a.Fresh).Exec(ctx)
	},
	ormtest.InsertStated: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return []string{a.Fresh}, newCustomer(c, a.Fresh).SetTenantID(a.Own.Tenant.ID).Exec(ctx)
	},
	ormtest.InsertBatch: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		rows, err := c.Customer.CreateBulk(newCustomer(c, a.Fresh+"-1"), newCustomer(c, a.Fresh+"-2"), newCustomer(c, a.Fresh+"-3")).Save(ctx)
		return customers(rows), err
	},
	ormtest.InsertGraph: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		owner, err := newCustomer(c, a.Fresh).Save(ctx)
		if err != nil {
			return nil, err
		}
		t, err := c.Tag.Create().SetName(a.Fresh + "-tag").SetMarker(a.Fresh + "-tag").Save(ctx)
		if err != nil {
			return nil, err
		}
		i, err := newInvoice(c, a.Fresh+"-invoice", owner.ID).AddTags(t).Save(ctx)
		if err != nil {
			return nil, err
		}
		l, err := c.Line.Create().SetInvoice(i).SetMarker(a.Fresh + "-line").Save(ctx)
		if err != nil {
			return nil, err
		}
		return []string{owner.Marker, t.Marker, i.Marker, l.Marker}, nil
	},
}

var changeShapes = map[ormtest.Name]shape{
	ormtest.Update: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return one(c.Invoice.UpdateOneID(a.Own.Invoice).SetMarker(a.Fresh).Save(ctx))
	},
	ormtest.UpdateOther: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return affected(c.Invoice.Update().Where(invoice.ID(a.Other.Invoice)).SetStatus("void").Save(ctx))
	},
	ormtest.UpdateAll: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		return affected(c.Invoice.Update().Where(invoice.DeletedAtIsNil()).SetStatus("void").Save(ctx))
	},
	ormtest.Delete: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return affected(c.Line.Delete().Where(line.ID(a.Own.Line)).Exec(ctx))
	},
	ormtest.DeleteOther: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		if err := c.Line.DeleteOneID(a.Other.Line).Exec(ctx); err != nil {
			if ent.IsNotFound(err) {
				return affected(0, nil)
			}
			return nil, err
		}
		return affected(1, nil)
	},
	ormtest.DeleteAll: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		return affected(c.Line.Delete().Exec(ctx))
	},
	ormtest.SoftDelete: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return nil, c.Invoice.UpdateOneID(a.Own.Invoice).SetDeletedAt(time.Now()).Exec(ctx)
	},
	ormtest.RawWrite: func(ctx context.Context, c *ent.Client, _ ormtest.Args) ([]string, error) {
		res, err := c.ExecContext(ctx, "update invoice set status = $1", "void")
		if err != nil {
			return nil, err
		}
		n, err := res.RowsAffected()
		return affected(int(n), err)
	},
}

var upsertShapes = map[ormtest.Name]shape{
	ormtest.UpsertNothing: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return skipped(newCustomer(c, a.Fresh).SetEmail(a.Own.Email).
			OnConflictColumns(customer.FieldTenantID, customer.FieldEmail).DoNothing().Exec(ctx))
	},
	ormtest.UpsertUpdate: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		id, err := newCustomer(c, a.Fresh).SetEmail(a.Own.Email).
			OnConflictColumns(customer.FieldTenantID, customer.FieldEmail).
			Update(func(u *ent.CustomerUpsert) { u.UpdateMarker() }).ID(ctx)
		if err != nil {
			return nil, err
		}
		row, err := c.Customer.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		return []string{row.Marker}, nil
	},
	ormtest.UpsertSkipOther: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return skipped(newCustomer(c, a.Fresh).SetID(a.Other.Customer).OnConflict(entsql.DoNothing()).Exec(ctx))
	},
}

var refusedShapes = map[ormtest.Name]shape{
	ormtest.InsertOther: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return nil, newCustomer(c, a.Fresh).SetTenantID(a.Other.Tenant.ID).Exec(ctx)
	},
	ormtest.BatchOther: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return nil, c.Customer.CreateBulk(newCustomer(c, a.Fresh+"-1"), newCustomer(c, a.Fresh+"-2").SetTenantID(a.Other.Tenant.ID)).Exec(ctx)
	},
	ormtest.Move: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return nil, c.Invoice.UpdateOneID(a.Own.Invoice).Modify(func(u *entsql.UpdateBuilder) {
			u.Set(invoice.FieldTenantID, a.Other.Tenant.ID)
		}).Exec(ctx)
	},
	ormtest.UpsertOther: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return nil, newCustomer(c, a.Fresh).SetID(a.Other.Customer).
			OnConflictColumns(customer.FieldID).Update(func(u *ent.CustomerUpsert) { u.UpdateMarker() }).Exec(ctx)
	},
	ormtest.ReferOther: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return nil, newInvoice(c, a.Fresh, a.Other.Customer).Exec(ctx)
	},
}
