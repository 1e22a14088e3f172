package pgtest

import (
	"context"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Exec runs SQL as a role, in a session of its own, and fails the test on an error. Without
// arguments it may be several statements.
func (d *Database) Exec(t testing.TB, role, sql string, args ...any) {
	t.Helper()
	conn := d.execs.take(role)
	if conn == nil {
		var err error
		if conn, err = pgx.Connect(t.Context(), d.URL(role)); err != nil {
			t.Fatal("pgtest: ", err)
		}
	}
	defer d.execs.give(t.Context(), role, conn)
	var err error
	if len(args) > 0 {
		_, err = conn.Exec(t.Context(), sql, args...)
	} else {
		_, err = conn.PgConn().Exec(t.Context(), sql).ReadAll()
	}
	if err != nil {
		t.Fatalf("pgtest: as %s: %v", role, err)
	}
}

// execs are the idle connections of [Database.Exec]: making one costs more than most
// statements.
type execs struct {
	mu   sync.Mutex
	idle map[string]*pgx.Conn
}

func (e *execs) take(role string) *pgx.Conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	conn := e.idle[role]
	delete(e.idle, role)
	return conn
}

// give keeps a connection if it is like new after a reset, and closes it otherwise.
func (e *execs) give(ctx context.Context, role string, conn *pgx.Conn) {
	ctx = context.WithoutCancel(ctx)
	clean := conn.PgConn().TxStatus() == 'I' && conn.DeallocateAll(ctx) == nil
	if clean {
		_, err := conn.Exec(ctx, "DISCARD ALL", pgx.QueryExecModeExec)
		clean = err == nil
	}
	e.mu.Lock()
	_, taken := e.idle[role]
	if clean = clean && !taken; clean {
		if e.idle == nil {
			e.idle = make(map[string]*pgx.Conn)
		}
		e.idle[role] = conn
	}
	e.mu.Unlock()
	if !clean {
		_ = conn.Close(ctx)
	}
}

// close closes what is idle, when the test has ended.
func (e *execs) close(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, conn := range e.idle {
		_ = conn.Close(ctx)
	}
	e.idle = nil
}
