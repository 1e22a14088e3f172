package stratumgorm_test

import (
	"errors"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/stratum-hq/stratum-go/adapters/gorm"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// hookedTag records the tenant that its hook has seen, and may set another.
type hookedTag struct {
	Tag  `gorm:"embedded"`
	Seen core.ID `gorm:"-"`
	Set  core.ID `gorm:"-"`
}

func (t *hookedTag) BeforeCreate(*gorm.DB) error {
	t.Seen = t.TenantID
	if !t.Set.IsZero() {
		t.TenantID = t.Set
	}
	return nil
}

func TestHooksSeeTheStamp(t *testing.T) {
	g, _ := open(t, 1, quiet())
	a := g.WithContext(as(tenantA)).Table("tag")
	mine := &hookedTag{Tag: Tag{Name: "mine", Marker: "mine"}}
	must(t, "Create", a.Create(mine).Error)
	if mine.Seen != tenantA.ID {
		t.Errorf("the hook saw %s", mine.Seen)
	}
	theirs := &hookedTag{Tag: Tag{Name: "theirs", Marker: "theirs"}, Set: tenantB.ID}
	if err := a.Create(theirs).Error; err == nil {
		t.Error("a hook has written a row of another tenant")
	}
	if n := count(t, g, "tag"); n != 1 {
		t.Errorf("there are %d tags", n)
	}
}

// OrderProduct is a join table with a model.
type OrderProduct struct {
	OrderID   uint `gorm:"primaryKey"`
	ProductID uint `gorm:"primaryKey"`
	stratumgorm.Owned
}

func TestJoinTableWithAModel(t *testing.T) {
	d := pgtest.New(t)
	o := owner(t, d)
	must(t, "SetupJoinTable", o.SetupJoinTable(&Order{}, "Products", &OrderProduct{}))
	must(t, "Migrate", stratumgorm.Migrate(t.Context(), o, stratumgorm.MigrateConfig{}, models()...))
	db, _ := scoped(t, d, 1)
	g, err := stratumgorm.Open(db, quiet())
	must(t, "Open", err)
	must(t, "SetupJoinTable", g.SetupJoinTable(&Order{}, "Products", &OrderProduct{}))
	a := shop(t, g, tenantA)
	system := g.WithContext(core.System(t.Context(), "test"))
	row := OrderProduct{OrderID: a.Orders[1].ID, ProductID: a.Orders[0].Products[0].ID}
	if err := system.Create(&row).Error; !errors.Is(err, core.ErrNoTenant) {
		t.Errorf("a row of nobody: %v", err)
	}
	row.TenantID = tenantA.ID
	must(t, "Create", system.Create(&row).Error)
	var n int64
	must(t, "Count", g.WithContext(as(tenantA)).Model(&OrderProduct{}).Count(&n).Error)
	if n != 3 {
		t.Errorf("A has %d join rows", n)
	}
}

// TestJoinRowsUnderSystem have no tenant, unless there is a model that states it.
func TestJoinRowsUnderSystem(t *testing.T) {
	g, a, _ := shops(t, quiet())
	system := g.WithContext(core.System(t.Context(), "test"))
	if err := system.Model(&a.Orders[1]).Association("Products").Append(&a.Orders[0].Products[0]); err == nil {
		t.Error("a join row of nobody was written")
	}
}

// TestMigrateWithAnyConfig of the owner's.
func TestMigrateWithAnyConfig(t *testing.T) {
	d := pgtest.New(t)
	cfg := quiet()
	cfg.PrepareStmt, cfg.SkipDefaultTransaction, cfg.TranslateError = true, true, true
	o, err := gorm.Open(postgres.Open(d.URL(embedpg.Owner)), cfg)
	must(t, "Open", err)
	closing(t, o)
	for range 2 {
		must(t, "Migrate", stratumgorm.Migrate(t.Context(), o, stratumgorm.MigrateConfig{}, models()...))
	}
	dry := o.Session(&gorm.Session{DryRun: true})
	if err := stratumgorm.Migrate(t.Context(), dry, stratumgorm.MigrateConfig{}, models()...); err == nil {
		t.Error("a dry run would have protected the tables")
	}
	must(t, "Migrate nothing", stratumgorm.Migrate(t.Context(), o, stratumgorm.MigrateConfig{}, &Country{}))
	must(t, "afterwards", o.Exec("select 1").Error)
}
