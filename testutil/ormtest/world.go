package ormtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// world is what the tables hold, as far as the suite knows: it seeds them with one,
// applies to it what a shape should do, and compares.
type world struct {
	Customers []customer
	Invoices  []invoice
	Lines     []line
	Tags      []tag
	Tagged    []tagged
}

// The rows, with the columns of [Schema].
type (
	customer struct {
		ID     int64   `json:"id"`
		Tenant core.ID `json:"tenant_id"`
		Email  string  `json:"email"`
		Marker string  `json:"marker"`
	}
	invoice struct {
		ID       int64   `json:"id"`
		Tenant   core.ID `json:"tenant_id"`
		Customer int64   `json:"customer_id"`
		Number   string  `json:"number"`
		Total    cents   `json:"total"`
		Status   string  `json:"status"`
		Deleted  *string `json:"deleted_at"`
		Marker   string  `json:"marker"`
	}
	line struct {
		ID      int64   `json:"id"`
		Tenant  core.ID `json:"tenant_id"`
		Invoice int64   `json:"invoice_id"`
		Marker  string  `json:"marker"`
	}
	tag struct {
		ID     int64   `json:"id"`
		Tenant core.ID `json:"tenant_id"`
		Name   string  `json:"name"`
		Marker string  `json:"marker"`
	}
	tagged struct {
		Tenant  core.ID `json:"tenant_id"`
		Invoice int64   `json:"invoice_id"`
		Tag     int64   `json:"tag_id"`
	}
)

// cents is an amount, written with two decimals.
type cents int64

func (c cents) String() string               { return fmt.Sprintf("%d.%02d", c/100, c%100) }
func (c cents) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

func (i invoice) live() bool { return i.Deleted == nil }

// firstID is where the ids of seeded rows begin, far above those that sequences give.
const firstID = 1_000_000

// add gives a tenant n customers: the first has one invoice, the second two, and so
// on, the last of each but the first deleted; the very last customer has none. Each
// invoice has two lines, every second one both tags. Amounts grow with the tenant's
// first id, so that no figure of one tenant is one of another's.
func (w *world) add(t *core.Tenant, first int64, n int) Rows {
	rows := Rows{Tenant: t}
	next := first
	id := func() int64 { next++; return next }
	mark := func(what string, n int64) string { return fmt.Sprintf("%s-%s-%d", t.Slug, what, n) }
	var labels []int64
	for _, name := range []string{"urgent", "late"} {
		w.Tags = append(w.Tags, tag{id(), t.ID, name, mark("tag-"+name, next)})
		labels = append(labels, next)
	}
	number := 0
	for c := range n {
		owner := customer{id(), t.ID, fmt.Sprintf("c%d@example.com", c), mark("customer", next)}
		w.Customers = append(w.Customers, owner)
		if c == n-1 {
			break
		}
		for i := range c + 1 {
			number++
			bill := invoice{ID: id(), Tenant: t.ID, Customer: owner.ID, Number: fmt.Sprintf("INV-%d", number),
				Total: cents(first/1000 + int64(number)*100), Status: []string{"open", "paid"}[number%2], Marker: mark("invoice", next)}
			if i > 0 && i == c {
				when := "2026-01-02T03:04:05Z"
				bill.Deleted = &when
			}
			w.Invoices = append(w.Invoices, bill)
			w.Lines = append(w.Lines, line{id(), t.ID, bill.ID, mark("line", next)})
			w.Lines = append(w.Lines, line{id(), t.ID, bill.ID, mark("line", next)})
			if number%2 == 0 {
				w.Tagged = append(w.Tagged, tagged{t.ID, bill.ID, labels[0]}, tagged{t.ID, bill.ID, labels[1]})
			}
			if bill.Number == "INV-2" {
				rows.Customer, rows.Email = owner.ID, owner.Email
				rows.Invoice, rows.Number, rows.Line = bill.ID, bill.Number, next
			}
		}
	}
	return rows
}

// clone returns a copy that can be changed by itself.
func (w *world) clone() *world {
	return &world{slices.Clone(w.Customers), slices.Clone(w.Invoices), slices.Clone(w.Lines), slices.Clone(w.Tags), slices.Clone(w.Tagged)}
}

// lines are the rows in the form in which [load] reads them, sorted.
func (w *world) lines() []string {
	var all []string
	add := func(parts ...any) { all = append(all, strings.Join(strings.Fields(fmt.Sprintln(parts...)), "|")) }
	customers, bills, tags := map[int64]string{}, map[int64]string{}, map[int64]string{}
	for _, c := range w.Customers {
		customers[c.ID] = c.Marker
		add("customer", c.Tenant, c.Marker, c.Email)
	}
	for _, i := range w.Invoices {
		bills[i.ID] = i.Marker
		add("invoice", i.Tenant, i.Marker, i.Number, i.Total, i.Status, !i.live(), customers[i.Customer])
	}
	for _, l := range w.Lines {
		add("line", l.Tenant, l.Marker, bills[l.Invoice])
	}
	for _, t := range w.Tags {
		tags[t.ID] = t.Marker
		add("tag", t.Tenant, t.Marker, t.Name)
	}
	for _, x := range w.Tagged {
		add("invoice_tag", x.Tenant, bills[x.Invoice], tags[x.Tag])
	}
	slices.Sort(all)
	return all
}

// view is what a scope sees of the world.
func (w *world) view(s scope) *world {
	v := &world{}
	v.Customers = kept(w.Customers, func(c customer) bool { return s.has(c.Tenant) })
	v.Invoices = kept(w.Invoices, func(i invoice) bool { return s.has(i.Tenant) })
	v.Lines = kept(w.Lines, func(l line) bool { return s.has(l.Tenant) })
	v.Tags = kept(w.Tags, func(t tag) bool { return s.has(t.Tenant) })
	v.Tagged = kept(w.Tagged, func(x tagged) bool { return s.has(x.Tenant) })
	return v
}

// scope is the tenants whose rows a context reaches.
type scope []core.ID

func (s scope) has(id core.ID) bool { return slices.Contains(s, id) }

// kept returns the rows that pass.
func kept[T any](rows []T, pass func(T) bool) []T {
	var out []T
	for _, r := range rows {
		if pass(r) {
			out = append(out, r)
		}
	}
	return out
}
