package stratumpgx_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
)

// What is left of a unit of work may be asked when its connection serves somebody else.
// It answers without a look at that connection, as the race detector attests.
func TestResultsOutliveTheirConnection(t *testing.T) {
	db := open(t, database(t), "&pool_max_conns=1", stratumpgx.Config{})
	const failing = "select 1 / (x - 1) from generate_series(0, 1) x"

	rows, err := db.Query(as(tenantA), failing)
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()

	tx, err := db.Begin(as(tenantA))
	if err != nil {
		t.Fatal(err)
	}
	inTx, err := tx.Query(as(tenantA), failing)
	if err != nil {
		t.Fatal(err)
	}
	for inTx.Next() {
	}
	if err := tx.Rollback(as(tenantA)); err != nil {
		t.Fatal(err)
	}

	var batch pgx.Batch
	batch.Queue("select 1")
	results := db.SendBatch(as(tenantA), &batch)
	if err := results.Close(); err != nil {
		t.Fatal(err)
	}

	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() {
		for range 50 {
			if n := count(t, as(tenantB), db); n != notesOfB {
				t.Errorf("B sees %d notes", n)
			}
		}
	})
	for range 1000 {
		for name, err := range map[string]error{"rows": rows.Err(), "rows in a transaction": inTx.Err()} {
			if pe := (*pgconn.PgError)(nil); !errors.As(err, &pe) || pe.Code != "22012" {
				t.Fatalf("%s: %v", name, err)
			}
		}
		_, err := tx.Exec(as(tenantA), "select 1")
		_, err2 := tx.Query(as(tenantA), "select 1")
		err3 := tx.QueryRow(as(tenantA), "select 1").Scan(new(int))
		if !errors.Is(err, pgx.ErrTxClosed) || !errors.Is(err2, pgx.ErrTxClosed) || !errors.Is(err3, pgx.ErrTxClosed) {
			t.Fatal(err, err2, err3)
		}
		_, err = results.Exec()
		_, err2 = results.Query()
		if err3 := results.QueryRow().Scan(new(int)); err == nil || err2 == nil || err3 == nil {
			t.Fatal("a closed batch answers")
		}
	}
}
