package stratumpgx_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"testing"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// TestSQLConnectionErrors is about what database/sql is told of a connection that cannot
// be used: what pgx's own driver says, unless database/sql would execute again what may
// have been executed.
func TestSQLConnectionErrors(t *testing.T) {
	d := database(t)
	s := open(t, d, "", stratumpgx.Config{}).SQL()
	ctx := as(tenantA)

	t.Run("rows are open", func(t *testing.T) {
		tx, err := s.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback() }()
		rows, err := tx.QueryContext(ctx, "select n from generate_series(1, 3) n")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.ExecContext(ctx, "select 1"); !errors.Is(err, driver.ErrBadConn) {
			t.Errorf("%v, while rows are read", err)
		}
		if err := errors.Join(rows.Close(), rows.Err()); err != nil {
			t.Error(err)
		}
	})

	// terminate ends a session from outside and waits until it is gone.
	terminate := func(t *testing.T, q sqlQuerier) {
		var pid int
		if err := q.QueryRowContext(ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
			t.Fatal(err)
		}
		var gone bool
		if err := d.Conn(t, embedpg.Superuser).QueryRow(ctx, "select pg_terminate_backend($1, 10000)", pid).Scan(&gone); err != nil || !gone {
			t.Fatal(gone, err)
		}
	}

	t.Run("lost in a transaction", func(t *testing.T) {
		tx, err := s.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		terminate(t, tx)
		if _, err := tx.ExecContext(ctx, "select 1"); !errors.Is(err, driver.ErrBadConn) {
			t.Error(err)
		}
		if err := tx.Commit(); err == nil {
			t.Error("committed on a connection that was lost")
		}
	})

	t.Run("lost while pinned", func(t *testing.T) {
		conn, err := s.Conn(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		terminate(t, conn)
		if _, err := conn.ExecContext(ctx, "select 1"); !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) {
			t.Error(err)
		}
		// Never another session under the same *sql.Conn.
		if _, err := conn.ExecContext(ctx, "select 1"); !errors.Is(err, driver.ErrBadConn) {
			t.Error(err)
		}
		if _, err := conn.ExecContext(ctx, "select 1"); !errors.Is(err, sql.ErrConnDone) {
			t.Error(err)
		}
		mustSQLCount(t, ctx, s, notesOfA)
	})
}
