package stratumbun_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/uptrace/bun"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// res and to are short names.
type res = sql.Result

// to is a resolver that sends everything to a database without a scope.
type to struct{ db *sql.DB }

func (r to) ResolveConn(context.Context, bun.Query) bun.IConn { return r.db }
func (to) Close() error                                       { return nil }

func TestStampIsVisible(t *testing.T) {
	b, _ := open(t, database(t), 1)
	c := customer("x")
	many := []Customer{*customer("y"), *customer("z")}
	pointers := []*Customer{customer("p")}
	for _, model := range []any{c, &many, &pointers} {
		if err := insert(as(tenantA), b, model); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range append(many, *c, *pointers[0]) {
		if row.TenantID != tenantA.ID || row.ID == 0 {
			t.Errorf("after its insert, %s is number %d of tenant %v", row.Marker, row.ID, row.TenantID)
		}
	}
}

// TestStampRefusesBeforeAnythingIsSent counts bytes.
func TestStampRefusesBeforeAnythingIsSent(t *testing.T) {
	b, wire := open(t, database(t), 1)
	fill(t, b)
	theirs := Customer{ID: 1, Marker: "stolen"}
	theirs.TenantID = tenantB.ID
	for name, query := range map[string]interface {
		Exec(context.Context, ...any) (res, error)
	}{
		"insert":       b.NewInsert().Model(&theirs),
		"insert many":  b.NewInsert().Model(&[]Customer{*customer("1"), theirs}),
		"upsert":       b.NewInsert().Model(&theirs).On("conflict (id) do update").Set("marker = excluded.marker"),
		"update":       b.NewUpdate().Model(&theirs).WherePK(),
		"one column":   b.NewUpdate().Model(&theirs).Column("tenant_id").WherePK(),
		"bulk update":  b.NewUpdate().Model(&[]*Customer{&theirs}).Column("marker").Bulk(),
		"without hook": b.NewUpdate().Model(&theirs).OmitZero().WherePK(),
	} {
		sent := wire.Sent()
		_, err := query.Exec(as(tenantA))
		if !errors.Is(err, core.ErrTenantMismatch) || wire.Sent() != sent {
			t.Errorf("%s: %v, after %d bytes", name, err, wire.Sent()-sent)
		}
	}
}

// TestStampIsNotTheWall: what passes by the hook is stopped by the database.
func TestStampIsNotTheWall(t *testing.T) {
	b, _ := open(t, database(t), 1)
	fill(t, b)
	ctx := as(tenantA)
	row := map[string]any{"tenant_id": tenantB.ID, "email": "m", "marker": "m"}
	theirs := &forgetful{Email: "f", Marker: "f"}
	theirs.TenantID = tenantB.ID
	for name, err := range map[string]error{
		"a map":             execute(ctx, b.NewInsert().Model(&row).Table("customer")),
		"a map, by pointer": execute(ctx, b.NewUpdate().Model(&map[string]any{"tenant_id": tenantB.ID}).Table("customer").Where("true")),
		"Set":               execute(ctx, b.NewUpdate().Model((*Customer)(nil)).Set("tenant_id = ?", tenantB.ID).Where("true")),
		"Value":             execute(ctx, b.NewInsert().Model(customer("v")).Value("tenant_id", "?", tenantB.ID)),
		"a shadowed hook":   insert(ctx, b, theirs),
		"raw":               execute(ctx, b.NewRaw("update customer set tenant_id = ?", tenantB.ID)),
	} {
		if err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
	own := &forgetful{Email: "f", Marker: "f"}
	if err := insert(ctx, b, own); err != nil || own.TenantID != tenantA.ID {
		t.Errorf("the database stamps a row whose hook is shadowed: %v, %v", own.TenantID, err)
	}
	if err := execute(ctx, b.NewUpdate().Model(own).WherePK()); err != nil {
		t.Error(err)
	}
}

// forgetful has a hook of its own, and does not call that of Owned.
type forgetful struct {
	Customer `bun:",extend"`
	Email    string
	Marker   string
}

func (*forgetful) BeforeAppendModel(context.Context, bun.Query) error { return nil }

func execute(ctx context.Context, q interface {
	Exec(context.Context, ...any) (res, error)
}) error {
	_, err := q.Exec(ctx)
	return err
}

// TestStampInAnInheritingTransaction: a context that says nothing of tenancy runs in
// the scope of the transaction, and the database stamps.
func TestStampInAnInheritingTransaction(t *testing.T) {
	b, _ := open(t, database(t), 1)
	err := b.RunInTx(as(tenantA), nil, func(_ context.Context, tx bun.Tx) error {
		c := customer("x")
		if err := insert(context.Background(), tx, c); err != nil || c.TenantID != tenantA.ID {
			t.Errorf("stamped %v, %v", c.TenantID, err)
		}
		if err := execute(context.Background(), tx.NewUpdate().Model(c).WherePK()); err != nil {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestStampUnderSystem(t *testing.T) {
	b, _ := open(t, database(t), 1)
	fill(t, b)
	system := core.System(t.Context(), "moving a customer")
	if err := insert(system, b, customer("x")); !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("a row of nobody: %v", err)
	}
	c := customer("x")
	c.TenantID = tenantB.ID
	if err := insert(system, b, c); err != nil {
		t.Fatal(err)
	}
	got, err := customers(as(tenantB), b)
	want(t, got, err, "b", "x")
	c.TenantID = tenantA.ID
	if err := execute(system, b.NewUpdate().Model(c).WherePK()); err != nil {
		t.Errorf("system work may move a row: %v", err)
	}
	got, err = list(system, b, ormtest.Args{})
	want(t, got, err, "a", "b")
}
