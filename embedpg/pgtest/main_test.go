package pgtest

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(MainWithExamples(m)) }
