package migrations_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/migrations"
)

func TestUpAndCheck(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	dsn := d.URL(embedpg.Lib)
	if err := migrations.Check(t.Context(), dsn); !errors.Is(err, migrations.ErrVersion) {
		t.Fatal("of nothing:", err)
	}
	for range 2 {
		if err := migrations.Up(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
		if err := migrations.Check(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	if err := migrations.Check(t.Context(), d.URL(embedpg.App)); err == nil || !strings.Contains(err.Error(), "connect as its owner") {
		t.Error("as the application:", err)
	}
}

func TestLatestIsTheLastFile(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(migrations.Files(), "*.sql")
	if err != nil || int64(len(names)) != migrations.Latest() {
		t.Errorf("%d files, latest %d, %v", len(names), migrations.Latest(), err)
	}
}

func TestUpGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := migrations.Up(ctx, pgtest.New(t).URL(embedpg.Lib)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func Example() {
	ctx := context.Background()
	pg, err := embedpg.Start(ctx, embedpg.Config{Database: "app"})
	if err != nil {
		log.Panic(err)
	}
	defer func() { _ = pg.Stop() }()

	dsn := pg.URL(embedpg.Lib, "app")
	fmt.Println(errors.Is(migrations.Check(ctx, dsn), migrations.ErrVersion))
	fmt.Println(migrations.Up(ctx, dsn))
	fmt.Println(migrations.Check(ctx, dsn))
	// Output:
	// true
	// <nil>
	// <nil>
}
