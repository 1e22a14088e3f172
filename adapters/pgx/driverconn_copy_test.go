package stratumpgx_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// The interfaces by which others ask a driver connection for these, without importing it.
var (
	_ interface {
		CopyFromText(ctx context.Context, sql string, r io.Reader) (int64, error)
		CopyToText(ctx context.Context, sql string, w io.Writer) (int64, error)
		WaitNotification(ctx context.Context) (channel, payload string, err error)
	} = (*stratumpgx.DriverConn)(nil)
)

// onRaw runs fn on a driver connection.
func onRaw(t testing.TB, db *stratumpgx.DB, fn func(conn *sql.Conn, dc *stratumpgx.DriverConn) error) error {
	t.Helper()
	conn, err := db.SQL().Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return conn.Raw(func(dc any) error { return fn(conn, dc.(*stratumpgx.DriverConn)) })
}

func TestCopyTextIsScoped(t *testing.T) {
	t.Parallel()
	d := database(t)
	d.Exec(t, embedpg.Superuser, "create table plain (body text, who text default current_setting('app.current_tenant_id')); grant select, insert on plain to stratum_app")
	db := open(t, d, "", stratumpgx.Config{})
	err := onRaw(t, db, func(_ *sql.Conn, dc *stratumpgx.DriverConn) error {
		for _, who := range []struct {
			ctx  context.Context
			want int64
		}{{as(tenantA), notesOfA}, {as(tenantB), notesOfB}, {as(tenantA), notesOfA}} {
			var out bytes.Buffer
			if n, err := dc.CopyToText(who.ctx, "copy note to stdout", &out); err != nil || n != who.want || int64(strings.Count(out.String(), "\n")) != n {
				t.Errorf("%d rows, %v", n, err)
			}
		}
		if n, err := dc.CopyFromText(as(tenantB), "copy plain (body) from stdin", strings.NewReader("x\ny\n")); n != 2 || err != nil {
			t.Errorf("%d rows, %v", n, err)
		}
		_, err := dc.CopyFromText(as(tenantA), "copy note (body) from stdin", strings.NewReader("x\n"))
		var pe *pgconn.PgError
		if !errors.As(err, &pe) || pe.Code != "0A000" {
			t.Error("into a protected table:", err)
		}
		if _, err := dc.CopyToText(context.Background(), "copy note to stdout", io.Discard); !errors.Is(err, core.ErrNoTenant) {
			t.Error("without a tenant:", err)
		}
		if _, err := dc.CopyFromText(context.Background(), "copy plain from stdin", strings.NewReader("")); !errors.Is(err, core.ErrNoTenant) {
			t.Error("without a tenant:", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	var n int
	if err := db.SQL().QueryRowContext(as(tenantA), "select count(*) from plain where who = $1", tenantB.ID.String()).Scan(&n); err != nil || n != 2 {
		t.Errorf("%d rows of B, %v", n, err)
	}
}

func TestWaitNotification(t *testing.T) {
	t.Parallel()
	d := database(t)
	db := open(t, d, "&pool_max_conns=1", stratumpgx.Config{})
	conn, err := db.SQL().Conn(as(tenantA))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(as(tenantA), "listen news"); err != nil {
		t.Fatal(err)
	}
	d.Exec(t, embedpg.Superuser, "notify news, 'hello'")
	err = conn.Raw(func(dc any) error {
		channel, payload, err := dc.(*stratumpgx.DriverConn).WaitNotification(as(tenantA))
		if channel != "news" || payload != "hello" {
			t.Error(channel, payload)
		}
		if _, _, err := dc.(*stratumpgx.DriverConn).WaitNotification(context.Background()); !errors.Is(err, core.ErrNoTenant) {
			t.Error("without a tenant:", err)
		}
		ended, cancel := context.WithCancel(as(tenantA))
		cancel()
		if _, _, err := dc.(*stratumpgx.DriverConn).WaitNotification(ended); !errors.Is(err, context.Canceled) {
			t.Error("after the end of the context:", err)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	var body string
	if err := conn.QueryRowContext(as(tenantA), "select max(body) from note").Scan(&body); err != nil || body[0] != 'a' {
		t.Errorf("the connection afterwards: %q, %v", body, err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	var n int
	if err := db.SQL().QueryRowContext(as(tenantB), "select count(*) from pg_listening_channels()").Scan(&n); err != nil || n != 0 {
		t.Errorf("the next user listens to %d channels, %v", n, err)
	}
}
