package ormtest

import (
	"slices"
	"strconv"
)

// This file is what specs are made of: what shapes return, and what they do.

func nothing(*world, Args) []string { return nil }

// fresh are markers of new rows.
func fresh(suffixes ...string) func(*world, Args) []string {
	return func(_ *world, a Args) []string {
		out := make([]string, len(suffixes))
		for i, s := range suffixes {
			out[i] = a.Fresh + s
		}
		return out
	}
}

func bills(v *world, which func(invoice) bool) []string {
	var out []string
	for _, i := range v.Invoices {
		if which(i) {
			out = append(out, i.Marker)
		}
	}
	return out
}

func live(v *world, _ Args) []string { return bills(v, invoice.live) }

func customers(v *world, _ Args) []string {
	var out []string
	for _, c := range v.Customers {
		out = append(out, c.Marker)
	}
	return out
}

// billed are customers with live invoices.
func billed(v *world, _ Args) []string {
	var out []string
	for _, c := range v.Customers {
		if slices.ContainsFunc(v.Invoices, func(i invoice) bool { return i.live() && i.Customer == c.ID }) {
			out = append(out, c.Marker)
		}
	}
	return out
}

func joined(v *world, _ Args) []string {
	var out []string
	for _, c := range v.Customers {
		for _, i := range v.Invoices {
			if i.live() && i.Customer == c.ID {
				out = append(out, c.Marker, i.Marker)
			}
		}
	}
	return out
}

func isLive(v *world, id int64) bool {
	return slices.ContainsFunc(v.Invoices, func(i invoice) bool { return i.ID == id && i.live() })
}

func liveLines(v *world) []string {
	var out []string
	for _, l := range v.Lines {
		if isLive(v, l.Invoice) {
			out = append(out, l.Marker)
		}
	}
	return out
}

func liveTags(v *world) []string {
	var out []string
	for _, x := range v.Tagged {
		for _, t := range v.Tags {
			if t.ID == x.Tag && isLive(v, x.Invoice) {
				out = append(out, t.Marker)
			}
		}
	}
	return out
}

func numberOf(which func(invoice, Args) bool) func(*world, Args) []string {
	return func(v *world, a Args) []string {
		return []string{strconv.Itoa(len(bills(v, func(i invoice) bool { return which(i, a) })))}
	}
}

func numberOfLines(which func(line, Args) bool) func(*world, Args) []string {
	return func(v *world, a Args) []string {
		return []string{strconv.Itoa(len(kept(v.Lines, func(l line) bool { return which(l, a) })))}
	}
}

// change changes the invoices that are in the scope.
func change(w *world, s scope, how func(*invoice)) {
	for n := range w.Invoices {
		if s.has(w.Invoices[n].Tenant) {
			how(&w.Invoices[n])
		}
	}
}

// removes deletes lines that are in the scope.
func removes(which func(line, Args) bool) func(*world, scope, Args) {
	return func(w *world, s scope, a Args) {
		w.Lines = kept(w.Lines, func(l line) bool { return !s.has(l.Tenant) || !which(l, a) })
	}
}

// adds inserts customers.
func adds(suffixes ...string) func(*world, scope, Args) {
	return func(w *world, _ scope, a Args) {
		for _, suffix := range suffixes {
			m := a.Fresh + suffix
			w.Customers = append(w.Customers, customer{Tenant: a.Own.Tenant.ID, Email: m, Marker: m})
		}
	}
}

// addsGraph inserts what [InsertGraph] does. The ids are made up, for the rows to
// refer to each other; they are not compared.
func addsGraph(w *world, _ scope, a Args) {
	t := a.Own.Tenant.ID
	id := int64(-1 - len(w.Customers))
	m := a.Fresh + "-invoice"
	w.Customers = append(w.Customers, customer{id, t, a.Fresh, a.Fresh})
	w.Invoices = append(w.Invoices, invoice{ID: id, Tenant: t, Customer: id, Number: m, Total: 1000, Status: "open", Marker: m})
	w.Lines = append(w.Lines, line{id, t, id, a.Fresh + "-line"})
	w.Tags = append(w.Tags, tag{id, t, a.Fresh + "-tag", a.Fresh + "-tag"})
	w.Tagged = append(w.Tagged, tagged{t, id, id})
}
