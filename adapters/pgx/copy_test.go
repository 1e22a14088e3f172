package stratumpgx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestCopyFrom(t *testing.T) {
	d := database(t)
	d.Exec(t, embedpg.Owner, `create table "Ledger ""x" (
		id bigint generated always as identity primary key,
		tenant_id uuid not null default nullif(current_setting('app.current_tenant_id', true), '')::uuid,
		"Body" text, amount numeric, tags text[], doc jsonb, at timestamptz, twice numeric generated always as (amount * 2) stored)`)
	d.Exec(t, embedpg.Owner, `alter table "Ledger ""x" enable row level security`)
	d.Exec(t, embedpg.Owner, `create policy p on "Ledger ""x" to stratum_app using (tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid))`)
	d.Exec(t, embedpg.Owner, `grant select, insert on "Ledger ""x" to stratum_app`)
	table := pgx.Identifier{"public", `Ledger "x`}
	columns := []string{"Body", "amount", "tags", "doc"}
	source := func(n int) pgx.CopyFromSource {
		return pgx.CopyFromSlice(n, func(i int) ([]any, error) {
			return []any{fmt.Sprint(i), "1.5", []string{"a", "b,c"}, map[string]int{"i": i}}, nil
		})
	}
	eachModeOf(t, d, func(t *testing.T, db *stratumpgx.DB) {
		total := func(ctx context.Context, q querier) (n int) {
			t.Helper()
			if err := q.QueryRow(ctx, `select count(*) from "Ledger ""x"`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := total(as(tenantA), db)
		want := before
		for _, n := range []int{0, 1, 50, 51, 3000} {
			got, err := db.CopyFrom(as(tenantA), table, columns, source(n))
			if err != nil || got != int64(n) {
				t.Fatalf("%d rows: %d, %v", n, got, err)
			}
			want += n
		}
		if got := total(as(tenantA), db); got != want {
			t.Fatalf("%d rows instead of %d", got, want)
		}
		if got := total(as(tenantB), db); got != 0 {
			t.Fatalf("B sees %d of them", got)
		}
		err := db.BeginFunc(as(tenantB), func(tx pgx.Tx) error {
			for range 2 { // twice in one transaction
				if n, err := tx.CopyFrom(context.Background(), table, columns, source(100)); err != nil || n != 100 {
					t.Errorf("in a transaction: %d, %v", n, err)
				}
			}
			if got := total(as(tenantB), tx); got != 200 {
				t.Errorf("the transaction sees %d rows", got)
			}
			return errors.New("roll back")
		})
		if err == nil || total(as(tenantB), db) != 0 {
			t.Fatal("the rollback left something")
		}
		// Identity values may be given, generated ones may not, as with COPY.
		for _, n := range []int{1, 60} {
			_, err := db.CopyFrom(as(tenantB), table, []string{"id", "Body"}, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return []any{int64(1_000_000 + before + i + n*10_000), "x"}, nil }))
			if err != nil {
				t.Fatal("identity:", err)
			}
			if _, err := db.CopyFrom(as(tenantB), table, []string{"twice"}, pgx.CopyFromSlice(n, func(int) ([]any, error) { return []any{"1"}, nil })); err == nil {
				t.Error("a generated column was written")
			}
			if _, err := db.CopyFrom(as(tenantA), table, []string{"tenant_id"}, pgx.CopyFromSlice(n, func(int) ([]any, error) { return []any{tenantB.ID}, nil })); err == nil {
				t.Error("rows of another tenant were planted")
			}
		}
		_, _ = db.Exec(as(tenantB), `delete from "Ledger ""x"`)
		d.Exec(t, embedpg.Superuser, `delete from "Ledger ""x"`)
	})
}

func TestCopyFromRefusals(t *testing.T) {
	d := database(t)
	db := open(t, d, "", stratumpgx.Config{})
	note := pgx.Identifier{"note"}
	if _, err := db.CopyFrom(as(tenantA), note, nil, bodies(1)); err == nil {
		t.Error("no columns")
	}
	for _, n := range []int{1, 100} {
		err := db.BeginTxFunc(as(tenantA), pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
			_, err := tx.CopyFrom(as(tenantA), note, []string{"body"}, bodies(n))
			return err
		})
		if err == nil || n > 50 && !strings.Contains(err.Error(), "read-only") {
			t.Error("in a read-only transaction:", err)
		}
	}
	d.Exec(t, embedpg.Superuser, "revoke temporary on database "+d.Name+" from stratum_app")
	if _, err := db.CopyFrom(as(tenantA), note, []string{"body"}, bodies(100)); err == nil || !strings.Contains(err.Error(), "TEMP") {
		t.Error("without TEMP:", err)
	}
	boom := errors.New("boom")
	if _, err := db.CopyFrom(as(tenantA), note, []string{"body"}, pgx.CopyFromSlice(10, func(int) ([]any, error) { return nil, boom })); !errors.Is(err, boom) {
		t.Error(err)
	}
	if n := count(t, as(tenantA), db); n != notesOfA {
		t.Errorf("%d notes", n)
	}
}

func TestCopyToIsFiltered(t *testing.T) {
	eachMode(t, func(t *testing.T, db *stratumpgx.DB) {
		var b bytes.Buffer
		if _, err := db.CopyTo(as(tenantB), &b, "copy note (body) to stdout"); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "\n"); n != notesOfB || strings.Contains(b.String(), "a") {
			t.Errorf("%d lines: %s", n, b.String())
		}
	})
}
