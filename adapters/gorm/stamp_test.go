package stratumgorm_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/stratum-hq/stratum-go/adapters/gorm"
	"github.com/stratum-hq/stratum-go/core"
)

// uuid is as uuid.UUID of google/uuid.
type uuid [16]byte

func (u uuid) Value() (driver.Value, error) { return core.ID(u).String(), nil }
func (u *uuid) Scan(src any) error          { return (*core.ID)(u).Scan(src) }

// Models of the table tag, with other types for the tenant.
type (
	stringTag struct {
		ID       int64
		TenantID string
		Name     string
		Marker   string
	}
	arrayTag struct {
		ID       int64
		TenantID uuid
		Name     string
		Marker   string
	}
	pointerTag struct {
		ID       int64
		TenantID *core.ID
		Name     string
		Marker   string
	}
	markedTag struct {
		ID     int64
		Org    core.ID `gorm:"column:tenant_id" stratum:"tenant"`
		Name   string
		Marker string
	}
	plainTag struct {
		ID       int64
		TenantID core.ID `stratum:"-"`
		Name     string
		Marker   string
	}
	wrongTag struct {
		ID       int64
		TenantID int64
		Name     string
		Marker   string
	}
)

// tenantOf returns the tenant of the customer or tag with the marker, as System.
func tenantOf(t *testing.T, g *gorm.DB, table, marker string) core.ID {
	t.Helper()
	var id core.ID
	system := g.WithContext(core.System(t.Context(), "test"))
	if err := system.Table(table).Select("tenant_id").Where("marker = ?", marker).Row().Scan(&id); err != nil {
		t.Fatalf("looking for %s %s: %v", table, marker, err)
	}
	return id
}

// count returns how many rows of the table there are, of all tenants.
func count(t *testing.T, g *gorm.DB, table string) (n int64) {
	t.Helper()
	if err := g.WithContext(core.System(t.Context(), "test")).Table(table).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCreateStamps(t *testing.T) {
	g, _ := open(t, 1, quiet())
	a := g.WithContext(as(tenantA))
	for name, create := range map[string]func(marker string) error{
		"map": func(m string) error {
			return a.Model(&Tag{}).Create(map[string]any{"Name": m, "marker": m}).Error
		},
		"maps": func(m string) error {
			return a.Model(&Tag{}).Create(&[]map[string]any{{"name": m, "marker": m}, {"name": m + "2", "marker": m + "2", "TenantID": tenantA.ID}}).Error
		},
		"pointer to a map": func(m string) error {
			return a.Model(&Tag{}).Create(&map[string]any{"name": m, "marker": m}).Error
		},
		"table without model": func(m string) error {
			return a.Table("tag").Create(map[string]any{"name": m, "marker": m}).Error
		},
		"batches": func(m string) error {
			return a.CreateInBatches([]*Tag{{Name: m, Marker: m}, {Name: m + "2", Marker: m + "2"}, {Name: m + "3", Marker: m + "3"}}, 2).Error
		},
		"first or create": func(m string) error { return a.FirstOrCreate(&Tag{Marker: m}, &Tag{Name: m}).Error },
		"save":            func(m string) error { return a.Save(&Tag{Name: m, Marker: m}).Error },
		"save batch":      func(m string) error { return a.Save([]*Tag{{Name: m, Marker: m}}).Error },
		"string":          func(m string) error { return a.Table("tag").Create(&stringTag{Name: m, Marker: m}).Error },
		"array":           func(m string) error { return a.Table("tag").Create(&arrayTag{Name: m, Marker: m}).Error },
		"pointer":         func(m string) error { return a.Table("tag").Create(&pointerTag{Name: m, Marker: m}).Error },
		"marked field":    func(m string) error { return a.Table("tag").Create(&markedTag{Name: m, Marker: m}).Error },
		"skipped hooks": func(m string) error {
			return a.Session(&gorm.Session{SkipHooks: true}).Create(&Tag{Name: m, Marker: m}).Error
		},
		"new session": func(m string) error {
			return a.Session(&gorm.Session{NewDB: true}).Create(&Tag{Name: m, Marker: m}).Error
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := create(name); err != nil {
				t.Fatal(err)
			}
			if got := tenantOf(t, g, "tag", name); got != tenantA.ID {
				t.Errorf("it belongs to %s", got)
			}
		})
	}
}

func TestTheStampIsInTheModel(t *testing.T) {
	g, _ := open(t, 1, quiet())
	c := customer("a")
	if err := g.WithContext(as(tenantA)).Create(c).Error; err != nil {
		t.Fatal(err)
	}
	if c.TenantID != tenantA.ID || c.ID == 0 {
		t.Errorf("the model has tenant %s and id %d", c.TenantID, c.ID)
	}
}

// TestRefusedBeforeItIsSent: a row of another tenant does not reach the database.
func TestRefusedBeforeItIsSent(t *testing.T) {
	g, wire := open(t, 1, quiet())
	a, b := g.WithContext(as(tenantA)), tenantB.ID
	tag := &Tag{Name: "mine", Marker: "mine"}
	if err := a.Create(tag).Error; err != nil {
		t.Fatal(err)
	}
	foreign := &Tag{ID: tag.ID, Owned: stratumgorm.Owned{TenantID: b}, Name: "x", Marker: "x"}
	for name, work := range map[string]func() *gorm.DB{
		"create":             func() *gorm.DB { return a.Create(&Tag{Owned: foreign.Owned}) },
		"create in a string": func() *gorm.DB { return a.Table("tag").Create(&stringTag{TenantID: b.String()}) },
		"create a map":       func() *gorm.DB { return a.Model(&Tag{}).Create(map[string]any{"tenant_id": b.String()}) },
		"create maps": func() *gorm.DB {
			return a.Model(&Tag{}).Create([]map[string]any{{"name": "y"}, {"TenantID": b}})
		},
		"save":             func() *gorm.DB { return a.Save(foreign) },
		"save a batch":     func() *gorm.DB { return a.Save([]*Tag{{Name: "y"}, foreign}) },
		"updates":          func() *gorm.DB { return a.Model(tag).Updates(Tag{Owned: foreign.Owned}) },
		"updates by map":   func() *gorm.DB { return a.Model(tag).Updates(map[string]any{"TenantID": b}) },
		"updates by other": func() *gorm.DB { return a.Model(tag).Updates(stringTag{TenantID: b.String()}) },
		"update":           func() *gorm.DB { return a.Model(tag).Update("tenant_id", b) },
		"update column":    func() *gorm.DB { return a.Model(tag).UpdateColumn("tenant_id", b.String()) },
		"batches":          func() *gorm.DB { return a.CreateInBatches([]*Tag{foreign}, 10) },
	} {
		t.Run(name, func(t *testing.T) {
			sent := wire.Sent()
			if err := work().Error; !errors.Is(err, core.ErrTenantMismatch) {
				t.Errorf("the error is %v", err)
			}
			if n := wire.Sent() - sent; n != 0 {
				t.Errorf("%d bytes were sent", n)
			}
		})
	}
	if tenantOf(t, g, "tag", "mine") != tenantA.ID || count(t, g, "tag") != 1 {
		t.Error("the table was changed")
	}
}

// TestForeignChildren: the parent is written in a transaction, which the child undoes.
func TestForeignChildren(t *testing.T) {
	g, _ := open(t, 1, quiet())
	c := customer("parent")
	c.Invoices = []Invoice{newInvoice("child")}
	c.Invoices[0].TenantID = tenantB.ID
	if err := g.WithContext(as(tenantA)).Create(c).Error; !errors.Is(err, core.ErrTenantMismatch) {
		t.Errorf("the error is %v", err)
	}
	if n := count(t, g, "customer") + count(t, g, "invoice"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// TestSaveKeepsTheTenant: Save writes every column, also of a row that was made by hand.
func TestSaveKeepsTheTenant(t *testing.T) {
	g, _ := open(t, 1, quiet())
	a := g.WithContext(as(tenantA))
	tag := &Tag{Name: "old", Marker: "old"}
	if err := a.Create(tag).Error; err != nil {
		t.Fatal(err)
	}
	tag.Name = "loaded"
	if err := a.Save(tag).Error; err != nil {
		t.Error(err)
	}
	byHand := &Tag{ID: tag.ID, Name: "by hand", Marker: "by hand"}
	if err := a.Save(byHand).Error; err != nil {
		t.Error(err)
	}
	if tenantOf(t, g, "tag", "by hand") != tenantA.ID || byHand.TenantID != tenantA.ID || count(t, g, "tag") != 1 {
		t.Error("Save has lost the tenant")
	}
}

// TestSaveOfAnothersID: Save updates nothing, and then inserts, ON CONFLICT DO UPDATE.
func TestSaveOfAnothersID(t *testing.T) {
	g, _ := open(t, 1, quiet())
	theirs := &Tag{Name: "theirs", Marker: "theirs"}
	if err := g.WithContext(as(tenantB)).Create(theirs).Error; err != nil {
		t.Fatal(err)
	}
	if err := g.WithContext(as(tenantA)).Save(&Tag{ID: theirs.ID, Name: "mine", Marker: "mine"}).Error; err == nil {
		t.Error("Save has written something")
	}
	if tenantOf(t, g, "tag", "theirs") != tenantB.ID || count(t, g, "tag") != 1 {
		t.Error("the other tenant's row was changed")
	}
}

func TestSystemStatesTheTenant(t *testing.T) {
	g, _ := open(t, 1, quiet())
	system := g.WithContext(core.System(t.Context(), "test"))
	if err := system.Create(&Tag{Name: "x", Marker: "x"}).Error; !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("a row of nobody: %v", err)
	}
	if err := system.Model(&Tag{}).Create(map[string]any{"name": "x", "marker": "x"}).Error; !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("a map of nobody: %v", err)
	}
	tag := &Tag{Owned: stratumgorm.Owned{TenantID: tenantB.ID}, Name: "x", Marker: "x"}
	if err := system.Create(tag).Error; err != nil {
		t.Fatal(err)
	}
	if err := system.Model(tag).Update("tenant_id", tenantA.ID).Error; err != nil {
		t.Errorf("system work may move a row: %v", err)
	}
	if tenantOf(t, g, "tag", "x") != tenantA.ID {
		t.Error("the row was not moved")
	}
}

func TestForgottenContext(t *testing.T) {
	g, wire := open(t, 1, quiet())
	a := g.WithContext(as(tenantA))
	sent := wire.Sent()
	var tags []Tag
	for name, err := range map[string]error{
		"find":   g.Find(&tags).Error,
		"create": g.Create(&Tag{}).Error,
		"map":    g.Model(&Tag{}).Create(map[string]any{"name": "x"}).Error,
		"update": g.Model(&Tag{ID: 1}).Update("name", "x").Error,
		"delete": g.Delete(&Tag{ID: 1}).Error,
		"exec":   g.Exec("select 1").Error,
		"raw":    g.Raw("select 1").Scan(new(int)).Error,
		"rows": func() error {
			rows, err := g.Model(&Tag{}).Rows()
			if err == nil {
				err = errors.Join(rows.Err(), rows.Close())
			}
			return err
		}(),
	} {
		if !errors.Is(err, core.ErrNoTenant) || !strings.Contains(err.Error(), "WithContext") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, err := range map[string]error{
		"row":   g.Raw("select 1").Row().Scan(new(int)),
		"begin": g.Begin().Error,
		"transaction": g.Transaction(func(tx *gorm.DB) error {
			t.Error("a transaction has begun")
			return nil
		}),
		"no reason": g.WithContext(core.System(context.Background(), "")).Find(&tags).Error,
	} {
		if want := map[bool]error{true: core.ErrSystemReason, false: core.ErrNoTenant}[name == "no reason"]; !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := wire.Sent() - sent; n != 0 {
		t.Errorf("%d bytes were sent", n)
	}
	err := a.Transaction(func(tx *gorm.DB) error {
		lost := tx.WithContext(context.Background()) // the transaction's scope is inherited
		if err := lost.Find(&tags).Error; err != nil {
			t.Errorf("reading: %v", err)
		}
		if err := lost.Create(&Tag{Owned: stratumgorm.Owned{TenantID: tenantA.ID}, Name: "x", Marker: "x"}).Error; err != nil {
			t.Errorf("a row that states its tenant: %v", err)
		}
		return lost.Create(&Tag{Name: "y", Marker: "y"}).Error
	})
	if !errors.Is(err, core.ErrNoTenant) || !strings.Contains(err.Error(), "WithContext") {
		t.Errorf("a row without a tenant: %v", err)
	}
}

func TestFieldsThatAreNoTenants(t *testing.T) {
	g, _ := open(t, 1, quiet())
	a := g.WithContext(as(tenantA))
	if err := a.Table("tag").Create(&wrongTag{Name: "x", Marker: "x"}).Error; err == nil || !strings.Contains(err.Error(), "int64") {
		t.Errorf("a number: %v", err)
	}
	if err := a.Table("tag").Create(&plainTag{TenantID: tenantB.ID, Name: "x", Marker: "x"}).Error; err == nil || errors.Is(err, core.ErrTenantMismatch) {
		t.Errorf("a column like any other is left to the database: %v", err)
	}
	if err := a.Table("tag").Create(&stringTag{TenantID: "no uuid", Name: "x", Marker: "x"}).Error; !errors.Is(err, core.ErrTenantRefInvalid) {
		t.Errorf("no UUID: %v", err)
	}
	if err := a.Create(Tag{Name: "x", Marker: "x"}).Error; !errors.Is(err, gorm.ErrInvalidValue) {
		t.Errorf("a value, which cannot be stamped: %v", err)
	}
}
