package guides

import (
	"context"
	"database/sql"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // for the owner

	stratumpgx "github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	stratumtest "github.com/stratum-hq/stratum-go/testutil"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func protect(ctx context.Context, owner *pgx.Conn) error {
	err := rls.Protect(ctx, owner,
		rls.Table{Name: "customer", CompositeKey: true, ForeignKeys: true},
		rls.Table{Name: "invoice", CompositeKey: true, ForeignKeys: true},
	)
	return err
}

func TestIsolation(t *testing.T) {
	database := pgtest.New(t)
	conn := database.Conn(t, embedpg.Owner)
	_, err := conn.Exec(t.Context(), `create table customer (id int generated always as identity primary key, name text not null);
		create table invoice (id int generated always as identity primary key, customer_id int not null references customer on delete cascade, total numeric not null)`)
	if err != nil {
		t.Fatal(err)
	}
	if err := protect(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	db, err := stratumpgx.Open(t.Context(), database.URL(embedpg.App), stratumpgx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	owner, err := sql.Open("pgx", database.URL(embedpg.Owner))
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	stratumtest.AssertIsolation(t, db.SQL(), stratumtest.Config{Owner: owner})
}
