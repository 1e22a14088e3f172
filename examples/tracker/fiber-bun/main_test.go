package main

import (
	"os"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/examples/tracker/trackertest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func TestService(t *testing.T) { trackertest.Run(t, build) }
