package stratumgorm_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/stratum-hq/stratum-go/core"
)

// shop fills the migrated schema: each tenant has an account with two orders, the first
// of two products, and notes on all of them. Ids and SKUs overlap between no tenants
// and all tenants.
func shop(t *testing.T, g *gorm.DB, tenant *core.Tenant) *Account {
	t.Helper()
	name := func(what string) string { return tenant.Slug + "-" + what }
	a := &Account{
		Name:  name("account"),
		Notes: []Note{{Text: name("about account")}},
		Orders: []Order{
			{Amount: 7, Products: []Product{{SKU: "hammer"}, {SKU: "nail"}}, Notes: []Note{{Text: name("about order")}}},
			{Amount: 8},
		},
	}
	if err := g.WithContext(as(tenant)).Create(a).Error; err != nil {
		t.Fatal(err)
	}
	return a
}

// shops opens the migrated schema with both tenants' rows, on the connections of cfg.
func shops(t *testing.T, cfg *gorm.Config) (g *gorm.DB, a, b *Account) {
	t.Helper()
	g, _ = migrated(t, cfg)
	return g, shop(t, g, tenantA), shop(t, g, tenantB)
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func TestAssociationMode(t *testing.T) {
	g, a, b := shops(t, quiet())
	ctx := g.WithContext(as(tenantA))
	products := func() *gorm.Association { return ctx.Model(&a.Orders[0]).Association("Products") }
	if n := products().Count(); n != 2 {
		t.Errorf("the order has %d products", n)
	}
	saw := Product{SKU: "saw"}
	must(t, "Append", products().Append(&saw))
	if saw.TenantID != tenantA.ID {
		t.Errorf("the new product belongs to %s", saw.TenantID)
	}
	must(t, "Delete", products().Delete(&saw))
	must(t, "Replace", products().Replace(&Product{SKU: "drill"}))
	if n := products().Count(); n != 1 {
		t.Errorf("after Replace the order has %d products", n)
	}
	if err := products().Append(&b.Orders[0].Products[0]); err == nil {
		t.Error("an order refers to another tenant's product")
	}
	must(t, "Clear", products().Clear())
	orders := ctx.Model(a).Association("Orders")
	if n := orders.Count(); n != 2 {
		t.Errorf("the account has %d orders", n)
	}
	if n := ctx.Model(b).Association("Orders").Count(); n != 0 {
		t.Errorf("the other tenant's account has %d orders", n)
	}
	if n := g.WithContext(as(tenantB)).Model(&b.Orders[0]).Association("Products").Count(); n != 2 {
		t.Errorf("the other tenant's order has %d products", n)
	}
}

// TestJoinRowsCarryTheTenant, though no model says so.
func TestJoinRowsCarryTheTenant(t *testing.T) {
	g, _, _ := shops(t, quiet())
	system := g.WithContext(core.System(t.Context(), "test"))
	if got := texts(t, system, "select tenant_id || ' ' || count(*) from order_products group by tenant_id order by 1"); fmt.Sprint(got) !=
		fmt.Sprintf("[%s 2 %s 2]", tenantA.ID, tenantB.ID) {
		t.Errorf("the join table holds %v", got)
	}
}

func TestPreloads(t *testing.T) {
	g, _, _ := shops(t, quiet())
	var rows []Account
	must(t, "Preload", g.WithContext(as(tenantB)).Preload("Notes").Preload("Orders.Products").Preload("Orders.Notes", "text like ?", "%order").
		Preload("Country").Preload(clause.Associations).Find(&rows).Error)
	if len(rows) != 1 || len(rows[0].Orders) != 2 || len(rows[0].Orders[0].Products) != 2 ||
		rows[0].Notes[0].Text != "b-about account" || rows[0].Orders[0].Notes[0].Text != "b-about order" {
		t.Errorf("it loaded %+v", rows)
	}
}

func TestSoftDelete(t *testing.T) {
	g, a, b := shops(t, quiet())
	ctx := g.WithContext(as(tenantA))
	if q := ctx.Delete(&Account{}, b.ID); q.Error != nil || q.RowsAffected != 0 {
		t.Errorf("the other tenant's account: %d rows, %v", q.RowsAffected, q.Error)
	}
	if q := ctx.Delete(a); q.Error != nil || q.RowsAffected != 1 {
		t.Errorf("%d rows, %v", q.RowsAffected, q.Error)
	}
	for name, want := range map[string]int64{"scoped": 0, "unscoped": 1} {
		q := ctx.Model(&Account{})
		if name == "unscoped" {
			q = q.Unscoped()
		}
		var n int64
		must(t, name, q.Count(&n).Error)
		if n != want {
			t.Errorf("%s: %d accounts", name, n)
		}
	}
	must(t, "restoring", ctx.Unscoped().Model(a).Update("deleted_at", nil).Error)
	if q := ctx.Unscoped().Session(&gorm.Session{AllowGlobalUpdate: true}).Delete(&Note{}); q.Error != nil || q.RowsAffected != 2 {
		t.Errorf("deleting all notes: %d rows, %v", q.RowsAffected, q.Error)
	}
	if err := ctx.Delete(&Note{}).Error; !errors.Is(err, gorm.ErrMissingWhereClause) {
		t.Errorf("without a condition: %v", err)
	}
}

func TestErrorTranslation(t *testing.T) {
	cfg := quiet()
	cfg.TranslateError = true
	g, a, b := shops(t, cfg)
	ctx := g.WithContext(as(tenantA))
	if err := ctx.Create(&Product{SKU: "hammer"}).Error; !errors.Is(err, gorm.ErrDuplicatedKey) {
		t.Errorf("a duplicate: %v", err)
	}
	if err := ctx.Create(&Order{AccountID: b.ID}).Error; !errors.Is(err, gorm.ErrForeignKeyViolated) {
		t.Errorf("an order of the other tenant's account: %v", err)
	}
	if err := ctx.First(&Account{}, b.ID).Error; !errors.Is(err, gorm.ErrRecordNotFound) {
		t.Errorf("the other tenant's account: %v", err)
	}
	if err := g.First(&Account{}, a.ID).Error; !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("no tenant: %v", err)
	}
	if err := ctx.Create(&Product{TenantID: tenantB.ID}).Error; !errors.Is(err, core.ErrTenantMismatch) {
		t.Errorf("a row of the other tenant: %v", err)
	}
}

func TestReturning(t *testing.T) {
	g, a, _ := shops(t, quiet())
	ctx := g.WithContext(as(tenantA))
	var orders []Order
	must(t, "Update", ctx.Model(&orders).Clauses(clause.Returning{}).Where("account_id = ?", a.ID).
		Update("amount", gorm.Expr("amount * ?", 10)).Error)
	if len(orders) != 2 || orders[0].Amount+orders[1].Amount != 150 || orders[0].TenantID != tenantA.ID {
		t.Errorf("it returned %+v", orders)
	}
	batch := []*Product{{SKU: "x"}, {SKU: "y"}}
	if q := ctx.Create(batch); q.Error != nil || q.RowsAffected != 2 || batch[0].ID == 0 || batch[1].ID == batch[0].ID {
		t.Errorf("%d rows, %v, ids %d and %d", q.RowsAffected, q.Error, batch[0].ID, batch[1].ID)
	}
	sum := ctx.Model(&Order{}).Select("sum(amount)").Where("orders.account_id = accounts.id")
	var names []string
	must(t, "sub-query", ctx.Model(&Account{}).Where("(?) > ?", sum, 100).Pluck("name", &names).Error)
	if fmt.Sprint(names) != "[a-account]" {
		t.Errorf("the sub-query found %v", names)
	}
}

// TestDryRun: what is not executed needs no tenant.
func TestDryRun(t *testing.T) {
	g, wire := open(t, 1, quiet())
	sent := wire.Sent()
	for name, sql := range map[string]string{
		"ToSQL":  g.ToSQL(func(tx *gorm.DB) *gorm.DB { return tx.Where("name = ?", "x").Find(&[]Tag{}) }),
		"create": g.Session(&gorm.Session{DryRun: true, SkipDefaultTransaction: true}).Create(&Tag{Name: "x"}).Statement.SQL.String(),
		"update": g.Session(&gorm.Session{DryRun: true, SkipDefaultTransaction: true}).Model(&Tag{ID: 1}).Update("name", "x").Statement.SQL.String(),
	} {
		if !strings.Contains(sql, `"tag"`) {
			t.Errorf("%s: %q", name, sql)
		}
	}
	if n := wire.Sent() - sent; n != 0 {
		t.Errorf("%d bytes were sent", n)
	}
	c := &Tag{Name: "x"}
	if err := g.WithContext(as(tenantA)).Session(&gorm.Session{DryRun: true}).Create(c).Error; err != nil || c.TenantID != tenantA.ID {
		t.Errorf("with a tenant, it is stamped: %s, %v", c.TenantID, err)
	}
}

// TestConnectionsComeBack, from whatever is left half read.
func TestConnectionsComeBack(t *testing.T) {
	g, _ := open(t, 1, quiet())
	a := g.WithContext(as(tenantA))
	for range 3 {
		must(t, "Row", a.Raw("select generate_series(1, 1000)").Row().Scan(new(int)))
		rows, err := a.Raw("select generate_series(1, 1000)").Rows()
		must(t, "Rows", err)
		rows.Next()
		must(t, "Close", rows.Close())
		must(t, "Take", a.Raw("select generate_series(1, 1000)").Take(new(int)).Error)
		if err := a.Exec("select 1/0").Error; err == nil {
			t.Error("no error")
		}
		if err := a.Create(&Tag{ID: -1}).Create(&Tag{ID: -1}).Error; err == nil {
			t.Error("no error")
		}
		ctx, cancel := context.WithCancel(as(tenantA))
		tx := g.WithContext(ctx).Begin()
		must(t, "Begin", tx.Error)
		cancel() // database/sql rolls back
		must(t, "Connection", a.Connection(func(c *gorm.DB) error { return c.Exec("select 1").Error }))
		must(t, "B", g.WithContext(as(tenantB)).Exec("select 1").Error)
	}
}
