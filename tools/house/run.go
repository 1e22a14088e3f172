package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// maxText is the size up to which a file is read for its words; beyond it are
// data and built assets.
const maxText = 4 << 20

// Run checks the tree around the folder that args names, or the current one, and
// returns the exit code.
func Run(args []string, stdout, stderr io.Writer) int {
	dir := "."
	if len(args) > 0 {
		dir = args[0]
	}
	root, err := tree.Root(dir)
	if err != nil {
		fmt.Fprintf(stderr, "house: %v\n", err)
		return 1
	}
	found, err := inspect(root)
	if err != nil {
		fmt.Fprintf(stderr, "house: %v\n", err)
		return 1
	}
	if n := tree.Report(stdout, found); n > 0 {
		fmt.Fprintf(stderr, "house: %d found\n", n)
		return 1
	}
	return 0
}

// inspect applies every rule to every file.
func inspect(root string) ([]tree.Finding, error) {
	var found []tree.Finding
	packages := map[string]*pkg{}
	skip := func(rel string) bool { return tree.Foreign(path.Base(rel)) || rel == "bin" }
	err := tree.Files(root, ".", skip, func(rel string) error {
		info, err := os.Stat(filepath.Join(root, rel))
		if err != nil || info.Size() > maxText {
			return err
		}
		data, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil || bytes.IndexByte(data, 0) >= 0 {
			return err
		}
		found = append(found, textFindings(rel, data)...)
		if !isGo(rel) {
			return nil
		}
		f, err := parse(rel, data)
		if err != nil {
			found = append(found, tree.Finding{File: rel, Text: err.Error()})
			return nil
		}
		found = append(found, f.findings()...)
		collect(packages, f)
		return nil
	})
	for _, p := range packages {
		found = append(found, p.findings()...)
	}
	return found, err
}

// isGo reports whether the go command would see the file as source.
func isGo(rel string) bool {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if tree.GoIgnores(path.Base(dir)) {
			return false
		}
	}
	name := path.Base(rel)
	return strings.HasSuffix(name, ".go") && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "_")
}
