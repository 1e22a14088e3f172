package callers_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jmoiron/sqlx"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// named are the parameters of sqlx's statements.
func named(a ormtest.Args) map[string]any {
	return map[string]any{
		"own": a.Own.Invoice, "other": a.Other.Invoice, "customer": a.Own.Customer, "number": a.Own.Number, "email": a.Own.Email,
		"line": a.Own.Line, "other_line": a.Other.Line, "other_customer": a.Other.Customer, "other_tenant": a.Other.Tenant.ID, "fresh": a.Fresh,
	}
}

// sqlxReads are statements that return one column.
var sqlxReads = map[ormtest.Name]string{
	ormtest.List:        "select marker from invoice where deleted_at is null",
	ormtest.Find:        "select marker from invoice where id = :own",
	ormtest.FindOther:   "select marker from invoice where id = :other",
	ormtest.ByNumber:    "select marker from invoice where number = :number and deleted_at is null",
	ormtest.Association: "select marker from invoice where customer_id = :customer and deleted_at is null",
	ormtest.Join:        "select unnest(array[i.marker, c.marker]) from invoice i join customer c on c.id = i.customer_id where deleted_at is null",
	ormtest.Subquery:    "select marker from customer where id in (select customer_id from invoice where deleted_at is null)",
	ormtest.Has:         "select marker from customer c where exists (select from invoice i where i.customer_id = c.id and deleted_at is null)",
	ormtest.Count:       "select count(*) from invoice where deleted_at is null",
	ormtest.Sum:         "select sum(total) from invoice where deleted_at is null",
	ormtest.GroupBy:     "select status || '=' || count(*) from invoice where deleted_at is null group by status",
	ormtest.Unscoped:    "select marker from invoice",
	ormtest.RawRead:     "with x as (select * from invoice) select marker from x union all select marker from customer",
	ormtest.Update:      "update invoice set marker = :fresh where id = :own returning marker",
}

// sqlxWrites are statements that return the number of rows.
var sqlxWrites = map[ormtest.Name]string{
	ormtest.UpdateOther: "update invoice set status = 'void' where id = :other",
	ormtest.UpdateAll:   "update invoice set status = 'void' where deleted_at is null",
	ormtest.RawWrite:    "update invoice set status = 'void'",
	ormtest.Delete:      "delete from line where id = :line",
	ormtest.DeleteOther: "delete from line where id = :other_line",
	ormtest.DeleteAll:   "delete from line",
}

// sqlxInserts are statements that write the row of a tenant, and return nothing.
var sqlxInserts = map[ormtest.Name]string{
	ormtest.UpsertNothing:   "insert into customer (tenant_id, email, marker) values (:tenant, :email, :fresh) on conflict (tenant_id, email) do nothing",
	ormtest.UpsertSkipOther: "insert into customer (id, tenant_id, email, marker) values (:other_customer, :tenant, :fresh, :fresh) on conflict do nothing",
	ormtest.UpsertOther:     "insert into customer (id, tenant_id, email, marker) values (:other_customer, :tenant, :fresh, :fresh) on conflict (id) do update set marker = excluded.marker",
	ormtest.ReferOther:      "insert into invoice (tenant_id, customer_id, number, total, status, marker) values (:tenant, :other_customer, :fresh, 10, 'open', :fresh)",
}

// sqlxOther are statements that return nothing.
var sqlxOther = map[ormtest.Name]string{
	ormtest.SoftDelete: "update invoice set deleted_at = now() where id = :own",
	ormtest.Move:       "update invoice set tenant_id = :other_tenant where id = :own",
}

// xt is a *sqlx.DB or *sqlx.Tx.
type xt interface {
	sqlx.ExtContext
	NamedExecContext(context.Context, string, any) (sql.Result, error)
	SelectContext(context.Context, any, string, ...any) error
}

// selects runs a statement with named parameters, in sqlx's two steps.
func selects(ctx context.Context, x xt, query string, args map[string]any) ([]string, error) {
	query, values, err := sqlx.Named(query, args)
	if err != nil {
		return nil, err
	}
	var out []string
	err = x.SelectContext(ctx, &out, x.Rebind(query), values...)
	return out, err
}

const insertCustomer = "insert into customer (tenant_id, email, marker) values (:tenant_id, :email, :marker)"

// sqlxAdd inserts customers in one statement.
func sqlxAdd(ctx context.Context, x xt, rows ...row) error {
	for i := range rows {
		if err := core.Stamp(ctx, &rows[i].TenantID); err != nil {
			return err
		}
		rows[i].Email = rows[i].Marker
	}
	_, err := x.NamedExecContext(ctx, insertCustomer, rows)
	return err
}

func sqlxShapes(x *sqlx.DB) map[ormtest.Name]ormtest.Shape {
	out := map[ormtest.Name]ormtest.Shape{
		ormtest.Forgotten: func(context.Context, ormtest.Args) (out []string, err error) {
			return out, x.Select(&out, sqlxReads[ormtest.List])
		},
	}
	for name, query := range sqlxReads {
		out[name] = func(ctx context.Context, a ormtest.Args) ([]string, error) { return selects(ctx, x, query, named(a)) }
	}
	for name, query := range sqlxWrites {
		out[name] = func(ctx context.Context, a ormtest.Args) ([]string, error) {
			done, err := x.NamedExecContext(ctx, query, named(a))
			if err != nil {
				return nil, err
			}
			return figure(done.RowsAffected())
		}
	}
	for name, query := range sqlxOther {
		out[name] = func(ctx context.Context, a ormtest.Args) ([]string, error) {
			_, err := x.NamedExecContext(ctx, query, named(a))
			return nil, err
		}
	}
	for name, query := range sqlxInserts {
		out[name] = func(ctx context.Context, a ormtest.Args) ([]string, error) {
			args := named(a)
			tenant, err := stamped(ctx)
			if err != nil {
				return nil, err
			}
			args["tenant"] = tenant
			_, err = x.NamedExecContext(ctx, query, args)
			return nil, err
		}
	}
	for name, s := range sqlxByHand {
		out[name] = func(ctx context.Context, a ormtest.Args) ([]string, error) { return s(ctx, x, a) }
	}
	return out
}

// within runs fn in a transaction.
func within(ctx context.Context, x *sqlx.DB, fn func(tx *sqlx.Tx) error) error {
	tx, err := x.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func sqlxCustomers(ctx context.Context, x xt) (out []string, err error) {
	err = x.SelectContext(ctx, &out, "select marker from customer")
	return out, err
}

var sqlxByHand = map[ormtest.Name]func(context.Context, *sqlx.DB, ormtest.Args) ([]string, error){
	ormtest.Iterate: func(ctx context.Context, x *sqlx.DB, _ ormtest.Args) (out []string, err error) {
		rows, err := x.QueryxContext(ctx, sqlxReads[ormtest.List])
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var r row
			if err := rows.StructScan(&r); err != nil {
				return nil, err
			}
			out = append(out, r.Marker)
		}
		return out, rows.Err()
	},
	ormtest.Batches: func(ctx context.Context, x *sqlx.DB, _ ormtest.Args) (out []string, err error) {
		for last := int64(0); ; {
			var rows []row
			err := x.SelectContext(ctx, &rows, "select id, marker from invoice where deleted_at is null and id > $1 order by id limit 2", last)
			if err != nil || len(rows) == 0 {
				return out, err
			}
			for _, r := range rows {
				out, last = append(out, r.Marker), r.ID
			}
		}
	},
	ormtest.Prepared: func(ctx context.Context, x *sqlx.DB, _ ormtest.Args) ([]string, error) {
		stmt, err := x.PrepareNamedContext(ctx, sqlxReads[ormtest.List])
		if err != nil {
			return nil, err
		}
		defer stmt.Close()
		var first, second []string
		if err := stmt.SelectContext(ctx, &first, struct{}{}); err != nil {
			return nil, err
		}
		err = stmt.SelectContext(ctx, &second, struct{}{})
		return append(first, second...), err
	},
	ormtest.Insert: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) ([]string, error) {
		return []string{a.Fresh}, sqlxAdd(ctx, x, row{Marker: a.Fresh})
	},
	ormtest.InsertStated: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) ([]string, error) {
		return []string{a.Fresh}, sqlxAdd(ctx, x, row{Marker: a.Fresh, TenantID: a.Own.Tenant.ID})
	},
	ormtest.InsertBatch: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) ([]string, error) {
		m := []string{a.Fresh + "-1", a.Fresh + "-2", a.Fresh + "-3"}
		return m, sqlxAdd(ctx, x, row{Marker: m[0]}, row{Marker: m[1]}, row{Marker: m[2]})
	},
	ormtest.InsertOther: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) ([]string, error) {
		return nil, sqlxAdd(ctx, x, row{Marker: a.Fresh, TenantID: a.Other.Tenant.ID})
	},
	ormtest.BatchOther: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) ([]string, error) {
		return nil, sqlxAdd(ctx, x, row{Marker: a.Fresh + "-1"}, row{Marker: a.Fresh + "-2", TenantID: a.Other.Tenant.ID})
	},
	ormtest.InsertGraph: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) ([]string, error) {
		tenant, err := stamped(ctx)
		if err != nil {
			return nil, err
		}
		return selects(ctx, x, `with c as (
			insert into customer (tenant_id, email, marker) values (:tenant, :fresh, :fresh) returning id, marker
		), i as (
			insert into invoice (tenant_id, customer_id, number, total, status, marker)
			select :tenant, id, marker || '-invoice', 10, 'open', marker || '-invoice' from c returning id, marker
		), l as (
			insert into line (tenant_id, invoice_id, marker) select :tenant, id, :fresh || '-line' from i returning marker
		), t as (
			insert into tag (tenant_id, name, marker) values (:tenant, :fresh || '-tag', :fresh || '-tag') returning id, marker
		), x as (
			insert into invoice_tag (tenant_id, invoice_id, tag_id) select :tenant, i.id, t.id from i, t
		)
		select marker from c union all select marker from i union all select marker from l union all select marker from t`,
			map[string]any{"tenant": tenant, "fresh": a.Fresh})
	},
	ormtest.UpsertUpdate: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) ([]string, error) {
		tenant, err := stamped(ctx)
		if err != nil {
			return nil, err
		}
		return selects(ctx, x, insertCustomer+" on conflict (tenant_id, email) do update set marker = excluded.marker returning marker",
			map[string]any{"tenant_id": tenant, "email": a.Own.Email, "marker": a.Fresh})
	},
	ormtest.Transaction: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) (seen []string, err error) {
		err = within(ctx, x, func(tx *sqlx.Tx) (err error) {
			if err = sqlxAdd(ctx, tx, row{Marker: a.Fresh}); err == nil {
				seen, err = sqlxCustomers(ctx, tx)
			}
			return err
		})
		return seen, err
	},
	ormtest.Rollback: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) (seen []string, err error) {
		err = within(ctx, x, func(tx *sqlx.Tx) (err error) {
			if err = sqlxAdd(ctx, tx, row{Marker: a.Fresh}); err != nil {
				return err
			}
			if seen, err = sqlxCustomers(ctx, tx); err != nil {
				return err
			}
			return errUndo
		})
		if errors.Is(err, errUndo) {
			err = nil
		}
		return seen, err
	},
	ormtest.Savepoint: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) (seen []string, err error) {
		err = within(ctx, x, func(tx *sqlx.Tx) error {
			if _, err := tx.ExecContext(ctx, "savepoint here"); err != nil {
				return err
			}
			if err := sqlxAdd(ctx, tx, row{Marker: a.Fresh}); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "rollback to savepoint here"); err != nil {
				return err
			}
			seen, err = sqlxCustomers(ctx, tx)
			return err
		})
		return seen, err
	},
	ormtest.Panic: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) ([]string, error) {
		err := func() (err error) {
			defer func() { _ = recover() }()
			return within(ctx, x, func(tx *sqlx.Tx) error {
				if err = sqlxAdd(ctx, tx, row{Marker: a.Fresh}); err != nil {
					return err
				}
				panic(fmt.Sprint("on purpose, as ", a.Own.Tenant.Slug))
			})
		}()
		if err != nil {
			return nil, err
		}
		return sqlxCustomers(ctx, x)
	},
	ormtest.SwitchTenant: func(ctx context.Context, x *sqlx.DB, a ormtest.Args) ([]string, error) {
		return nil, within(ctx, x, func(tx *sqlx.Tx) error {
			if err := sqlxAdd(ctx, tx, row{Marker: a.Fresh}); err != nil {
				return err
			}
			_, err := sqlxCustomers(a.Other.As(ctx), tx)
			return err
		})
	},
}
