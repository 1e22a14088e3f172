package embedpg

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
)

// maxIdle is how many connections of the superuser are kept.
const maxIdle = 4

// admins are the superuser's connections to the database postgres. They are kept,
// because a connection costs more than the copy of a database. An idle one has no
// goroutine.
type admins struct {
	config *pgx.ConnConfig

	mu     sync.Mutex
	idle   []*pgx.Conn
	closed bool
}

// lend lends a connection. One whose use failed is not used again.
func (a *admins) lend(ctx context.Context, use func(*pgx.Conn) error) error {
	conn := a.take()
	if conn == nil || conn.Ping(ctx) != nil { // an attached server may have been restarted
		a.discard(ctx, conn)
		var err error
		if conn, err = pgx.ConnectConfig(ctx, a.config); err != nil {
			return err
		}
	}
	if err := use(conn); err != nil {
		a.discard(ctx, conn)
		return err
	}
	a.give(ctx, conn)
	return nil
}

func (a *admins) take() *pgx.Conn {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.idle) == 0 {
		return nil
	}
	last := len(a.idle) - 1
	conn := a.idle[last]
	a.idle = a.idle[:last]
	return conn
}

func (a *admins) give(ctx context.Context, conn *pgx.Conn) {
	a.mu.Lock()
	keep := !a.closed && len(a.idle) < maxIdle
	if keep {
		a.idle = append(a.idle, conn)
	}
	a.mu.Unlock()
	if !keep {
		a.discard(ctx, conn)
	}
}

func (*admins) discard(ctx context.Context, conn *pgx.Conn) {
	if conn != nil {
		_ = conn.Close(context.WithoutCancel(ctx))
	}
}

// close closes what is idle; what is lent is closed when it comes back.
func (a *admins) close() {
	a.mu.Lock()
	idle := a.idle
	a.idle, a.closed = nil, true
	a.mu.Unlock()
	for _, conn := range idle {
		a.discard(context.Background(), conn)
	}
}
