package placement_test

import (
	"os"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.MainWithExamples(m)) }
