// Package ormtest is the conformance suite of Stratum's ORM adapters. It knows no ORM:
// the tests of each adapter plug one in, by writing the same pieces of work, its
// shapes, in the way in which users of that ORM would write them.
//
//	func TestConformance(t *testing.T) {
//		ormtest.Run(t, ormtest.ORM{Open: open, NotApplicable: map[ormtest.Name]string{
//			ormtest.Forgotten: "every method of the ORM takes a context",
//		}})
//	}
//
//	func open(t testing.TB, conns int) ormtest.DB {
//		// a database with ormtest.Schema, protected; the ORM on a pool of conns
//		g := …
//		return ormtest.DB{Admin: superuser, Wire: wire, Shapes: map[ormtest.Name]ormtest.Shape{
//			ormtest.List: func(ctx context.Context, a ormtest.Args) ([]string, error) {
//				var invoices []Invoice
//				err := g.WithContext(ctx).Find(&invoices).Error
//				return markers(invoices), err
//			},
//			…
//		}}
//	}
//
// # The domain
//
// A customer has invoices, which have lines, and many tags each. Every table carries
// the tenant; invoices are deleted softly. Each row has a text of its own, its marker,
// by which the suite knows whose it is ([Schema]). E-mail addresses and
// numbers are unique in a tenant only, and the tenants of the suite share them.
//
// # What the suite does
//
// It seeds three tenants, and runs each shape as two of them: alone, at once, under
// [core.System], without a tenant, and in a cancelled context, on a pool of one
// connection and on one of several. Each time it compares what the shape returned, and
// the contents of all tables of all tenants, with what its model of the tables says.
// So a shape that sees too little fails too, and a write that reaches
// another tenant's row fails even if the shape does not notice.
//
// Work without a tenant, and rows stamped for another one, must be refused before
// anything is sent. Under System, reads see everybody's rows, and new rows that do not
// state their tenant are refused.
package ormtest
