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
	bouncer := pgtest.PgBouncer(t, d)
	dsn := bouncer.URL(embedpg.App, d.Name)
	for _, params := range []string{"", "&default_query_exec_mode=exec", "&default_query_exec_mode=cache_describe", "&default_query_exec_mode=simple_protocol"} {
		t.Run(params, func(t *testing.T) {
			db, err := stratumpgx.Open(t.Context(), dsn+params+"&pool_max_conns=12", stratumpgx.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			allThroughPooler(t, db)
			if kept(t, db) {
				t.Error("statements are prepared by their names")
			}
		})
	}
	t.Run("prepared", func(t *testing.T) {
		if !bouncer.Prepares {
			t.Skip("this PgBouncer does not keep prepared statements; 1.21 does")
		}
		// With room for two, statements are closed all the time.
		for _, params := range []string{"", "&statement_cache_capacity=2"} {
			db, err := stratumpgx.Open(t.Context(), dsn+params+"&pool_max_conns=12", stratumpgx.Config{Pooler: stratumpgx.PoolerPrepared})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			allThroughPooler(t, db)
			if !kept(t, db) {
				t.Error("no statement is prepared by its name")
			}
		}
	})
	t.Run("soak", func(t *testing.T) {
		cfg := stratumpgx.Config{}
		if bouncer.Prepares {
			cfg.Pooler = stratumpgx.PoolerPrepared
		}
		db, err := stratumpgx.Open(t.Context(), dsn+"&pool_max_conns=8", cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		f := &fuzzer{t: t, db: db, pooled: true, succeeded: new(sync.Map)}
		f.run(*soak / 10)
	})
}

// allThroughPooler lets clients of both tenants work at once.
func allThroughPooler(t *testing.T, db *stratumpgx.DB) {
	var wg sync.WaitGroup
	for g := range 12 {
		wg.Go(func() { throughPooler(t, db, g) })
	}
	wg.Wait()
}

// kept reports whether the server has a statement prepared once a query was executed.
func kept(t *testing.T, db *stratumpgx.DB) (is bool) {
	t.Helper()
	const query = "select exists (select from pg_prepared_statements where statement like '%this very one%')"
	err := db.BeginFunc(as(tenantA), func(tx pgx.Tx) error { // on one server connection
		for range 2 {
			if err := tx.QueryRow(context.Background(), query).Scan(&is); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return is
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
