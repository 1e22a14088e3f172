package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// unpublished is the version at which siblings require each other on the main
// branch. It never exists; the replace beside it says where the code is.
const unpublished = "v0.0.0"

// plan returns go.mod as it has to be, as far as that can be told without
// running go: requirements outside the workspace are left to go mod tidy.
func (w *workspace) plan(m *module) (*modfile.File, []byte, error) {
	f, err := modfile.Parse(m.goMod(), m.data, nil)
	if err != nil {
		return nil, nil, err
	}
	if err := f.AddGoStmt(w.work.Go.Version); err != nil {
		return nil, nil, err
	}
	f.DropToolchainStmt()
	if err := w.planRequires(m, f); err != nil {
		return nil, nil, err
	}
	for _, r := range slices.Clone(f.Replace) {
		if ours(r.Old.Path) {
			if err := f.DropReplace(r.Old.Path, r.Old.Version); err != nil {
				return nil, nil, err
			}
		}
	}
	f.SortBlocks()
	f.Cleanup()
	data, err := f.Format()
	if err != nil {
		return nil, nil, err
	}
	block, err := w.replaceBlock(m)
	if err != nil {
		return nil, nil, err
	}
	data = append(data, block...)
	f, err = modfile.Parse(m.goMod(), data, nil)
	return f, data, err
}

// planRequires drops siblings that are gone, adds those that are imported, and
// gives all the same version. Without the added ones go mod tidy would look for
// the siblings on the network.
func (w *workspace) planRequires(m *module, f *modfile.File) error {
	have := map[string]bool{}
	for _, r := range slices.Clone(f.Require) {
		p := r.Mod.Path
		if !ours(p) {
			continue
		}
		have[p] = true
		var err error
		switch {
		case w.byPath[p] == nil || p == m.path:
			err = f.DropRequire(p)
		case r.Mod.Version != unpublished:
			err = f.AddRequire(p, unpublished)
		}
		if err != nil {
			return err
		}
	}
	for _, to := range w.imported(m) {
		if !have[to.path] {
			f.AddNewRequire(to.path, unpublished, false)
		}
	}
	return nil
}

// replaceBlock writes the block anew, as text: modfile would make a statement of
// each line. It names the siblings of siblings too, because the replaces of a
// go.mod count only where it is the main module's.
func (w *workspace) replaceBlock(m *module) (string, error) {
	var lines []string
	for _, to := range w.closure(m) {
		rel, err := filepath.Rel(m.dir, to.dir)
		if err != nil {
			return "", err
		}
		rel = filepath.ToSlash(rel)
		if !strings.HasPrefix(rel, "..") {
			rel = "./" + rel
		}
		lines = append(lines, to.path+" => "+rel)
	}
	switch len(lines) {
	case 0:
		return "", nil
	case 1:
		return "\nreplace " + lines[0] + "\n", nil
	}
	return "\nreplace (\n\t" + strings.Join(lines, "\n\t") + "\n)\n", nil
}

// drift compares go.mod with its plan and says each difference in a sentence,
// then shows all of them as a diff.
func (w *workspace) drift(m *module) ([]tree.Finding, error) {
	want, data, err := w.plan(m)
	if err != nil {
		return nil, err
	}
	if string(data) == string(m.data) {
		return nil, nil
	}
	found := []tree.Finding{{File: m.goMod(),
		Text: "not as `mods sync` writes it:\n" + diff(string(m.data), string(data))}}
	say := func(line int, format string, args ...any) {
		found = append(found, tree.Finding{File: m.goMod(), Line: line, Text: fmt.Sprintf(format, args...)})
	}
	if m.file.Go == nil || m.file.Go.Version != w.work.Go.Version {
		say(1, "the go line has to say %s, as go.work does", w.work.Go.Version)
	}
	if t := m.file.Toolchain; t != nil {
		say(t.Syntax.Start.Line, "a toolchain line makes users download a compiler; remove it")
	}
	for _, r := range m.file.Require {
		if ours(r.Mod.Path) && r.Mod.Version != unpublished {
			say(r.Syntax.Start.Line, "siblings are required at %s, not at %s", unpublished, r.Mod.Version)
		}
	}
	for _, r := range want.Replace {
		if !replaces(m.file, r) {
			say(0, "missing: replace %s => %s", r.Old.Path, r.New.Path)
		}
	}
	for _, r := range m.file.Replace {
		if !replaces(want, r) {
			say(r.Syntax.Start.Line, "superfluous: replace %s => %s", r.Old.Path, r.New.Path)
		}
	}
	return found, nil
}

func replaces(f *modfile.File, r *modfile.Replace) bool {
	return slices.ContainsFunc(f.Replace, func(o *modfile.Replace) bool { return o.Old == r.Old && o.New == r.New })
}
