package pgtest

import (
	"errors"
	"flag"
	"os"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestMain(m *testing.M) {
	if _, err := embedpg.Find(); errors.Is(err, embedpg.ErrNotInstalled) {
		flag.Parse()
		_ = flag.Set("test.skip", "^Example") // examples cannot skip themselves
	}
	os.Exit(Main(m))
}
