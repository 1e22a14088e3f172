package integration

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

// folder is where the programs under test are built.
const folder = "STRATUM_INTEGRATION_BIN"

func TestMain(m *testing.M) { os.Exit(runAll(m)) }

func runAll(m *testing.M) int {
	flag.Parse()
	if _, err := embedpg.Find(); errors.Is(err, embedpg.ErrNotInstalled) && os.Getenv(pgtest.EnvRequired) != "1" {
		return pgtest.Main(m) // every test skips itself, and says so
	}
	dir, err := os.MkdirTemp("", "stratum-integration-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		err = errors.Join(os.Setenv(folder, dir), build(dir, "demo"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "integration:", err)
		return 1
	}
	return pgtest.Main(m)
}

// build builds a program of the module examples, in that module's own folder, so that it
// is found with and without the workspace.
func build(dir, name string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", filepath.Join(dir, name), "./"+name)
	cmd.Dir = filepath.Join("..", "examples")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", name, err, out)
	}
	return nil
}

// program is the path of a program that was built.
func program(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv(folder)
	if dir == "" {
		t.Skip(embedpg.ErrNotInstalled)
	}
	return filepath.Join(dir, name)
}
