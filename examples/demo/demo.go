package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/examples/demo/musicshop"
	"github.com/stratum-hq/stratum-go/stratum"
)

// database is the name of the shop's database.
const database = "musicshop"

// demo does everything in order, and undoes it in reverse.
func demo(ctx context.Context, env func(string) string, stdout, stderr io.Writer) (err error) {
	log := slog.New(core.LogHandler(slog.NewTextHandler(stderr, nil)))
	listener, err := listen(ctx, env("PORT"))
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	data, err := dataset(env("DEMO_SQL"))
	if err != nil {
		return err
	}
	pg, err := embedpg.Start(ctx, embedpg.Config{TCP: true, Database: database})
	if err != nil {
		return err
	}
	defer func() { err = finish(err, pg.Stop()) }()

	countries, err := load(ctx, pg.URL(embedpg.Owner, database), data)
	if err != nil {
		return err
	}
	lib, err := stratum.Open(ctx, pg.URL(embedpg.Lib, database), stratum.Config{
		AutoMigrate: true,
		Cache:       cache.Config{TTL: time.Second}, // how long a change made in psql may go unseen
		Actor:       "demo",
		Logger:      log,
	})
	if err != nil {
		return err
	}
	defer lib.Close()
	if err := introduceTenants(ctx, lib.Tenants, pg.URL(embedpg.Owner, database), countries); err != nil {
		return data.blame(ctx, err)
	}
	db, err := stratumpgx.Open(ctx, pg.URL(embedpg.App, database), stratumpgx.Config{Logger: log})
	if err != nil {
		return err
	}
	defer db.Close()

	serving := serve(listener, lib.Resolver(), db, log)
	if _, err := io.WriteString(stdout, banner(listener.Addr(), pg.TCPURL(embedpg.Superuser, database), countries)); err != nil {
		return finish(err, serving.stop())
	}
	select {
	case <-ctx.Done():
		return finish(nil, serving.stop())
	case err := <-serving.failed:
		return err
	case <-pg.Done():
		return finish(errors.New("PostgreSQL ended unexpectedly"), serving.stop())
	}
}

// listen comes first: a port that is taken should be reported at once.
func listen(ctx context.Context, port string) (net.Listener, error) {
	if port == "" {
		port = "8080"
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, unusablef("PORT must be a number from 0 to 65535, not %q", port)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp4", fmt.Sprintf("127.0.0.1:%d", n))
	if err != nil {
		return nil, unusablef("PORT %d cannot be listened on: %w", n, err)
	}
	return l, nil
}

// source is an SQL script, and where it comes from.
type source struct {
	file string // empty: it is our own
	sql  string
}

func dataset(file string) (source, error) {
	if file == "" {
		return source{sql: musicshop.SQL()}, nil
	}
	sql, err := os.ReadFile(file) // #nosec G304 -- naming a file is what DEMO_SQL is for
	if err != nil {
		return source{}, unusablef("DEMO_SQL cannot be read: %w", err)
	}
	return source{file: file, sql: string(sql)}, nil
}

// blame puts an error down to the user's file, if it is the user's.
func (s source) blame(ctx context.Context, err error) error {
	if err == nil || s.file == "" || ctx.Err() != nil {
		return err
	}
	return unusablef("DEMO_SQL: %s: %w", s.file, err)
}
