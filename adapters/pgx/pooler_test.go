package stratumpgx_test

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// TestThroughPgBouncer: more clients than server connections, two tenants, in every
// mode that a transaction pooler allows.
func TestThroughPgBouncer(t *testing.T) {
	d := database(t)
	dsn := pgtest.PgBouncer(t, d)(embedpg.App, d.Name)
	for _, params := range []string{"", "&default_query_exec_mode=exec", "&default_query_exec_mode=cache_describe", "&default_query_exec_mode=simple_protocol"} {
		t.Run(params, func(t *testing.T) {
			db, err := stratumpgx.Open(t.Context(), dsn+params+"&pool_max_conns=12", stratumpgx.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var wg sync.WaitGroup
			for g := range 12 {
				wg.Go(func() { throughPooler(t, db, g) })
			}
			wg.Wait()
		})
	}
	t.Run("soak", func(t *testing.T) {
		db, err := stratumpgx.Open(t.Context(), dsn+"&pool_max_conns=8", stratumpgx.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		f := &fuzzer{t: t, db: db, pooled: true, succeeded: new(sync.Map)}
		f.run(*soak / 10)
	})
}

func throughPooler(t *testing.T, db *stratumpgx.DB, g int) {
	tenant, want := tenantA, notesOfA
	if g%2 == 1 {
		tenant, want = tenantB, notesOfB
	}
	check := func(how string, n int, err error) {
		if err != nil || n != want {
			t.Errorf("%s: %s sees %d notes, %v", how, tenant.Slug, n, err)
		}
	}
	for range 20 {
		n, err := sqlCount(as(tenant), db.SQL())
		check("sql", n, err)
		err = db.QueryRow(as(tenant), "select count(*) from note where id <= $1", 30).Scan(&n)
		check("pgx", n, err)
		err = db.BeginTxFunc(as(tenant), pgx.TxOptions{IsoLevel: pgx.Serializable, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			return tx.QueryRow(context.Background(), "select count(*) from note where id <= $1", 30).Scan(&n)
		})
		check("transaction", n, err)
		b := &pgx.Batch{}
		for range 5 {
			b.Queue("select count(*) from note where id <= $1", 30).QueryRow(func(row pgx.Row) error {
				err := row.Scan(&n)
				check("batch", n, err)
				return err
			})
		}
		if err := db.SendBatch(as(tenant), b).Close(); err != nil {
			t.Error(err)
		}
		if err := db.BeginFunc(as(tenant), func(tx pgx.Tx) error {
			_, err := tx.CopyFrom(as(tenant), pgx.Identifier{"note"}, []string{"body"}, bodies(60))
			if err == nil {
				err = core.ErrInternal // roll back
			}
			return err
		}); err != core.ErrInternal {
			t.Error(err)
		}
	}
}
