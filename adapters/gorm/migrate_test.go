package stratumgorm_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/stratum-hq/stratum-go/adapters/gorm"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// A schema that Migrate makes. Country belongs to nobody.
type (
	Account struct {
		gorm.Model
		stratumgorm.Owned
		Name      string
		CountryID *uint
		Country   *Country
		Orders    []Order
		Notes     []Note `gorm:"polymorphic:About"`
	}
	Order struct {
		ID uint
		stratumgorm.Owned
		AccountID uint
		Amount    int
		Products  []Product `gorm:"many2many:order_products"`
		Notes     []Note    `gorm:"polymorphic:About"`
	}
	Product struct {
		ID       uint
		TenantID core.ID `gorm:"type:uuid;not null;uniqueIndex:product_sku"`
		SKU      string  `gorm:"uniqueIndex:product_sku"`
	}
	Note struct {
		ID uint
		stratumgorm.Owned
		AboutID   uint
		AboutType string
		Text      string
	}
	Country struct {
		ID   uint
		Name string
	}
)

func models() []any { return []any{&Account{}, &Order{}, &Product{}, &Note{}, &Country{}} }

// protectedTables are those of models that belong to tenants.
var protectedTables = []string{"accounts", "orders", "products", "notes", "order_products"}

// owner opens d as the owner of the tables.
func owner(t testing.TB, d *pgtest.Database) *gorm.DB {
	t.Helper()
	g, err := gorm.Open(postgres.Open(d.URL(embedpg.Owner)), quiet())
	if err != nil {
		t.Fatal(err)
	}
	db, err := g.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return g
}

// migrated makes a database with the schema, and opens it as the application.
func migrated(t testing.TB, cfg *gorm.Config) (*gorm.DB, *pgtest.Database) {
	t.Helper()
	d := pgtest.New(t)
	if err := stratumgorm.Migrate(t.Context(), owner(t, d), stratumgorm.MigrateConfig{}, models()...); err != nil {
		t.Fatal(err)
	}
	db, _ := scoped(t, d, 2)
	g, err := stratumgorm.Open(db, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g, d
}

// texts runs a query for one column of text.
func texts(t testing.TB, g *gorm.DB, query string, args ...any) (out []string) {
	t.Helper()
	if err := g.Raw(query, args...).Scan(&out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMigrateProtects(t *testing.T) {
	_, d := migrated(t, quiet())
	o := owner(t, d)
	for _, name := range protectedTables {
		if n := texts(t, o, "select policyname from pg_policies where tablename = ?", name); len(n) == 0 {
			t.Errorf("%s has no policy", name)
		}
		if ok := texts(t, o, "select (relrowsecurity and relforcerowsecurity)::text from pg_class where oid = ?::text::regclass", name); ok[0] != "true" {
			t.Errorf("%s is not protected", name)
		}
	}
	if ok := texts(t, o, "select relrowsecurity::text from pg_class where oid = 'countries'::regclass"); ok[0] != "false" {
		t.Error("a table of nobody was protected")
	}
	keys := texts(t, o, "select conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace order by 1")
	var plain []string
	for _, key := range keys {
		if !strings.Contains(key, "(tenant_id, ") {
			plain = append(plain, key)
		}
	}
	if len(keys) < 4 || len(plain) != 1 || !strings.Contains(plain[0], "countries") {
		t.Errorf("the foreign keys are\n%s", strings.Join(keys, "\n"))
	}
}

// TestMigrateAgain: nothing is written where nothing has changed.
func TestMigrateAgain(t *testing.T) {
	_, d := migrated(t, quiet())
	o := owner(t, d)
	catalog := func() string {
		return strings.Join(texts(t, o, `
			select 'class ' || relname || xmin from pg_class where relnamespace = 'public'::regnamespace union all
			select 'column ' || attrelid || attname || a.xmin from pg_attribute a join pg_class c on c.oid = attrelid where relnamespace = 'public'::regnamespace union all
			select 'default ' || d.oid || d.xmin from pg_attrdef d union all
			select 'constraint ' || conname || xmin from pg_constraint where connamespace = 'public'::regnamespace union all
			select 'policy ' || oid || polname || xmin from pg_policy
			order by 1`), "\n")
	}
	before := catalog()
	if err := stratumgorm.Migrate(t.Context(), owner(t, d), stratumgorm.MigrateConfig{}, models()...); err != nil {
		t.Fatal(err)
	}
	if after := catalog(); after != before {
		t.Errorf("the catalog was\n%s\nand is\n%s", before, after)
	}
}

func TestMigrateAtOnce(t *testing.T) {
	d := pgtest.New(t)
	var group sync.WaitGroup
	for range 3 {
		o := owner(t, d)
		group.Go(func() {
			if err := stratumgorm.Migrate(t.Context(), o, stratumgorm.MigrateConfig{}, models()...); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// TestMigrateOldTables: tables with rows from before there were tenants.
func TestMigrateOldTables(t *testing.T) {
	d := pgtest.New(t)
	o := owner(t, d)
	old := []string{
		"create table products (id bigserial primary key, sku text)",
		"create table orders (id bigserial primary key, account_id bigint, amount bigint)",
		"create table order_products (order_id bigint references orders, product_id bigint references products, primary key (order_id, product_id))",
		"insert into products (sku) values ('hammer')",
		"insert into orders (account_id, amount) values (1, 7)",
		"insert into order_products values (1, 1)",
	}
	for _, sql := range old {
		if err := o.Exec(sql).Error; err != nil {
			t.Fatal(err)
		}
	}
	type orders struct { // without accounts, which there never were
		ID uint
		stratumgorm.Owned
		AccountID uint
		Amount    int
		Products  []Product `gorm:"many2many:order_products;joinForeignKey:order_id"`
	}
	list := []any{&orders{}, &Product{}, &Note{}}
	err := stratumgorm.Migrate(t.Context(), o, stratumgorm.MigrateConfig{}, list...)
	if e := (*core.Error)(nil); !errors.As(err, &e) || e.Code != core.Validation {
		t.Errorf("rows of nobody: %v", err)
	}
	if o.Migrator().HasTable(&Note{}) || o.Migrator().HasColumn(&Product{}, "tenant_id") {
		t.Error("half of a migration is left")
	}
	cfg := stratumgorm.MigrateConfig{Tables: []rls.Table{{Name: "products", Tenant: tenantA.ID}, {Name: "public.orders", Tenant: tenantA.ID}}}
	if err := stratumgorm.Migrate(t.Context(), o, cfg, list...); err == nil || !strings.Contains(err.Error(), "public.orders") {
		t.Errorf("a table that no model has: %v", err)
	}
	cfg.Tables[1].Name = "orders"
	if err := stratumgorm.Migrate(t.Context(), o, cfg, list...); err != nil {
		t.Fatal(err)
	}
	db, _ := scoped(t, d, 1)
	g, err := stratumgorm.Open(db, quiet())
	if err != nil {
		t.Fatal(err)
	}
	for tenant, want := range map[*core.Tenant]int{tenantA: 1, tenantB: 0} {
		var rows []orders
		if err := g.WithContext(as(tenant)).Preload("Products").Find(&rows).Error; err != nil {
			t.Fatal(err)
		}
		if len(rows) != want || want == 1 && len(rows[0].Products) != 1 {
			t.Errorf("%s sees %+v", tenant.Slug, rows)
		}
	}
}

func TestMigrateRefuses(t *testing.T) {
	g, d := migrated(t, quiet())
	a := g.WithContext(as(tenantA))
	for name, err := range map[string]error{
		"AutoMigrate":          a.AutoMigrate(&Account{}),
		"CreateTable":          a.Migrator().CreateTable(&Account{}),
		"Migrate":              stratumgorm.Migrate(t.Context(), g, stratumgorm.MigrateConfig{}, &Account{}),
		"Migrate of a session": stratumgorm.Migrate(t.Context(), a, stratumgorm.MigrateConfig{}, &Account{}),
	} {
		if err == nil || !strings.Contains(err.Error(), "stratumgorm.Migrate") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if !a.Migrator().HasTable(&Account{}) || a.Migrator().HasTable("nonsense") {
		t.Error("the migrator of a scoped DB must answer questions")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := stratumgorm.Migrate(ctx, owner(t, d), stratumgorm.MigrateConfig{}, models()...); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
}

func TestMigratePlainForeignKeys(t *testing.T) {
	d := pgtest.New(t)
	o := owner(t, d)
	if err := stratumgorm.Migrate(t.Context(), o, stratumgorm.MigrateConfig{PlainForeignKeys: true}, models()...); err != nil {
		t.Fatal(err)
	}
	keys := texts(t, o, "select pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace")
	if len(keys) == 0 || strings.Contains(strings.Join(keys, "\n"), "tenant_id") {
		t.Errorf("the foreign keys are\n%s", strings.Join(keys, "\n"))
	}
}
