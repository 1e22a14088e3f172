package clone_test

import (
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

func TestMain(m *testing.M) {
	if _, err := embedpg.Find(); errors.Is(err, embedpg.ErrNotInstalled) && os.Getenv(pgtest.EnvRequired) != "1" {
		flag.Parse()
		_ = flag.Set("test.skip", "^Example") // examples cannot skip themselves
	}
	os.Exit(pgtest.Main(m))
}
