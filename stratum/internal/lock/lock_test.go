package lock_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/internal/lock"
)

func TestMain(m *testing.M) { os.Exit(pgtest.MainWithExamples(m)) }

func TestLock(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	ctx := t.Context()
	holder, other := d.Conn(t, embedpg.App), d.Conn(t, embedpg.Lib)
	if err := lock.Wait(ctx, holder, "a"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a": false, "b": true} {
		if got, err := lock.Try(ctx, other, name); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	waited := make(chan error)
	go func() { waited <- lock.Wait(ctx, other, "a") }()
	// However the holder ends, even in the middle of something.
	d.Exec(t, embedpg.Superuser, fmt.Sprintf("select pg_terminate_backend(%d)", holder.PgConn().PID()))
	if err := <-waited; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if err := lock.Wait(ctx, d.Conn(t, embedpg.App), "a"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A pooler would keep the lock for whoever comes next.
func TestLockThroughPooler(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), pgtest.PgBouncer(t, d).URL(embedpg.App, d.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := lock.Wait(t.Context(), conn, "a"); err == nil || !strings.Contains(err.Error(), "pooler") {
		t.Error("Wait:", err)
	}
	if got, err := lock.Try(t.Context(), conn, "a"); err == nil || got {
		t.Error("Try:", got, err)
	}
}

func Example() {
	ctx := context.Background()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()
	var conns [2]*pgx.Conn
	for i := range conns {
		if conns[i], err = pgx.Connect(ctx, pg.URL(embedpg.Lib, "app")); err != nil {
			log.Panic(err)
		}
		defer conns[i].Close(ctx)
	}

	fmt.Println(lock.Wait(ctx, conns[0], "acme"))
	fmt.Println(lock.Try(ctx, conns[1], "acme"))
	_ = conns[0].Close(ctx)
	fmt.Println(lock.Wait(ctx, conns[1], "acme"))
	// Output:
	// <nil>
	// false <nil>
	// <nil>
}
