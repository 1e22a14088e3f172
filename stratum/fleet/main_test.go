package fleet_test

import (
	"os"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

func TestMain(m *testing.M) {
	if job := os.Getenv(childJob); job != "" {
		os.Exit(child(job))
	}
	os.Exit(pgtest.MainWithExamples(m))
}
