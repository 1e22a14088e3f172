package stratumpgx

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/stratum-hq/stratum-go/adapters/pgx/internal/wire"
	"github.com/stratum-hq/stratum-go/core"
)

// pool is a pgxpool whose connections are scoped at the wire.
type pool struct {
	*pgxpool.Pool
	db        *DB
	mode      core.Mode
	strategy  core.Strategy    // of the placements that it serves
	database  string           // DB_PER_TENANT: the key
	pooled    bool             // behind a pooler in transaction mode
	connector driver.Connector // stdlib's, over this pool
	connected bool             // the user has an AfterConnect hook, whose work a reset would undo
}

// link is the network connection that pgx sees.
type link struct {
	*wire.Conn
	pool *pool
	rows []scopedRows // unused ones, made in bulk

	buf      []byte // values of the scope, and the scope: room that is used again
	settings []wire.Setting
}

func linkOf(conn *pgx.Conn) *link { return conn.PgConn().Conn().(*link) }

type pingKey struct{}

// pinging marks a context whose connection is used for a ping and nothing else.
func pinging(ctx context.Context) context.Context {
	return context.WithValue(ctx, pingKey{}, true)
}

// open checks the login of a configuration and makes the pool for it.
func (db *DB) open(ctx context.Context, pc *pgxpool.Config, mode core.Mode, strategy core.Strategy, database string) (*pool, error) {
	if pc.ConnConfig.ChannelBinding == "require" {
		return nil, errors.New("stratumpgx: channel_binding=require cannot be met: pgx binds to a *tls.Conn only, and the scope stands in front of it; use channel_binding=prefer and sslmode=verify-full")
	}
	facts, err := db.checkLogin(ctx, pc, mode)
	if err != nil {
		return nil, err
	}
	p := &pool{db: db, mode: mode, strategy: strategy, database: database, pooled: db.cfg.Pooler >= PoolerTransaction || db.cfg.Pooler == PoolerAuto && facts.pooled}
	p.connected = pc.AfterConnect != nil
	if p.pooled && db.cfg.Pooler != PoolerPrepared && pc.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		pc.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	p.hook(pc)
	if p.Pool, err = pgxpool.NewWithConfig(ctx, pc); err != nil {
		return nil, err
	}
	p.connector = stdlib.GetPoolConnector(p.Pool)
	return p, nil
}

// hook puts the scope into the pool's hooks, around those that are there already.
func (p *pool) hook(pc *pgxpool.Config) {
	wrap := pc.ConnConfig.AfterNetConnect
	pc.ConnConfig.AfterNetConnect = func(ctx context.Context, cfg *pgconn.Config, c net.Conn) (net.Conn, error) {
		if wrap != nil {
			var err error
			if c, err = wrap(ctx, cfg, c); err != nil {
				return c, err
			}
		}
		w := wire.Wrap(c)
		w.EachTime = p.pooled
		return &link{Conn: w, pool: p}, nil
	}

	connected := pc.AfterConnect
	pc.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if connected != nil {
			if err := connected(ctx, conn); err != nil {
				return err
			}
		}
		return linkOf(conn).Release()
	}

	prepare := pc.PrepareConn
	//lint:ignore SA1019 a user's configuration may still use the older hook
	if before := pc.BeforeAcquire; prepare == nil && before != nil {
		prepare = func(ctx context.Context, conn *pgx.Conn) (bool, error) { return before(ctx, conn), nil }
	}
	pc.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		return p.prepare(ctx, conn, prepare)
	}

	if after := pc.AfterRelease; after != nil {
		pc.AfterRelease = func(conn *pgx.Conn) bool {
			l := linkOf(conn)
			return l.Raw() == nil && after(conn) && l.Release() == nil
		}
	}
	if pc.ShouldPing == nil {
		// The pool's ping is a round trip after each idle second. See link.alive.
		pc.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	}
}

// prepare makes a connection ready for the owner of ctx. It is the pool's last step
// before it hands the connection out; (false, nil) makes the pool try another one.
func (p *pool) prepare(ctx context.Context, conn *pgx.Conn, user func(context.Context, *pgx.Conn) (bool, error)) (bool, error) {
	l := linkOf(conn)
	if !l.alive(ctx, conn) {
		return false, nil
	}
	if ctx.Value(pingKey{}) != nil {
		return true, nil
	}
	scope, err := core.ScopeFrom(ctx)
	if err != nil {
		return true, err
	}
	if !p.serves(scope) {
		return true, fmt.Errorf("stratumpgx: the context belongs to another pool: %w", core.ErrTenantMismatch)
	}
	if err := l.arm(scope); err != nil {
		return false, err
	}
	if user != nil {
		ok, err := user(ctx, conn)
		l.SetMarks(0) // what the hook sets is the session's configuration
		if err != nil && ok {
			return l.Release() == nil, err
		}
		return ok, err
	}
	return true, nil
}
