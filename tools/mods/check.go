package main

import (
	"io"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// runCheck reports everything that sync would change and every rule that is
// broken. It writes nothing.
func runCheck(w *workspace, _ []string, _ io.Writer) ([]tree.Finding, error) {
	found, err := w.unlisted()
	if err != nil {
		return nil, err
	}
	if t := w.work.Toolchain; t != nil {
		found = append(found, tree.Finding{File: "go.work", Line: t.Syntax.Start.Line,
			Text: "a toolchain line makes everybody download a compiler; remove it"})
	}
	found = append(found, w.ruleFindings()...)
	if _, cycle := w.order(w.reaches); cycle != nil {
		found = append(found, w.cycleFinding(cycle))
	}
	for _, m := range w.modules {
		drifted, err := w.drift(m)
		if err != nil {
			return found, err
		}
		found = append(found, drifted...)
		// Tidy on top of wrong plumbing would only look for siblings on the network.
		if len(drifted) > 0 {
			continue
		}
		if out, err := w.tidy(m, "-diff"); err != nil {
			found = append(found, tree.Finding{File: m.goMod(), Text: "`go mod tidy` would change it (" + err.Error() + "):\n" + out})
		}
	}
	return found, nil
}
