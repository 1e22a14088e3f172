package stratument_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stratum-hq/stratum-go/adapters/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/customer"
	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent/hook"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

func TestStampIsVisible(t *testing.T) {
	c, _ := open(t, database(t), 1)
	rows, err := c.Customer.MapCreateBulk([]string{"x", "y"}, func(create *ent.CustomerCreate, i int) {
		create.SetEmail([]string{"x", "y"}[i]).SetMarker("m")
	}).Save(as(tenantA))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range append(rows, newCustomer(c, "z").SaveX(as(tenantA))) {
		if row.TenantID != tenantA.ID {
			t.Errorf("%s is of tenant %v", row.Email, row.TenantID)
		}
	}
}

// TestStampRefusesBeforeAnythingIsSent counts bytes.
func TestStampRefusesBeforeAnythingIsSent(t *testing.T) {
	db, wire := scoped(t, database(t), 1)
	driver := ent.Driver(stratument.Driver(db))
	c, thief := ent.NewClient(driver), ent.NewClient(driver)
	a, _ := fill(t, c)
	thief.Customer.Use(hook.On(func(next ent.Mutator) ent.Mutator {
		return hook.CustomerFunc(func(ctx context.Context, m *ent.CustomerMutation) (ent.Value, error) {
			m.SetTenantID(tenantB.ID) // the field has no setter on updates, its mutation has
			return next.Mutate(ctx, m)
		})
	}, ent.OpUpdateOne|ent.OpUpdate))
	stolen := func() *ent.CustomerCreate { return newCustomer(c, "x").SetTenantID(tenantB.ID) }
	ctx := as(tenantA)
	for name, exec := range map[string]func(context.Context) error{
		"create":      stolen().Exec,
		"bulk":        c.Customer.CreateBulk(newCustomer(c, "1"), stolen()).Exec,
		"upsert":      stolen().OnConflictColumns(customer.FieldID).UpdateNewValues().Exec,
		"bulk upsert": c.Customer.CreateBulk(newCustomer(c, "1"), stolen()).OnConflictColumns(customer.FieldID).UpdateNewValues().Exec,
		"update one":  thief.Customer.UpdateOneID(a.customer.ID).SetMarker("x").Exec,
		"update":      thief.Customer.Update().SetMarker("x").Exec,
	} {
		sent := wire.Sent()
		if err := exec(ctx); !errors.Is(err, core.ErrTenantMismatch) || wire.Sent() != sent {
			t.Errorf("%s: %v, after %d bytes", name, err, wire.Sent()-sent)
		}
	}
}

// TestUpsertKeepsTheTenant: UpdateNewValues sets all fields but those that cannot be updated.
func TestUpsertKeepsTheTenant(t *testing.T) {
	c, _ := open(t, database(t), 1)
	fill(t, c)
	err := c.Customer.CreateBulk(newCustomer(c, "a").SetMarker("new"), newCustomer(c, "b")).
		OnConflictColumns(customer.FieldTenantID, customer.FieldEmail).UpdateNewValues().Exec(as(tenantA))
	if err != nil {
		t.Fatal(err)
	}
	got, err := allCustomers(as(tenantA), c)
	want(t, got, err, "-", "b", "new")
	got, err = allCustomers(as(tenantB), c)
	want(t, got, err, "-", "b")
}

// TestStampInAnInheritingTransaction: a context that says nothing of tenancy runs in
// the scope of the transaction, but there is nothing to stamp with.
func TestStampInAnInheritingTransaction(t *testing.T) {
	c, _ := open(t, database(t), 1)
	err := within(as(tenantA), c, func(tx *ent.Tx) error {
		if err := newCustomer(tx.Client(), "x").Exec(context.Background()); !errors.Is(err, core.ErrNoTenant) {
			t.Errorf("unstated: %v", err)
		}
		return newCustomer(tx.Client(), "x").SetTenantID(tenantA.ID).Exec(context.Background())
	})
	if err != nil {
		t.Error(err)
	}
	if err := newCustomer(c, "y").SetTenantID(tenantA.ID).Exec(t.Context()); !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("outside, nothing inherits: %v", err)
	}
	err = within(as(tenantA), c, func(tx *ent.Tx) error {
		return newCustomer(tx.Client(), "y").SetTenantID(tenantB.ID).Exec(context.Background())
	})
	if err == nil {
		t.Error("the database does not compare what is stated")
	}
}

func TestStampUnderSystem(t *testing.T) {
	c, _ := open(t, database(t), 1)
	fill(t, c)
	system := core.System(t.Context(), "importing a customer")
	if err := newCustomer(c, "x").Exec(system); !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("a row of nobody: %v", err)
	}
	if err := newCustomer(c, "x").SetTenantID(tenantB.ID).Exec(system); err != nil {
		t.Fatal(err)
	}
	got, err := allCustomers(as(tenantB), c)
	want(t, got, err, "-", "b", "x")
	got, err = list(system, c, ormtest.Args{})
	want(t, got, err, "a", "b")
	if n, err := c.Customer.Update().SetMarker("all").Save(system); n != 5 || err != nil {
		t.Errorf("it updated %d, %v", n, err)
	}
}
