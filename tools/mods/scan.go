package main

import (
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// A site is one import in one file.
type site struct {
	file    string // relative to the root
	line    int
	pkg     string // folder of the importing package, relative to the root
	imports string
	test    bool // the file is a _test.go
}

// goFiles visits every Go file of the module that could ever be built. Build
// tags are not looked at: a rule has to hold on every platform.
func goFiles(root string, m *module, visit func(rel string) error) error {
	skip := func(rel string) bool {
		return tree.GoIgnores(path.Base(rel)) || exists(filepath.Join(root, rel, "go.mod"))
	}
	return tree.Files(root, m.dir, skip, func(rel string) error {
		name := path.Base(rel)
		if !strings.HasSuffix(name, ".go") || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			return nil
		}
		return visit(rel)
	})
}

// scan returns all imports of the module's files.
func scan(root string, m *module) ([]site, error) {
	var sites []site
	err := goFiles(root, m, func(rel string) error {
		data, err := os.ReadFile(filepath.Join(root, rel))
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, rel, data, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			sites = append(sites, site{
				file: rel, line: set.Position(spec.Pos()).Line, pkg: path.Dir(rel),
				imports: imported, test: strings.HasSuffix(rel, "_test.go"),
			})
		}
		return nil
	})
	return sites, err
}

// unlisted returns the go.mod files of the tree that go.work does not name. The
// linters' module is left out on purpose: its requirements must raise nobody's.
func (w *workspace) unlisted() ([]tree.Finding, error) {
	var found []tree.Finding
	skip := func(rel string) bool {
		return rel == "tools" || path.Base(rel) == "testdata" || tree.Foreign(path.Base(rel))
	}
	err := tree.Files(w.root, ".", skip, func(rel string) error {
		listed := slices.ContainsFunc(w.modules, func(m *module) bool { return m.goMod() == rel })
		if path.Base(rel) == "go.mod" && !listed {
			found = append(found, tree.Finding{File: rel, Line: 1,
				Text: "this module is not in go.work, so nothing builds or tests it; add its folder there"})
		}
		return nil
	})
	return found, err
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}
