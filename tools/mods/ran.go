package main

import (
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

var (
	resultLine = regexp.MustCompile(`(?m)^(?:ok|FAIL)[ \t]+(\S+)(.*)$`)
	testFunc   = regexp.MustCompile(`(?m)^func (Test|Fuzz)\w*\(`)
	mainFunc   = regexp.MustCompile(`(?m)^func TestMain\(.*$`)
	output     = regexp.MustCompile(`(?mi)^\s*// (unordered )?output:`)
	ignored    = regexp.MustCompile(`(?m)^//go:build ignore$`)
)

// runRan compares the packages that have tests with those whose result stands in
// the logs of go test. A loop that forgets a folder, or a build tag that hides
// all files of a package, is found here and nowhere else.
func runRan(w *workspace, args []string, _ io.Writer) ([]tree.Finding, error) {
	flags := flag.NewFlagSet("ran", flag.ContinueOnError)
	only := flags.String("only", "", "comma-separated module folders; all if empty")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() == 0 {
		return nil, errors.New("no log of go test was named")
	}
	ran := map[string]bool{}
	for _, name := range flags.Args() {
		log, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, match := range resultLine.FindAllSubmatch(log, -1) {
			if !strings.Contains(string(match[2]), "[no tests to run]") {
				ran[string(match[1])] = true
			}
		}
	}
	tested, err := w.tested(*only)
	if err != nil {
		return nil, err
	}
	var found []tree.Finding
	for _, pkg := range slices.Sorted(maps.Keys(tested)) {
		if !ran[path.Join(tree.Prefix, pkg)] {
			found = append(found, tree.Finding{File: tested[pkg], Text: "package " + pkg + " has tests, and they were not run"})
		}
	}
	return found, nil
}

// tested maps the folder of each package with tests to one of its test files.
func (w *workspace) tested(only string) (map[string]string, error) {
	tested := map[string]string{}
	for _, m := range w.modules {
		if only != "" && !slices.Contains(strings.Split(only, ","), m.dir) {
			continue
		}
		err := goFiles(w.root, m, func(rel string) error {
			if !strings.HasSuffix(rel, "_test.go") {
				return nil
			}
			data, err := os.ReadFile(filepath.Join(w.root, rel))
			if err == nil && hasTests(data) {
				tested[path.Dir(rel)] = rel
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return tested, nil
}

// hasTests reports whether go test would run something of the file: helpers,
// benchmarks and examples without output do not count.
func hasTests(data []byte) bool {
	if ignored.Match(data) {
		return false
	}
	data = mainFunc.ReplaceAll(data, nil)
	return testFunc.Match(data) || output.Match(data)
}
