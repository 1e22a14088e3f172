package main

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// A workspace is what go.work and the modules it lists say, read once.
type workspace struct {
	root    string
	work    *modfile.WorkFile
	modules []*module // sorted by folder
	byPath  map[string]*module
}

// A module is one folder of go.work.
type module struct {
	dir     string // slash-separated, relative to the root
	path    string
	data    []byte // go.mod as it is on disk
	file    *modfile.File
	imports []site
}

func (m *module) goMod() string { return path.Join(m.dir, "go.mod") }

// load reads the workspace around dir. A go.work or go.mod that cannot be parsed
// is an error, because no rule could be checked on the rest with any confidence.
func load(dir string) (*workspace, error) {
	root, err := tree.Root(dir)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(root, "go.work"))
	if err != nil {
		return nil, err
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return nil, err
	}
	if work.Go == nil {
		return nil, fmt.Errorf("go.work has no go line; every module takes its own from there")
	}
	w := &workspace{root: root, work: work, byPath: map[string]*module{}}
	for _, use := range work.Use {
		m := &module{dir: path.Clean(filepath.ToSlash(use.Path))}
		if err := w.read(m); err != nil {
			return nil, err
		}
		w.modules = append(w.modules, m)
		w.byPath[m.path] = m
	}
	slices.SortFunc(w.modules, func(a, b *module) int { return strings.Compare(a.dir, b.dir) })
	for _, m := range w.modules {
		if m.imports, err = scan(root, m); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// read (re)reads the module's go.mod.
func (w *workspace) read(m *module) error {
	data, err := os.ReadFile(filepath.Join(w.root, m.dir, "go.mod"))
	if err != nil {
		return fmt.Errorf("go.work lists %s: %w", m.dir, err)
	}
	file, err := modfile.Parse(m.goMod(), data, nil)
	if err != nil {
		return err
	}
	if want := path.Join(tree.Prefix, m.dir); file.Module == nil || file.Module.Mod.Path != want {
		return fmt.Errorf("%s:1: a module in this folder has to be named %s", m.goMod(), want)
	}
	m.data, m.file, m.path = data, file, file.Module.Mod.Path
	return nil
}

// ours reports whether a module or package path is below our prefix.
func ours(importPath string) bool {
	return importPath == tree.Prefix || strings.HasPrefix(importPath, tree.Prefix+"/")
}

// owner returns the module of the workspace that a package belongs to: the one
// with the longest path, as core/cache is a module of its own inside core.
func (w *workspace) owner(importPath string) *module {
	for p := importPath; ours(p); p = path.Dir(p) {
		if m := w.byPath[p]; m != nil {
			return m
		}
	}
	return nil
}

// imported returns the siblings whose packages the module's files import.
func (w *workspace) imported(m *module) []*module {
	set := map[*module]bool{}
	for _, s := range m.imports {
		if to := w.owner(s.imports); to != nil && to != m {
			set[to] = true
		}
	}
	return byDir(set)
}

// reaches returns the siblings that the module requires or imports. Imports
// count because a require that is still missing is about to be written.
func (w *workspace) reaches(m *module) []*module {
	set := map[*module]bool{}
	for _, to := range w.imported(m) {
		set[to] = true
	}
	for _, r := range m.file.Require {
		if to := w.byPath[r.Mod.Path]; to != nil && to != m {
			set[to] = true
		}
	}
	return byDir(set)
}

// closure returns all siblings that the module reaches, directly or not.
func (w *workspace) closure(m *module) []*module {
	set := map[*module]bool{}
	var visit func(*module)
	visit = func(from *module) {
		for _, to := range w.reaches(from) {
			if to != m && !set[to] {
				set[to] = true
				visit(to)
			}
		}
	}
	visit(m)
	return byDir(set)
}

// order sorts the modules so that each comes after what it depends on. If that
// is impossible it returns one cycle, whose last element repeats the first.
func (w *workspace) order(edges func(*module) []*module) (order, cycle []*module) {
	const visiting, done = 1, 2
	state := map[*module]int{}
	var trail []*module
	var visit func(*module) bool
	visit = func(m *module) bool {
		state[m] = visiting
		trail = append(trail, m)
		for _, to := range edges(m) {
			if state[to] == visiting {
				cycle = append(slices.Clone(trail[slices.Index(trail, to):]), to)
				return false
			}
			if state[to] == 0 && !visit(to) {
				return false
			}
		}
		trail = trail[:len(trail)-1]
		state[m] = done
		order = append(order, m)
		return true
	}
	for _, m := range w.modules {
		if state[m] == 0 && !visit(m) {
			return nil, cycle
		}
	}
	return order, nil
}

// cycleFinding says a cycle at the line that closes it.
func (w *workspace) cycleFinding(cycle []*module) tree.Finding {
	names := make([]string, len(cycle))
	for i, m := range cycle {
		names[i] = m.dir
	}
	from, to := cycle[len(cycle)-2], cycle[len(cycle)-1]
	f := tree.Finding{
		File: from.goMod(),
		Text: "modules must not depend on each other in a cycle: " + strings.Join(names, " -> "),
	}
	for _, r := range from.file.Require {
		if r.Mod.Path == to.path {
			f.Line = r.Syntax.Start.Line
			return f
		}
	}
	for _, s := range from.imports {
		if w.owner(s.imports) == to {
			f.File, f.Line = s.file, s.line
			return f
		}
	}
	return f
}

func byDir(set map[*module]bool) []*module {
	return slices.SortedFunc(maps.Keys(set), func(a, b *module) int { return strings.Compare(a.dir, b.dir) })
}
