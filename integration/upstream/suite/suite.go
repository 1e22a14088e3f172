package suite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"os"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	stratumpgx "github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
)

// EnvScoped is the environment variable that chooses: 1 is the scoped driver.
const EnvScoped = "STRATUM_UPSTREAM_SCOPED"

// maxConns is the size of the scoped pool. The plain driver has no limit, and some
// tests hold many connections at once.
const maxConns = 40

// OpenDB opens a database as stdlib.OpenDB does. The options are stdlib's own and
// reach only the plain driver.
func OpenDB(config pgx.ConnConfig, opts ...stdlib.OptionOpenDB) *sql.DB {
	if os.Getenv(EnvScoped) != "1" {
		return stdlib.OpenDB(config, opts...)
	}
	return sql.OpenDB(newConnector(config))
}

// OpenDBFromPool opens a database as stdlib.OpenDBFromPool does, on a pool of its own
// with the configuration of the one given.
func OpenDBFromPool(pool *pgxpool.Pool) *sql.DB {
	if os.Getenv(EnvScoped) != "1" {
		return stdlib.OpenDBFromPool(pool)
	}
	return sql.OpenDB(newConnector(*pool.Config().ConnConfig))
}

// Open opens a database as sql.Open does with one of pgx's driver names.
func Open(driverName, dsn string) (*sql.DB, error) {
	if os.Getenv(EnvScoped) != "1" {
		return sql.Open(driverName, dsn)
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	return OpenDB(*config), nil
}

// Conn is the pgx connection below what [sql.Conn.Raw] yields.
func Conn(driverConn any) *pgx.Conn {
	switch c := driverConn.(type) {
	case *stdlib.Conn:
		return c.Conn()
	case *conn:
		var raw *pgx.Conn
		err := c.WithConn(c.tenant(context.Background()), func(in *pgx.Conn) error {
			raw = in
			return nil
		})
		if err != nil {
			panic(err) // as a failed type assertion would, in the place of which this stands
		}
		return raw
	default:
		panic("suite: neither the plain driver nor the scoped one")
	}
}

// A connector opens the scoped database at its first connection, so that an error
// shows where it does on the plain driver. Sessions are not reset: suites expect that
// the next statement of an idle *sql.DB finds the temporary tables of the last one,
// which the plain driver does not promise either, and which a reset ends on purpose.
type connector struct {
	open func() (*stratumpgx.DB, error)
}

func newConnector(config pgx.ConnConfig) *connector {
	return &connector{open: sync.OnceValues(func() (*stratumpgx.DB, error) {
		pool, err := pgxpool.ParseConfig(config.ConnString())
		if err != nil {
			return nil, err
		}
		pool.ConnConfig, pool.MaxConns = &config, maxConns
		return stratumpgx.New(context.Background(), pool, stratumpgx.Config{Reset: stratumpgx.ResetNever})
	})}
}

// Driver implements [driver.Connector].
func (c *connector) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// Connect implements [driver.Connector]: one of the connections of [stratumpgx.DB.SQL],
// pinned for the life of the connection that is returned.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	db, err := c.open()
	if err != nil {
		return nil, err
	}
	pin, err := db.SQL().Conn(ctx)
	if err != nil {
		return nil, err
	}
	made := &conn{pin: pin}
	err = pin.Raw(func(dc any) error {
		made.DriverConn = dc.(*stratumpgx.DriverConn)
		return nil
	})
	return made, err
}

// Close closes what was opened; [sql.DB.Close] calls it. That one does not wait for
// transactions that a test forgot, but a pool does, so it is not waited for here.
func (c *connector) Close() error {
	if db, err := c.open(); err == nil {
		go db.Close()
	}
	return nil
}

// A conn is a scoped driver connection that adds a tenant to contexts without one:
// the suites know of none.
type conn struct {
	*stratumpgx.DriverConn
	pin *sql.Conn
}

// theTenant is the one of all suites.
var theTenant = core.Tenant{ID: core.MustParseID("00000000-0000-7000-8000-000000000001"), Slug: "upstream", Name: "Upstream", Status: core.Active}

func (*conn) tenant(ctx context.Context) context.Context {
	if _, err := core.ScopeFrom(ctx); err == nil {
		return ctx
	}
	return core.NewContext(ctx, &theTenant)
}

// QueryContext implements [driver.QueryerContext].
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return c.DriverConn.QueryContext(c.tenant(ctx), query, args)
}

// ExecContext implements [driver.ExecerContext].
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.DriverConn.ExecContext(c.tenant(ctx), query, args)
}

// BeginTx implements [driver.ConnBeginTx].
func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return c.DriverConn.BeginTx(c.tenant(ctx), opts)
}

// PrepareContext implements [driver.ConnPrepareContext].
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := c.DriverConn.PrepareContext(c.tenant(ctx), query)
	if err != nil {
		return nil, err
	}
	return &stmt{s, c}, nil
}

// Close implements [driver.Conn].
func (c *conn) Close() error { return c.pin.Close() }

// A stmt is a statement of a [conn].
type stmt struct {
	driver.Stmt
	conn *conn
}

// ExecContext implements [driver.StmtExecContext].
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.Stmt.(driver.StmtExecContext).ExecContext(s.conn.tenant(ctx), args)
}

// QueryContext implements [driver.StmtQueryContext].
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.Stmt.(driver.StmtQueryContext).QueryContext(s.conn.tenant(ctx), args)
}
