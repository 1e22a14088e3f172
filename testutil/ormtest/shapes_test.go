package ormtest

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/stratum-hq/stratum-go/core"
)

func none(Args) []any            { return nil }
func ownInvoice(a Args) []any    { return []any{a.Own.Invoice} }
func otherInvoice(a Args) []any  { return []any{a.Other.Invoice} }
func nobody(Args) core.ID        { return core.ID{} }
func ownTenant(a Args) core.ID   { return a.Own.Tenant.ID }
func otherTenant(a Args) core.ID { return a.Other.Tenant.ID }
func freshInvoice(a Args) []any  { return []any{a.Own.Invoice, a.Fresh} }
func counting(write string) string {
	return "with w as (" + write + " returning 1) select count(*)::text from w"
}

const (
	listing = "select marker from invoice where deleted_at is null"
	lines   = "select l.marker from line l join invoice i on i.id = l.invoice_id where i.deleted_at is null"
	all     = "select marker from customer"
	has     = "select marker from customer c where exists (select from invoice i where i.customer_id = c.id and i.deleted_at is null)"
	tags    = "select t.marker from tag t join invoice_tag x on x.tag_id = t.id join invoice i on i.id = x.invoice_id where i.deleted_at is null"
	pairs   = "select unnest(array[c.marker, i.marker]) from invoice i join customer c on c.id = i.customer_id where i.deleted_at is null"
)

// shapes are those of an implementation without any ORM.
func (h handmade) shapes() map[Name]Shape {
	m := map[Name]Shape{
		Find:        h.query("select marker from invoice where id = $1", ownInvoice),
		FindOther:   h.query("select marker from invoice where id = $1", otherInvoice),
		ByNumber:    h.query(listing+" and number = $1", func(a Args) []any { return []any{a.Own.Number} }),
		Association: h.query(listing+" and customer_id = $1", func(a Args) []any { return []any{a.Own.Customer} }),
		GroupBy:     h.query("select status || '=' || count(*) from invoice where deleted_at is null group by status", none),
		Update:      h.query("update invoice set marker = $2 where id = $1 returning marker", freshInvoice),
		UpdateOther: h.query(counting("update invoice set status = 'void' where id = $1"), otherInvoice),
		UpdateAll:   h.query(counting("update invoice set status = 'void' where deleted_at is null"), none),
		RawWrite:    h.query(counting("update invoice set status = 'void'"), none),
		Delete:      h.query(counting("delete from line where id = $1"), func(a Args) []any { return []any{a.Own.Line} }),
		DeleteOther: h.query(counting("delete from line where id = $1"), func(a Args) []any { return []any{a.Other.Line} }),
		DeleteAll:   h.query(counting("delete from line"), none),
		SoftDelete:  h.query("with w as (update invoice set deleted_at = now() where id = $1) select 'x' where false", ownInvoice),
		Move: h.query("update invoice set tenant_id = $2 where id = $1 returning marker", func(a Args) []any {
			return []any{a.Own.Invoice, a.Other.Tenant.ID.String()}
		}),
		Insert:       h.inserted(nobody, nil, ""),
		InsertStated: h.inserted(ownTenant, nil, ""),
		InsertOther:  h.inserted(otherTenant, nil, ""),
		BatchOther:   h.inserted(otherTenant, nil, "-1", "-2"),
		InsertBatch:  h.inserted(nobody, nil, "-1", "-2", "-3"),
		InsertGraph:  h.inserted(nobody, graph, ""),
		HookWrite: h.inserted(nobody, func(ctx context.Context, tx *sql.Tx, a Args) ([]string, error) {
			return column(ctx, tx, "insert into tag (name, marker) values ($1, $1) returning marker", a.Fresh+"-hook")
		}, ""),
		Transaction:  replacing(h.inserted(nobody, everyone, "")),
		Rollback:     replacing(h.inserted(nobody, undone, "")),
		Panic:        h.inserted(nobody, savepoint("")),
		Savepoint:    h.inserted(nobody, savepoint("")),
		Nested:       replacing(h.inserted(nobody, savepoint("-2"), "-1")),
		SwitchTenant: h.inserted(nobody, switched, ""),
		Forgotten:    func(context.Context, Args) ([]string, error) { return nil, core.ErrNoTenant },
	}
	for name, sql := range map[Name]string{
		List: listing, Iterate: listing, Batches: listing, Prepared: listing + " union all " + listing,
		Preload: all + " union all " + listing + " union all " + lines, PreloadMany: listing + " union all " + tags,
		Join: pairs, Subquery: has, Has: has, Unscoped: "select marker from invoice", RawRead: all + " union all select marker from invoice",
		HookRead: listing + " union all " + lines, Count: "select count(*)::text from (" + listing + ") x",
		Sum: "select sum(total)::text from invoice where deleted_at is null",
	} {
		m[name] = h.query(sql, none)
	}
	for name, upsert := range map[Name]struct {
		sql  string
		args func(Args) []any
	}{
		UpsertNothing:   {"insert into customer (email, marker) values ($1, $2) on conflict (tenant_id, email) do nothing returning marker", ownEmail},
		UpsertUpdate:    {"insert into customer (email, marker) values ($1, $2) on conflict (tenant_id, email) do update set marker = excluded.marker returning marker", ownEmail},
		UpsertSkipOther: {"insert into customer (id, email, marker) values ($1, $2, $2) on conflict do nothing returning marker", otherCustomer},
		UpsertOther:     {"insert into customer (id, email, marker) values ($1, $2, $2) on conflict (id) do update set marker = excluded.marker returning marker", otherCustomer},
		ReferOther:      {"insert into invoice (customer_id, number, total, status, marker) values ($1, $2, 10, 'open', $2) returning marker", otherCustomer},
	} {
		m[name] = stamped(h.query(upsert.sql, upsert.args))
	}
	return m
}

func ownEmail(a Args) []any      { return []any{a.Own.Email, a.Fresh} }
func otherCustomer(a Args) []any { return []any{a.Other.Customer, a.Fresh} }

// stamped refuses System work, whose rows state no tenant.
func stamped(s Shape) Shape {
	return func(ctx context.Context, a Args) ([]string, error) {
		if err := core.Stamp(ctx, new(core.ID)); err != nil {
			return nil, err
		}
		return s(ctx, a)
	}
}

// replacing drops the markers that inserted adds, where then has read them.
func replacing(s Shape) Shape {
	return func(ctx context.Context, a Args) ([]string, error) {
		out, err := s(ctx, a)
		slices.Sort(out)
		return slices.Compact(out), err
	}
}

func graph(ctx context.Context, tx *sql.Tx, a Args) (out []string, err error) {
	for suffix, sql := range map[string]string{
		"-tag": "insert into tag (name, marker) values ($1, $1) returning marker",
		"-invoice": `insert into invoice (customer_id, number, total, status, marker)
			select id, $1, 10, 'open', $1 from customer where marker || '-invoice' = $1 returning marker`,
	} {
		got, err := column(ctx, tx, sql, a.Fresh+suffix)
		if err != nil {
			return nil, err
		}
		out = append(out, got...)
	}
	got, err := column(ctx, tx, `with l as (insert into line (invoice_id, marker) select id, $1 || '-line' from invoice where marker = $1 || '-invoice' returning marker),
		x as (insert into invoice_tag (invoice_id, tag_id) select i.id, t.id from invoice i, tag t where i.marker = $1 || '-invoice' and t.marker = $1 || '-tag')
		select marker from l`, a.Fresh)
	return append(out, got...), err
}

func everyone(ctx context.Context, tx *sql.Tx, _ Args) ([]string, error) { return column(ctx, tx, all) }

func undone(ctx context.Context, tx *sql.Tx, _ Args) ([]string, error) {
	out, err := column(ctx, tx, all)
	if err == nil {
		err = errUndo
	}
	return out, err
}

// savepoint inserts a customer and takes it back.
func savepoint(suffix string) func(context.Context, *sql.Tx, Args) ([]string, error) {
	return func(ctx context.Context, tx *sql.Tx, a Args) ([]string, error) {
		for _, sql := range []string{
			"savepoint here",
			fmt.Sprintf("insert into customer (email, marker) values ('%s', 'x')", a.Fresh+suffix),
			"rollback to here",
		} {
			if _, err := tx.ExecContext(ctx, sql); err != nil {
				return nil, err
			}
		}
		return column(ctx, tx, all)
	}
}

// switched compares the transaction's tenant with that of another context.
func switched(ctx context.Context, _ *sql.Tx, a Args) ([]string, error) {
	id := a.Own.Tenant.ID
	return nil, core.Stamp(a.Other.As(ctx), &id)
}
