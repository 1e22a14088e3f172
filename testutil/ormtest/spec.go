package ormtest

import (
	"fmt"
	"slices"

	"github.com/stratum-hq/stratum-go/core"
)

// spec says what a shape must do.
type spec struct {
	name Name

	// want is what it must return. v is what its scope sees.
	want func(v *world, a Args) []string

	// effect is what it must do to the tables, in scope s; nil: nothing.
	effect func(w *world, s scope, a Args)

	// refused is the error that it must return; any of errAny will do.
	refused error

	// silent says that it must be refused before anything is sent.
	silent bool

	// unstated says that it writes a row that states no tenant, which work under
	// System must do.
	unstated bool

	// notSystem says that it makes no sense under System, and why.
	notSystem string
}

// errAny stands for any error, of our own or of the database.
var errAny = fmt.Errorf("any error")

// specs are those of all shapes.
func specs() []spec {
	return slices.Concat(readSpecs(), figureSpecs(), insertSpecs(), changeSpecs(), upsertSpecs(), refusedSpecs(), transactionSpecs())
}

func readSpecs() []spec {
	return []spec{
		{name: List, want: live},
		{name: Iterate, want: live},
		{name: Batches, want: live},
		{name: Prepared, want: func(v *world, a Args) []string { return append(live(v, a), live(v, a)...) }},
		{name: Find, want: func(v *world, a Args) []string {
			return bills(v, func(i invoice) bool { return i.ID == a.Own.Invoice })
		}},
		{name: FindOther, want: func(v *world, a Args) []string {
			return bills(v, func(i invoice) bool { return i.ID == a.Other.Invoice })
		}},
		{name: ByNumber, want: func(v *world, a Args) []string {
			return bills(v, func(i invoice) bool { return i.live() && i.Number == a.Own.Number })
		}},
		{name: Association, want: func(v *world, a Args) []string {
			return bills(v, func(i invoice) bool { return i.live() && i.Customer == a.Own.Customer })
		}},
		{name: Preload, want: func(v *world, a Args) []string {
			return append(append(customers(v, a), live(v, a)...), liveLines(v)...)
		}},
		{name: PreloadMany, want: func(v *world, a Args) []string { return append(live(v, a), liveTags(v)...) }},
		{name: Join, want: joined},
		{name: Subquery, want: billed},
		{name: Has, want: billed},
		{name: Unscoped, want: func(v *world, _ Args) []string { return bills(v, func(invoice) bool { return true }) }},
		{name: RawRead, want: func(v *world, a Args) []string {
			return append(customers(v, a), bills(v, func(invoice) bool { return true })...)
		}},
		{name: HookRead, want: func(v *world, a Args) []string { return append(live(v, a), liveLines(v)...) }},
	}
}

func figureSpecs() []spec {
	return []spec{
		{name: Count, want: func(v *world, a Args) []string { return []string{fmt.Sprint(len(live(v, a)))} }},
		{name: Sum, want: func(v *world, _ Args) []string {
			var sum cents
			for _, i := range v.Invoices {
				if i.live() {
					sum += i.Total
				}
			}
			return []string{sum.String()}
		}},
		{name: GroupBy, want: func(v *world, _ Args) []string {
			groups := map[string]int{}
			for _, i := range v.Invoices {
				if i.live() {
					groups[i.Status]++
				}
			}
			var out []string
			for status, n := range groups {
				out = append(out, fmt.Sprintf("%s=%d", status, n))
			}
			return out
		}},
	}
}

func insertSpecs() []spec {
	return []spec{
		{name: Insert, want: fresh(""), effect: adds(""), unstated: true},
		{name: InsertStated, want: fresh(""), effect: adds("")},
		{name: InsertBatch, want: fresh("-1", "-2", "-3"), effect: adds("-1", "-2", "-3"), unstated: true},
		{name: InsertGraph, want: fresh("", "-invoice", "-line", "-tag"), effect: addsGraph, unstated: true},
		{name: HookWrite, want: fresh("", "-hook"), effect: func(w *world, s scope, a Args) {
			adds("")(w, s, a)
			w.Tags = append(w.Tags, tag{Tenant: a.Own.Tenant.ID, Name: a.Fresh + "-hook", Marker: a.Fresh + "-hook"})
		}, unstated: true},
	}
}

func changeSpecs() []spec {
	void := func(which func(invoice, Args) bool) func(*world, scope, Args) {
		return func(w *world, s scope, a Args) {
			change(w, s, func(i *invoice) {
				if which(*i, a) {
					i.Status = "void"
				}
			})
		}
	}
	isLive := func(i invoice, _ Args) bool { return i.live() }
	all := func(invoice, Args) bool { return true }
	other := func(i invoice, a Args) bool { return i.ID == a.Other.Invoice }
	lineIs := func(of func(Args) int64) func(line, Args) bool {
		return func(l line, a Args) bool { return l.ID == of(a) }
	}
	own, others := lineIs(func(a Args) int64 { return a.Own.Line }), lineIs(func(a Args) int64 { return a.Other.Line })
	every := func(line, Args) bool { return true }
	return []spec{
		{name: Update, want: fresh(""), effect: func(w *world, s scope, a Args) {
			change(w, s, func(i *invoice) {
				if i.ID == a.Own.Invoice {
					i.Marker = a.Fresh
				}
			})
		}},
		{name: UpdateOther, want: numberOf(other), effect: void(other)},
		{name: UpdateAll, want: numberOf(isLive), effect: void(isLive)},
		{name: RawWrite, want: numberOf(all), effect: void(all)},
		{name: Delete, want: numberOfLines(own), effect: removes(own)},
		{name: DeleteOther, want: numberOfLines(others), effect: removes(others)},
		{name: DeleteAll, want: numberOfLines(every), effect: removes(every)},
		{name: SoftDelete, want: nothing, effect: func(w *world, s scope, a Args) {
			change(w, s, func(i *invoice) {
				if i.ID == a.Own.Invoice {
					i.Deleted = new(string)
				}
			})
		}},
	}
}

func upsertSpecs() []spec {
	return []spec{
		{name: UpsertNothing, want: nothing, unstated: true},
		{name: UpsertSkipOther, want: nothing, unstated: true},
		{name: UpsertUpdate, want: fresh(""), unstated: true, effect: func(w *world, _ scope, a Args) {
			for n := range w.Customers {
				if c := &w.Customers[n]; c.ID == a.Own.Customer {
					c.Marker = a.Fresh
				}
			}
		}},
	}
}

func refusedSpecs() []spec {
	const stated = "system work may write rows of any tenant that they state"
	return []spec{
		{name: InsertOther, refused: core.ErrTenantMismatch, silent: true, notSystem: stated},
		{name: BatchOther, refused: core.ErrTenantMismatch, silent: true, notSystem: stated},
		{name: Move, refused: errAny, notSystem: stated},
		{name: UpsertOther, refused: errAny, unstated: true},
		{name: ReferOther, refused: errAny, unstated: true},
		{name: SwitchTenant, refused: core.ErrTenantMismatch, unstated: true},
		{name: Forgotten, refused: core.ErrNoTenant, silent: true, notSystem: "it has no context"},
	}
}

func transactionSpecs() []spec {
	afterwards := func(suffixes ...string) func(*world, Args) []string {
		return func(v *world, a Args) []string { return append(customers(v, a), fresh(suffixes...)(v, a)...) }
	}
	return []spec{
		{name: Transaction, want: afterwards(""), effect: adds(""), unstated: true},
		{name: Rollback, want: afterwards(""), unstated: true},
		{name: Nested, want: afterwards("-1"), effect: adds("-1"), unstated: true},
		{name: Savepoint, want: customers, unstated: true},
		{name: Panic, want: customers, unstated: true},
	}
}
