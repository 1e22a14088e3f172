package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// runSync rewrites and tidies every module, those below first, so that each one
// sees its siblings in their final state. A module that fails does not stop the
// others: half-written code must not keep the rest of the plumbing wrong.
func runSync(w *workspace, _ []string, stdout io.Writer) ([]tree.Finding, error) {
	order, cycle := w.order(w.imported)
	if cycle != nil {
		return []tree.Finding{w.cycleFinding(cycle)}, nil
	}
	var found []tree.Finding
	for _, m := range order {
		before := string(m.data)
		if err := w.syncOne(m); err != nil {
			found = append(found, tree.Finding{File: m.goMod(), Text: err.Error()})
		}
		if string(m.data) != before {
			fmt.Fprintf(stdout, "%s rewritten\n", m.goMod())
		}
	}
	return found, nil
}

// syncOne plans, tidies, and plans again: tidy drops requirements, and with them
// the need for some of the replaces.
func (w *workspace) syncOne(m *module) error {
	if err := w.write(m); err != nil {
		return err
	}
	out, err := w.tidy(m)
	if rereadErr := w.read(m); rereadErr != nil {
		return rereadErr
	}
	if err != nil {
		return fmt.Errorf("go mod tidy failed: %w\n%s", err, out)
	}
	if got := m.file.Go.Version; got != w.work.Go.Version {
		return fmt.Errorf("a requirement needs go %s; raise the go line of go.work from %s or take an older version of it", got, w.work.Go.Version)
	}
	return w.write(m)
}

// write brings go.mod to its plan and leaves the file alone if it is there.
func (w *workspace) write(m *module) error {
	_, data, err := w.plan(m)
	if err != nil || bytes.Equal(data, m.data) {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.root, m.dir, "go.mod"), data, 0o644); err != nil {
		return err
	}
	return w.read(m)
}

// tidy runs go mod tidy outside the workspace, where it sees what a user of the
// module would see, and returns all that it printed.
func (w *workspace) tidy(m *module, args ...string) (string, error) {
	cmd := exec.Command("go", append([]string{"mod", "tidy"}, args...)...)
	cmd.Dir = filepath.Join(w.root, m.dir)
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOTOOLCHAIN=local", "PWD="+cmd.Dir)
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}
