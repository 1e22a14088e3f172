package stratument_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/stratum-hq/stratum-go/adapters/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/customer"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/invoice"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/line"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/predicate"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/tag"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// graph is a customer "a" or "b" with an invoice, its line and its tag of the same
// marker; the customer "-" of each tenant has none.
type graph struct {
	customer *ent.Customer
	invoice  *ent.Invoice
	tag      *ent.Tag
}

// fill gives both tenants a graph.
func fill(t testing.TB, c *ent.Client) (a, b graph) {
	t.Helper()
	for _, tenant := range []*core.Tenant{tenantA, tenantB} {
		ctx, m, g := as(tenant), tenant.Slug, graph{}
		var err error
		if g.customer, err = newCustomer(c, m).Save(ctx); err == nil {
			g.tag, err = c.Tag.Create().SetName(m).SetMarker(m).Save(ctx)
		}
		if err == nil {
			g.invoice, err = newInvoice(c, m, g.customer.ID).AddTags(g.tag).Save(ctx)
		}
		if err == nil {
			err = c.Line.Create().SetInvoice(g.invoice).SetMarker(m).Exec(ctx)
		}
		if err == nil {
			err = newCustomer(c, "-").Exec(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		a, b = b, g
	}
	return a, b
}

func want(t testing.TB, got []string, err error, markers ...string) {
	t.Helper()
	slices.Sort(got)
	if err != nil || !slices.Equal(got, markers) {
		t.Errorf("got %q, %v, want %q", got, err, markers)
	}
}

// TestPeerHole_ent4509 runs each shape that ent's interceptors do not reach, or that
// its issue 4509 says to verify. No client here has an interceptor.
func TestPeerHole_ent4509(t *testing.T) {
	c, _ := open(t, database(t), 2)
	a, b := fill(t, c)
	ctx := as(tenantA)
	for name, p := range map[string]predicate.Customer{
		"HasX":             customer.HasInvoices(),
		"HasXWith":         customer.HasInvoicesWith(invoice.MarkerNEQ("")),
		"HasX, two levels": customer.HasInvoicesWith(invoice.HasLines(), invoice.HasTags()),
		"not not HasX":     customer.Not(customer.Not(customer.HasInvoices())),
		"or":               customer.Or(customer.HasInvoicesWith(invoice.ID(b.invoice.ID)), customer.HasInvoicesWith(invoice.ID(a.invoice.ID))),
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := c.Customer.Query().Where(p).All(ctx)
			want(t, customers(rows), err, "a")
			n, err := c.Customer.Query().Where(p).Count(ctx)
			if n != 1 || err != nil {
				t.Errorf("it counts %d, %v", n, err)
			}
		})
	}
	t.Run("HasX of nobody", func(t *testing.T) {
		rows, err := c.Customer.Query().Where(customer.Not(customer.HasInvoices())).All(ctx)
		want(t, customers(rows), err, "-")
		ok, err := c.Customer.Query().Where(customer.HasInvoicesWith(invoice.ID(b.invoice.ID))).Exist(ctx)
		if ok || err != nil {
			t.Errorf("B's invoice exists for A: %v, %v", ok, err)
		}
	})
	t.Run("Count and Aggregate", func(t *testing.T) {
		n, err := c.Customer.Query().Count(ctx)
		if n != 2 || err != nil {
			t.Errorf("Count: %d, %v", n, err)
		}
		n, err = c.Customer.Query().Aggregate(ent.Count()).Int(ctx)
		if n != 2 || err != nil {
			t.Errorf("Aggregate: %d, %v", n, err)
		}
		last, err := c.Customer.Query().Aggregate(ent.Max(customer.FieldMarker)).String(ctx)
		want(t, []string{last}, err, "a")
		groups, err := c.Customer.Query().GroupBy(customer.FieldMarker).Strings(ctx)
		want(t, groups, err, "-", "a")
		distinct, err := c.Customer.Query().Unique(true).Select(customer.FieldMarker).Strings(ctx)
		want(t, distinct, err, "-", "a")
	})
	t.Run("eager loading", func(t *testing.T) {
		rows, err := c.Tag.Query().WithInvoices(func(q *ent.InvoiceQuery) { q.WithCustomer().WithLines() }).All(ctx)
		want(t, tags(rows), err, "a")
		for _, row := range rows {
			want(t, invoices(row.Edges.Invoices), nil, "a")
			for _, i := range row.Edges.Invoices {
				want(t, append(lines(i.Edges.Lines), i.Edges.Customer.Marker), nil, "a", "a")
			}
		}
	})
	t.Run("nested edges", func(t *testing.T) {
		rows, err := c.Customer.Query().QueryInvoices().QueryTags().QueryInvoices().QueryLines().All(ctx)
		want(t, lines(rows), err, "a")
		other, err := b.customer.QueryInvoices().All(ctx) // an entity that leaked from the other tenant's request
		want(t, invoices(other), err)
		for _, err := range []error{
			func() error { _, err := b.invoice.QueryCustomer().Only(ctx); return err }(),
			func() error { _, err := c.Line.Query().Where(line.Marker("b")).FirstID(ctx); return err }(),
			b.invoice.Update().SetStatus("void").Exec(ctx),
			c.Invoice.DeleteOne(b.invoice).Exec(ctx),
		} {
			if !ent.IsNotFound(err) {
				t.Errorf("B's entity in A's hands: %v", err)
			}
		}
	})
}

// TestPeerHole_entRaw: ent's own policies end where sql/execquery and sql/modifier begin.
func TestPeerHole_entRaw(t *testing.T) {
	c, _ := open(t, database(t), 2)
	fill(t, c)
	got, err := texts(as(tenantA), c, "select marker from customer where true or true")
	want(t, got, err, "-", "a")
	rows, err := c.Customer.Query().Modify(func(s *entsql.Selector) { s.Where(entsql.ExprP("true or true")) }).All(as(tenantB))
	want(t, customers(rows), err, "-", "b")
	n, err := c.Customer.Update().Modify(func(u *entsql.UpdateBuilder) { u.Set("email", entsql.Expr("marker || '@'")) }).Save(as(tenantB))
	if n != 2 || err != nil {
		t.Errorf("a modifier wrote %d rows, %v", n, err)
	}
	err = within(as(tenantA), c, func(tx *ent.Tx) error {
		got, err := texts(context.Background(), tx, "select marker from customer for update") // says nothing: inherits
		want(t, got, err, "-", "a")
		locked, err := tx.Customer.Query().ForUpdate(entsql.WithLockAction(entsql.NoWait)).All(as(tenantA))
		want(t, customers(locked), err, "-", "a")
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestPeerHole_entEdgesAcrossTenants: ent's manual checks by a rule with a query of its own that
// both ends of an edge belong to one tenant.
func TestPeerHole_entEdgesAcrossTenants(t *testing.T) {
	c, _ := open(t, database(t), 2)
	a, b := fill(t, c)
	ctx := as(tenantA)
	for name, err := range map[string]error{
		"many to many":           c.Invoice.UpdateOne(a.invoice).AddTags(b.tag).Exec(ctx),
		"many to many, new":      newInvoice(c, "x", a.customer.ID).AddTagIDs(b.tag.ID).Exec(ctx),
		"many to many, reversed": c.Tag.UpdateOne(a.tag).AddInvoiceIDs(b.invoice.ID).Exec(ctx),
		"one to many":            c.Invoice.UpdateOne(a.invoice).SetCustomerID(b.customer.ID).Exec(ctx),
		"one to many, new":       c.Line.Create().SetInvoiceID(b.invoice.ID).SetMarker("x").Exec(ctx),
	} {
		if !ent.IsConstraintError(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := c.Customer.UpdateOne(a.customer).AddInvoiceIDs(b.invoice.ID).Exec(ctx); err == nil {
		t.Error("A's customer has B's invoice")
	}
	if err := c.Invoice.UpdateOne(a.invoice).ClearTags().Exec(ctx); err != nil {
		t.Error(err)
	}
	if err := c.Tag.Update().ClearInvoices().Exec(ctx); err != nil { // of all tags
		t.Error(err)
	}
	rows, err := c.Invoice.Query().Where(invoice.HasTagsWith(tag.Marker("b"))).All(as(tenantB))
	want(t, invoices(rows), err, "b")
}

func TestTablesAreNotMadeHere(t *testing.T) {
	c, wire := open(t, database(t), 1)
	for name, ctx := range map[string]context.Context{"a tenant": as(tenantA), "nobody": t.Context(), "system": core.System(t.Context(), "test")} {
		sent := wire.Sent()
		err := c.Schema.Create(ctx)
		if err == nil || !strings.Contains(err.Error(), "use stratument.Migrate") || wire.Sent() != sent {
			t.Errorf("as %s: %v, after %d bytes", name, err, wire.Sent()-sent)
		}
	}
}

// TestDriverIsEnts: all that ent and its users ask of a driver passes through.
func TestDriverIsEnts(t *testing.T) {
	db, _ := scoped(t, database(t), 1)
	driver := stratument.Driver(db)
	if driver.Dialect() != dialect.Postgres {
		t.Error(driver.Dialect())
	}
	if d, ok := driver.(interface{ DB() *sql.DB }); !ok || d.DB() != db.SQL() {
		t.Error("the *sql.DB is not within reach")
	}
	c := ent.NewClient(ent.Driver(driver), ent.Log(func(...any) {})).Debug()
	fill(t, c)
	got, err := allCustomers(as(tenantA), c)
	want(t, got, err, "-", "a")
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	got, err = allCustomers(as(tenantA), c) // closing a client is not closing the database
	want(t, got, err, "-", "a")
}

// TestSessionVariables: ent's other way to give a policy its tenant does not widen a scope, and leaves nothing behind.
func TestSessionVariables(t *testing.T) {
	c, _ := open(t, database(t), 1)
	fill(t, c)
	ctx := entsql.WithVar(as(tenantA), "app.current_tenant_id", tenantB.ID.String())
	got, err := allCustomers(ctx, c)
	want(t, got, err, "-", "a")
	if _, err := allCustomers(entsql.WithVar(t.Context(), "app.current_tenant_id", tenantB.ID.String()), c); !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("a variable in the place of a tenant: %v", err)
	}
	got, err = list(as(tenantA), c, ormtest.Args{})
	want(t, got, err, "a")
}
