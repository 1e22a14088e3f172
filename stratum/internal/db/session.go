package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/stratum/internal/lock"
)

// Session is a connection outside the pool that holds the lock of a name until it is
// closed. A mutation through it can succeed only while the lock is held.
type Session struct {
	conn  *pgx.Conn
	actor string
}

// Lock waits for the lock of a name until ctx ends.
func (d *DB) Lock(ctx context.Context, name string) (*Session, error) {
	return d.session(ctx, func(conn *pgx.Conn) (bool, error) { return true, lock.Wait(ctx, conn, name) })
}

// TryLock is [DB.Lock] without waiting. It returns nil if somebody else has the lock.
func (d *DB) TryLock(ctx context.Context, name string) (*Session, error) {
	return d.session(ctx, func(conn *pgx.Conn) (bool, error) { return lock.Try(ctx, conn, name) })
}

func (d *DB) session(ctx context.Context, take func(*pgx.Conn) (bool, error)) (*Session, error) {
	conn, err := pgx.ConnectConfig(ctx, d.pool.Config().ConnConfig)
	if err != nil {
		return nil, err
	}
	s := &Session{conn: conn, actor: d.actor}
	if got, err := take(conn); err != nil || !got {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Mutate is [DB.Mutate] through this connection.
func (s *Session) Mutate(ctx context.Context, m Mutation, scan func(pgx.Row) error) error {
	return mutate(ctx, s.conn, s.actor, []Mutation{m}, func(_ int, r pgx.Row) error { return scan(r) })
}

// Exec runs one statement that is no mutation: what it changes is nothing that anybody
// is told of.
func (s *Session) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := s.conn.Exec(ctx, sql, args...)
	return tag, coded(err)
}

// QueryRow reads one row.
func (s *Session) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return s.conn.QueryRow(ctx, sql, args...)
}

// Close ends the connection and so lets go of the lock.
func (s *Session) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.conn.Close(ctx)
}
