package stratumtest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/stratum-hq/stratum-go/core"
)

// faults are what a scoped driver can get wrong. The zero value has none.
type faults struct {
	session    bool // sets the tenant for the session, and forgets to take it back
	connect    bool // binds the tenant when it connects
	crossTx    bool // lets any context use a transaction
	keeps      bool // does not clean sessions
	nobody     bool // works without a tenant
	noCopy     bool // offers neither COPY nor LISTEN
	everything bool // sets a tenant nowhere
}

// scoped opens a database whose driver sets the tenant of the context in front of each
// operation, in a transaction of its own.
func scoped(t testing.TB, url string, f faults) *sql.DB {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // DISCARD ALL leaves no statement to remember
	db := sql.OpenDB(connector{stdlib.GetConnector(*cfg), f})
	db.SetMaxIdleConns(8) // connecting is most of the time
	t.Cleanup(func() { _ = db.Close() })
	return db
}

type connector struct {
	driver.Connector
	faults faults
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	conn := &scopedConn{Conn: inner.(*stdlib.Conn), faults: c.faults}
	if c.faults.noCopy {
		return struct{ plainConn }{conn}, nil
	}
	if c.faults.connect {
		id, _ := core.TenantID(ctx)
		_, err = conn.Conn.ExecContext(ctx, set, named(id.String(), "false"))
	}
	return conn, err
}

// plainConn hides what is beyond database/sql.
type plainConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
	driver.NamedValueChecker
}

type scopedConn struct {
	*stdlib.Conn
	faults faults
	tx     *core.ID // of the transaction that is open
	dirty  bool     // something was executed outside of one
}

const set = "select pg_catalog.set_config('app.current_tenant_id', $1::text, $2::text::boolean)"

func named(values ...string) (list []driver.NamedValue) {
	for i, v := range values {
		list = append(list, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return list
}

// scope begins what the context asks for. done ends it.
func (c *scopedConn) scope(ctx context.Context) (done func(error) error, err error) {
	nothing := func(err error) error { return err }
	if c.faults.connect || c.faults.everything {
		return nothing, nil
	}
	id, err := core.TenantID(ctx)
	if s, scopeErr := core.ScopeFrom(ctx); scopeErr == nil && s.Mode != core.ModeTenant {
		err = core.ErrScopeUnsupported
	}
	switch {
	case c.tx != nil && (c.faults.crossTx || !core.HasScope(ctx) || err == nil && id == *c.tx):
		return nothing, nil
	case c.tx != nil:
		return nil, core.ErrTenantMismatch
	case err != nil && c.faults.session || err != nil && c.faults.nobody:
		return nothing, nil
	case err != nil:
		return nil, err
	case c.faults.session:
		_, err = c.Conn.ExecContext(ctx, set, named(id.String(), "false"))
		return nothing, err
	}
	tx, err := c.Conn.BeginTx(ctx, driver.TxOptions{})
	if err != nil {
		return nil, err
	}
	done = func(err error) error {
		if err != nil {
			_ = tx.Rollback()
			return err
		}
		return tx.Commit()
	}
	if _, err = c.Conn.ExecContext(ctx, set, named(id.String(), "true")); err != nil {
		return nil, done(err)
	}
	return done, nil
}

func (c *scopedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	done, err := c.scope(ctx)
	if err != nil {
		return nil, err
	}
	c.dirty = c.dirty || c.tx == nil
	result, err := c.Conn.ExecContext(ctx, query, args)
	return result, done(err)
}

func (c *scopedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	done, err := c.scope(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := c.Conn.QueryContext(ctx, query, args)
	if err != nil {
		return nil, done(err)
	}
	return scopedRows{rows, done}, nil
}

type scopedRows struct {
	driver.Rows
	done func(error) error
}

func (r scopedRows) Close() error { return r.done(r.Rows.Close()) }

func (c *scopedConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	id, err := core.TenantID(ctx)
	if err != nil && !c.faults.nobody && !c.faults.session && !c.faults.connect {
		return nil, err
	}
	tx, err := c.Conn.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	c.tx = &id
	switch {
	case c.faults.connect, c.faults.everything, id.IsZero():
	case c.faults.session:
		_, err = c.Conn.ExecContext(ctx, set, named(id.String(), "false"))
	default:
		_, err = c.Conn.ExecContext(ctx, set, named(id.String(), "true"))
	}
	return scopedTx{tx, c}, err
}

type scopedTx struct {
	driver.Tx
	conn *scopedConn
}

func (tx scopedTx) Commit() error   { tx.conn.tx = nil; return tx.Tx.Commit() }
func (tx scopedTx) Rollback() error { tx.conn.tx = nil; return tx.Tx.Rollback() }

func (c *scopedConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return scopedStmt{c, query}, nil
}

func (c *scopedConn) ResetSession(ctx context.Context) error {
	if !c.dirty || c.faults.keeps || c.faults.session || c.faults.connect {
		return nil
	}
	c.dirty = false
	if _, err := c.Conn.ExecContext(ctx, "discard all", nil); err != nil {
		return driver.ErrBadConn
	}
	return nil
}

func (c *scopedConn) IsValid() bool { return !c.Conn.Conn().IsClosed() }

type scopedStmt struct {
	conn  *scopedConn
	query string
}

func (s scopedStmt) Close() error  { return nil }
func (s scopedStmt) NumInput() int { return -1 }
func (s scopedStmt) Exec([]driver.Value) (driver.Result, error) {
	return nil, errors.New("without a context there is no tenant")
}
func (s scopedStmt) Query([]driver.Value) (driver.Rows, error) {
	return nil, errors.New("without a context there is no tenant")
}
func (s scopedStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}
func (s scopedStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}

func (c *scopedConn) CopyFromText(ctx context.Context, query string, r io.Reader) (int64, error) {
	done, err := c.scope(ctx)
	if err != nil {
		return 0, err
	}
	tag, err := c.Conn.Conn().PgConn().CopyFrom(ctx, r, query)
	return tag.RowsAffected(), done(err)
}

func (c *scopedConn) CopyToText(ctx context.Context, query string, w io.Writer) (int64, error) {
	done, err := c.scope(ctx)
	if err != nil {
		return 0, err
	}
	tag, err := c.Conn.Conn().PgConn().CopyTo(ctx, w, query)
	return tag.RowsAffected(), done(err)
}

func (c *scopedConn) WaitNotification(ctx context.Context) (channel, payload string, err error) {
	n, err := c.Conn.Conn().WaitForNotification(ctx)
	if err != nil {
		return "", "", err
	}
	return n.Channel, n.Payload, nil
}
