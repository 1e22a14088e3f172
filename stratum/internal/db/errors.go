package db

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/core"
)

// SQLSTATEs (PostgreSQL, appendix A).
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
)

// attempts is how often a change is begun that met another in a circle of locks. Locks are
// taken in one order, so this is a net under what foreign keys lock by themselves.
const attempts = 5

// again repeats a transaction that the server gave up for another's sake.
func again(ctx context.Context, run func() error) error {
	for n := 1; ; n++ {
		err := run()
		var pg *pgconn.PgError
		if n == attempts || !errors.As(err, &pg) || pg.Code != deadlockDetected && pg.Code != serializationFailure {
			return err
		}
		pause := time.NewTimer(rand.N(time.Duration(n) * 10 * time.Millisecond))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return context.Cause(ctx)
		}
	}
}

// Violates reports whether an error is a violated unique constraint, and which.
func Violates(err error) (constraint string, ok bool) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == uniqueViolation {
		return pg.ConstraintName, true
	}
	return "", false
}

// coded gives an error of the database a code. What was not foreseen is internal; the
// cause stays, for logs. Others, those of contexts among them, are left as they are.
func coded(err error) error {
	var e *core.Error
	var pg *pgconn.PgError
	var connect *pgconn.ConnectError
	var network *net.OpError
	switch {
	case err == nil, errors.As(err, &e), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, pgx.ErrNoRows):
		return err
	case errors.As(err, &pg):
		switch {
		case strings.HasPrefix(pg.Code, "08"), strings.HasPrefix(pg.Code, "57P"), pg.Code == "53300": // connection, shutdown, too many
			return down(err)
		case strings.HasPrefix(pg.Code, "22"), pg.Code == "23514": // data exception, check violation
			return core.Errorf(core.Validation, "the database refuses a value (SQLSTATE %s)", pg.Code).With("constraint", pg.ConstraintName).Wrap(err)
		}
		return core.Errorf(core.Internal, "the database failed with SQLSTATE %s", pg.Code).Wrap(err)
	case errors.As(err, &connect), errors.As(err, &network), pgconn.Timeout(err):
		return down(err)
	}
	return err
}

func down(err error) error {
	return core.Errorf(core.DatabaseDown, "the library's database cannot be reached at the moment").Wrap(err)
}
