package listen_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/internal/listen"
)

func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()
	config, err := pgx.ParseConfig(pg.URL(embedpg.Lib, "app"))
	if err != nil {
		log.Panic(err)
	}
	ready, heard, done := make(chan bool, 3), make(chan core.ID), make(chan struct{})
	go func() {
		defer close(done)
		listen.Listen(ctx, listen.Config{Conn: config, Logger: slog.New(slog.DiscardHandler)}, listen.Hearer{
			Changed: func(id core.ID) { heard <- id },
			All:     func() {},
			Deaf:    func(deaf bool) { ready <- !deaf },
		})
	}()
	for !<-ready {
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(ctx, "notify stratum_changes, '0198a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b'"); err != nil {
		log.Panic(err)
	}
	fmt.Println(<-heard)
	cancel()
	<-done
	// Output: 0198a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b
}
