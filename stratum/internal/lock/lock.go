package lock

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// seed keeps our names apart from what others hash: "stratum" in ASCII.
const seed = 0x7374726174756d

// Wait takes the lock of a name, and waits for it until ctx ends. It is released when
// the connection is closed.
func Wait(ctx context.Context, conn *pgx.Conn, name string) error {
	_, err := take(ctx, conn, "pg_advisory_lock", name)
	return err
}

// Try is [Wait] without waiting; it reports whether it got the lock.
func Try(ctx context.Context, conn *pgx.Conn, name string) (bool, error) {
	answer, err := take(ctx, conn, "pg_try_advisory_lock", name)
	return answer == "true", err
}

// take refuses a pooler first, where the lock would stay with a session that others use.
func take(ctx context.Context, conn *pgx.Conn, function, name string) (answer string, err error) {
	var pid uint32
	if err := conn.QueryRow(ctx, "select pg_catalog.pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pid); err != nil {
		return "", err
	}
	if pid != conn.PgConn().PID() {
		return "", fmt.Errorf("this connection goes through a pooler; provisioning needs one that goes to the server itself")
	}
	err = conn.QueryRow(ctx, "select pg_catalog."+function+"(pg_catalog.hashtextextended($1, $2))::text",
		pgx.QueryExecModeExec, name, int64(seed)).Scan(&answer)
	return answer, err
}
