package stratum_test

import (
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core/cache"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum"
)

func TestMain(m *testing.M) { os.Exit(pgtest.MainWithExamples(m)) }

// open opens the library on a database; the TTL is long, so that what a test sees is
// due to invalidation.
func open(t testing.TB, d *pgtest.Database) *stratum.Stratum {
	t.Helper()
	s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{
		AutoMigrate: true,
		Cache:       cache.Config{TTL: time.Hour},
		Logger:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
