package tenant_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(childJob); job != "" {
		os.Exit(child(job))
	}
	_ = flag.Set("rapid.checks", "30") // against a real database; the command line wins
	os.Exit(pgtest.MainWithExamples(m))
}
