package stratumpgx

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/stratum-hq/stratum-go/core"
)

// DriverConn is the driver connection of [DB.SQL], as [sql.Conn.Raw] yields it.
// database/sql calls its methods one at a time.
type DriverConn struct {
	db    *DB
	mode  pgx.QueryExecMode // of statements without arguments; zero: the configuration's
	bound *stdlib.Conn      // nil: not bound
	unit  unit              // of bound; its pooled is nil, stdlib holds that
}

var (
	_ driver.Conn               = (*DriverConn)(nil)
	_ driver.ConnBeginTx        = (*DriverConn)(nil)
	_ driver.ConnPrepareContext = (*DriverConn)(nil)
	_ driver.ExecerContext      = (*DriverConn)(nil)
	_ driver.QueryerContext     = (*DriverConn)(nil)
	_ driver.Pinger             = (*DriverConn)(nil)
	_ driver.NamedValueChecker  = (*DriverConn)(nil)
	_ driver.Validator          = (*DriverConn)(nil)
	_ driver.SessionResetter    = (*DriverConn)(nil)
)

// bind makes sure that the connection is in the scope of ctx.
func (c *DriverConn) bind(ctx context.Context) (*stdlib.Conn, error) {
	if c.bound != nil {
		conn := c.unit.conn
		switch {
		case conn.IsClosed():
			return nil, driver.ErrBadConn // its transaction and its session are lost with it
		case conn.PgConn().TxStatus() != 'I':
			return c.bound, c.unit.check(ctx)
		default:
			scope, err := core.ScopeFrom(ctx)
			if err != nil {
				return nil, err
			}
			if same(scope, c.unit.scope) && scope.ReadOnly == c.unit.scope.ReadOnly {
				return c.bound, nil
			}
			if conn.PgConn().IsBusy() {
				return nil, core.Errorf(core.TenantMismatch, "rows of %s are still open on this connection", describe(c.unit.scope))
			}
			c.unbind() // another tenant, or another server, is another session
		}
	}
	b, err := c.db.bind(ctx)
	if err != nil {
		return nil, err
	}
	c.db.logSystem(ctx, b)
	bound, err := b.pool.stdlib(ctx)
	if err = b.reached(err); err != nil {
		b.hold.release()
		if b.second && errors.Is(err, core.ErrDatabaseDown) {
			return c.bind(ctx) // not the replica again, which now has its pause
		}
		return nil, err
	}
	c.bound, c.unit = bound, unit{conn: bound.Conn(), scope: b.scope, hold: b.hold}
	return bound, nil
}

// unbind gives the pooled connection back.
func (c *DriverConn) unbind() {
	if c.bound == nil {
		return
	}
	finish(c.unit.conn)
	_ = c.bound.Close() // releases to the pool
	c.unit.hold.release()
	c.bound, c.unit = nil, unit{}
}

// QueryContext implements [driver.QueryerContext].
func (c *DriverConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	in, err := c.bind(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := in.QueryContext(ctx, query, c.options(args))
	return rows, c.explain(err)
}

// ExecContext implements [driver.ExecerContext].
func (c *DriverConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	in, err := c.bind(ctx)
	if err != nil {
		return nil, err
	}
	result, err := in.ExecContext(ctx, query, c.options(args))
	return result, c.explain(err)
}

// options are the arguments with pgx's own in front of them, if there are none.
func (c *DriverConn) options(args []driver.NamedValue) []driver.NamedValue {
	if c.mode == 0 || len(args) > 0 {
		return args
	}
	return []driver.NamedValue{{Ordinal: 1, Value: c.mode}}
}

// errLost replaces [driver.ErrBadConn] where database/sql would execute again what
// the server may have executed already: it does so outside of transactions. Of a
// connection that is open, [driver.ErrBadConn] says that rows are still being read.
var errLost = fmt.Errorf("stratumpgx: the connection was lost after the statement had been sent; it may have been executed: %w", io.ErrUnexpectedEOF)

func (c *DriverConn) explain(err error) error {
	err = c.unit.explain(err)
	conn := c.unit.conn
	if errors.Is(err, driver.ErrBadConn) && conn.IsClosed() && conn.PgConn().TxStatus() == 'I' && linkOf(conn).Sent() {
		return errLost
	}
	return err
}

// BeginTx implements [driver.ConnBeginTx].
func (c *DriverConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	in, err := c.bind(ctx)
	if err != nil {
		return nil, err
	}
	return in.BeginTx(ctx, opts)
}

// Begin implements [driver.Conn]; without a context there is no tenant.
func (c *DriverConn) Begin() (driver.Tx, error) { return nil, core.ErrNoTenant }

// PrepareContext implements [driver.ConnPrepareContext]. The statement is a holder of
// its text: pgx prepares and caches by text on each connection, and a statement that
// were prepared here would be prepared again, and dropped, at each use.
func (c *DriverConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &stmt{c, query}, nil
}

// Prepare implements [driver.Conn].
func (c *DriverConn) Prepare(query string) (driver.Stmt, error) { return &stmt{c, query}, nil }

// Ping implements [driver.Pinger]. It needs no tenant.
func (c *DriverConn) Ping(ctx context.Context) error {
	if c.bound == nil {
		return c.db.Ping(ctx)
	}
	return c.bound.Ping(ctx)
}

// CheckNamedValue implements [driver.NamedValueChecker]: pgx knows how to encode values.
func (c *DriverConn) CheckNamedValue(v *driver.NamedValue) error {
	return (*stdlib.Conn)(nil).CheckNamedValue(v)
}

// IsValid implements [driver.Validator]. database/sql asks when it gets the
// connection back, before anybody else can have it: the moment to let go.
func (c *DriverConn) IsValid() bool {
	c.unbind()
	return true
}

// ResetSession implements [driver.SessionResetter]. There is nothing to do: the
// connection is bound to none.
func (c *DriverConn) ResetSession(context.Context) error { return nil }

// Close implements [driver.Conn].
func (c *DriverConn) Close() error {
	c.unbind()
	return nil
}

// WithConn calls fn with the raw pgx connection, bound in the scope of ctx. It runs in
// that scope whatever context is used on it, and must not be kept.
//
//	err := sqlConn.Raw(func(dc any) error {
//		return dc.(*stratumpgx.DriverConn).WithConn(ctx, func(conn *pgx.Conn) error { … })
//	})
func (c *DriverConn) WithConn(ctx context.Context, fn func(*pgx.Conn) error) error {
	if _, err := c.bind(ctx); err != nil {
		return err
	}
	return fn(c.unit.conn)
}

// stmt is a prepared statement: its text.
type stmt struct {
	conn  *DriverConn
	query string
}

var (
	_ driver.StmtExecContext  = (*stmt)(nil)
	_ driver.StmtQueryContext = (*stmt)(nil)
)

func (s *stmt) Close() error  { return nil }
func (s *stmt) NumInput() int { return -1 } // the server counts

func (s *stmt) Exec([]driver.Value) (driver.Result, error) { return nil, core.ErrNoTenant }
func (s *stmt) Query([]driver.Value) (driver.Rows, error)  { return nil, core.ErrNoTenant }

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}
