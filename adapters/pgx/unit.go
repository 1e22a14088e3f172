package stratumpgx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/adapters/pgx/internal/wire"
	"github.com/stratum-hq/stratum-go/core"
)

// unit is a unit of work: a connection with a scope, from acquire to release.
type unit struct {
	pooled *pgxpool.Conn
	conn   *pgx.Conn
	scope  core.Scope
	hold   *hold
}

// acquire takes a connection and puts it into the scope of ctx.
func (db *DB) acquire(ctx context.Context) (unit, error) {
	b, err := db.bind(ctx)
	if err != nil {
		return unit{}, err
	}
	db.logSystem(ctx, b)
	c, err := b.pool.Acquire(ctx)
	if err = b.reached(err); err != nil {
		b.hold.release()
		if b.second && errors.Is(err, core.ErrDatabaseDown) {
			return db.acquire(ctx) // not the replica again, which now has its pause
		}
		return unit{}, err
	}
	return unit{pooled: c, conn: c.Conn(), scope: b.scope, hold: b.hold}, nil
}

// logSystem leaves a line for each piece of work across tenants.
func (db *DB) logSystem(ctx context.Context, b binding) {
	if b.scope.Mode == core.ModeSystem {
		db.log.LogAttrs(ctx, slog.LevelInfo, "work across tenants", slog.String("reason", b.scope.Reason))
	}
}

// release gives the connection back. It must be called once.
func (u unit) release() {
	finish(u.conn)
	u.pooled.Release()
	u.hold.release()
}

// finish ends the scope of a connection that is about to go back to its pool, and
// cleans or closes it where its session may have been left with something. A busy
// connection, or one in a transaction, is left to the pool, which destroys it.
func finish(conn *pgx.Conn) {
	if conn.IsClosed() || conn.PgConn().IsBusy() || conn.PgConn().TxStatus() != 'I' {
		return
	}
	l := linkOf(conn)
	if err := l.pool.clean(l, conn); err == nil {
		if err = l.Release(); err == nil {
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// resetSession undoes what a session can be left with, apart from prepared statements.
const resetSession = "reset session authorization; reset role; reset all; close all; unlisten *; discard temp; select pg_catalog.pg_advisory_unlock_all()"

// resetTimeout bounds a reset; a connection that is not clean by then is closed.
const resetTimeout = 2 * time.Second

// clean resets a session if it must be. An error means that the connection must be closed.
func (p *pool) clean(l *link, conn *pgx.Conn) error {
	marks := l.Marks()
	switch {
	case p.pooled, p.db.cfg.Reset == ResetNever:
		l.SetMarks(0)
		return nil
	case marks == 0 && p.db.cfg.Reset != ResetAlways:
		return nil
	case marks&wire.Poisoned != 0, p.connected:
		// Statements may stand under names that pgx or the scope uses; or the reset would
		// undo what the AfterConnect hook has set.
		return errors.New("stratumpgx: the session cannot be reset")
	}
	if err := l.Raw(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), resetTimeout)
	defer cancel()
	if err := conn.PgConn().Exec(ctx, resetSession).Close(); err != nil {
		return err
	}
	l.Forget()
	l.SetMarks(0)
	return nil
}

// again reports whether work that failed may be tried on another connection: only
// if nothing of it was sent, and its caller still waits. [pgconn.SafeToRetry] says so
// even of a query that was answered by a lost connection.
func (u unit) again(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && u.conn.IsClosed() && !linkOf(u.conn).Sent()
}

// explain finds the reason that pgx may have lost on the way, and says where a
// statement belongs that cannot run behind a scope. Every other error is returned as
// it is.
func (u unit) explain(err error) error {
	if err == nil || errors.Is(err, pgx.ErrTxClosed) { // then the connection may be somebody else's
		return err
	}
	if u.conn.IsClosed() {
		if why := linkOf(u.conn).Err(); why != nil {
			return why
		}
		return err
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "25001" || u.scope.Mode == core.ModeSystem || u.conn.PgConn().TxStatus() != 'I' {
		return err
	}
	return core.ErrUnscopedOnly.Wrap(err)
}

// check is [inherit] for the unit's scope.
func (u unit) check(ctx context.Context) error { return inherit(ctx, u.scope) }

// errReleased is returned by what has been given back.
var errReleased = fmt.Errorf("stratumpgx: this connection has been released: %w", pgx.ErrTxClosed)
