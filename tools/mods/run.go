package main

import (
	"fmt"
	"io"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

const usage = `usage: mods COMMAND

  sync                       rewrite the go.mod files of the workspace and tidy them
  check                      report what sync would change and every broken rule
  list                       print the module folders, dependencies first
  ran [-only DIRS] LOG...    report packages with tests that go test's output lacks
`

// Run executes one command on the workspace around dir and returns the exit
// code: 0 if all is well, 1 if something was found or failed, 2 for wrong usage.
func Run(dir string, args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	commands := map[string]func(*workspace, []string, io.Writer) ([]tree.Finding, error){
		"sync":  runSync,
		"check": runCheck,
		"list":  runList,
		"ran":   runRan,
	}
	command, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(stderr, "mods: no command %q\n%s", args[0], usage)
		return 2
	}
	w, err := load(dir)
	if err != nil {
		fmt.Fprintf(stderr, "mods: %v\n", err)
		return 1
	}
	found, err := command(w, args[1:], stdout)
	count := tree.Report(stderr, found)
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "mods %s: %v\n", args[0], err)
		return 1
	case count > 0:
		fmt.Fprintf(stderr, "mods %s: %d found\n", args[0], count)
		return 1
	}
	return 0
}

func runList(w *workspace, _ []string, stdout io.Writer) ([]tree.Finding, error) {
	order, cycle := w.order(w.reaches)
	if cycle != nil {
		return []tree.Finding{w.cycleFinding(cycle)}, nil
	}
	for _, m := range order {
		fmt.Fprintln(stdout, m.dir)
	}
	return nil, nil
}
