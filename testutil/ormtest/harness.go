package ormtest

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

// ORM is an ORM with our adapter for it.
type ORM struct {
	// Open makes a database with [Schema], protects its [Tables], and opens the ORM
	// on it: as the application's role, on a pool of at most conns connections, with
	// a login for [core.System]. The suite calls it a few times, and uses what it
	// returns until the test ends.
	Open func(t testing.TB, conns int) DB

	// NotApplicable says why the ORM cannot do what a shape asks for, in a sentence.
	// A shape that is neither here nor in [DB].Shapes fails the suite.
	NotApplicable map[Name]string
}

// DB is an open database.
type DB struct {
	// Admin is a connection that row-level security does not bind. The suite seeds
	// and inspects the tables with it.
	Admin *sql.DB

	// Wire counts what the pool of the application's role sends.
	Wire *Wire

	// Shapes are the pieces of work, as a user of the ORM would write them.
	Shapes map[Name]Shape
}

// Shape is one way to work with an ORM; its [Name] says what it must do. It returns
// the markers of all rows it has seen or written, in any order, or the figures that
// its name asks for. Whatever goes wrong is returned as it is; only "no such row"
// is not an error but an empty result.
type Shape func(ctx context.Context, a Args) ([]string, error)

// Args is what a shape is told.
type Args struct {
	Own   Rows   // of the tenant that the context runs as; under System, of some tenant
	Other Rows   // of another one
	Fresh string // a text that no row has yet, for the rows to write
}

// Rows names some rows of a tenant.
type Rows struct {
	Tenant   *core.Tenant
	Customer int64  // one that has live and deleted invoices
	Email    string // its e-mail address; the other tenant has a customer with the same
	Invoice  int64  // a live one, with lines and tags
	Number   string // its number; the other tenant has a live invoice with the same
	Line     int64
}

// As returns ctx in the scope of the tenant.
func (r Rows) As(ctx context.Context) context.Context { return core.NewContext(ctx, r.Tenant) }
