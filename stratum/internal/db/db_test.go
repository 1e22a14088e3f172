package db_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/migrations"
)

// renamed is a change of a tenant's name.
func renamed(id, name string) db.Mutation {
	return db.Mutation{
		Action: "tenant.renamed",
		Lock:   []string{"select from stratum.tenants where id = @id for no key update"},
		With: `before as (select * from stratum.tenants where id = @id),
			after as (update stratum.tenants set name = @name where id = @id returning *)`,
		Tenant: "id",
		Select: "select name from after",
		Args:   pgx.NamedArgs{"id": id, "name": name},
	}
}

func TestMutate(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	ctx, id := t.Context(), core.NewID().String()
	if err := migrations.Up(ctx, d.URL(embedpg.Lib)); err != nil {
		t.Fatal(err)
	}
	d.Exec(t, embedpg.Lib, "insert into stratum.tenants (id, slug, name) values ($1, 'a', 'old')", id)
	base, err := db.Open(ctx, d.URL(embedpg.Lib), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(base.Close)
	records := func(want int) {
		t.Helper()
		var n int
		err := d.Conn(t, embedpg.Lib).QueryRow(ctx, `select (select count(*) from stratum.audit_log where actor = 'stratum_lib'
			and before ->> 'name' = 'old' and after ->> 'name' = 'new') + (select count(*) from stratum.events)`).Scan(&n)
		if err != nil || n != want {
			t.Errorf("%d records, want %d, %v", n, want, err)
		}
	}
	var name string
	scan := func(r pgx.Row) error { return r.Scan(&name) }

	no := errors.New("no")
	if err := base.Mutate(ctx, renamed(id, "new"), func(pgx.Row) error { return no }); !errors.Is(err, no) {
		t.Error("an error of scan:", err)
	}
	if err := base.Mutate(ctx, renamed(core.NewID().String(), "new"), scan); !errors.Is(err, pgx.ErrNoRows) {
		t.Error("of nothing:", err)
	}
	if err := base.Mutate(ctx, renamed(id, ""), scan); err == nil {
		t.Error("what the table refuses is done")
	}
	m := renamed(id, "new")
	m.Args["actor"] = "somebody else"
	if err := base.Mutate(ctx, m, scan); err == nil {
		t.Error("a parameter of ours is taken")
	}
	records(0)
	if err := base.Mutate(ctx, renamed(id, "new"), scan); err != nil || name != "new" {
		t.Error(name, err)
	}
	records(2)
}

func Example() {
	ctx := context.Background()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()
	dsn := pg.URL(embedpg.Lib, "app")
	if err := migrations.Up(ctx, dsn); err != nil {
		log.Panic(err)
	}
	base, err := db.Open(ctx, dsn, "example")
	if err != nil {
		log.Panic(err)
	}
	defer base.Close()

	m := db.Mutation{
		Action:  "tenant.created",
		Creates: true,
		With:    `after as (insert into stratum.tenants (id, slug, name) values (@id, 'acme', 'Acme') returning *)`,
		Tenant:  "id",
		Select:  "select slug from after",
		Args:    pgx.NamedArgs{"id": core.NewID().String()},
	}
	var slug string
	err = base.Mutate(ctx, m, func(r pgx.Row) error { return r.Scan(&slug) })
	fmt.Println(slug, err)
	// Output: acme <nil>
}
