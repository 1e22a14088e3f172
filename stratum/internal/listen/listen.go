package listen

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// channel is what the triggers notify.
const channel = "stratum_changes"

// The pace of a listener.
const (
	shortest = 100 * time.Millisecond // pause before it connects again
	longest  = 10 * time.Second
	patience = 5 * time.Second // to connect, or to answer

	// quiet is how long nothing is heard until the server is asked whether it is still there:
	// a connection that a firewall forgot says nothing for ever.
	quiet = 10 * time.Second
)

// Hearer is told what is heard. Its functions are called one after the other.
type Hearer struct {
	Changed func(tenant core.ID) // of a tenant, or of what belongs to it
	All     func()               // of many

	// Deaf says that changes are not heard from now on, or are again. It is called with
	// false when the server has confirmed that it will tell; what was missed is unknown.
	Deaf func(deaf bool)
}

// Config says where to listen.
type Config struct {
	// Conn must lead to the server itself, not to a pooler.
	Conn *pgx.ConnConfig

	// Logger gets what goes wrong.
	Logger *slog.Logger

	// Quiet replaces the pause after which the server is asked; 0: 10 s.
	Quiet time.Duration
}

// Listen listens until ctx ends. It begins deaf.
func Listen(ctx context.Context, cfg Config, to Hearer) {
	if cfg.Quiet == 0 {
		cfg.Quiet = quiet
	}
	to.Deaf(true)
	for pause := shortest; ; pause = min(2*pause, longest) {
		began := time.Now()
		err := hear(ctx, cfg, to)
		to.Deaf(true)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > longest {
			pause = shortest
		}
		cfg.Logger.WarnContext(ctx, "stratum: changes cannot be heard, so that nothing is cached", "error", err, "next", pause)
		timer := time.NewTimer(pause/2 + rand.N(pause/2))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// hear listens on one connection until it fails.
func hear(ctx context.Context, cfg Config, to Hearer) error {
	conn, err := connect(ctx, cfg.Conn)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	to.Deaf(false)
	for {
		told, err := next(ctx, conn, cfg.Quiet)
		switch {
		case err != nil:
			return err
		case told == "": // it is still there
		case told == "all":
			to.All()
		default:
			id, err := core.ParseID(told)
			if err != nil { // anybody may notify
				to.All()
				continue
			}
			to.Changed(id)
		}
	}
}

func connect(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "listen "+channel, pgx.QueryExecModeExec); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// next waits for what is told. It returns nothing if that took long and the server answers.
func next(ctx context.Context, conn *pgx.Conn, quiet time.Duration) (string, error) {
	waiting, cancel := context.WithTimeout(ctx, quiet)
	told, err := conn.WaitForNotification(waiting)
	cancel()
	switch {
	case err == nil:
		return told.Payload, nil
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case waiting.Err() == nil || conn.IsClosed():
		return "", err
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := conn.Ping(asking); err != nil {
		return "", fmt.Errorf("listen: the server does not answer: %w", err)
	}
	return "", nil
}
