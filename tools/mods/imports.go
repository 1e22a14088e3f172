package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// ruleFindings holds every import and every requirement of the workspace
// against the table.
func (w *workspace) ruleFindings() []tree.Finding {
	var found []tree.Finding
	for _, m := range w.modules {
		r, ok := ruleFor(m.dir)
		if !ok {
			found = append(found, tree.Finding{File: m.goMod(), Line: 1,
				Text: "no row of the import rules (tools/mods/rules.go) covers this module; add one"})
			continue
		}
		found = append(found, w.requireFindings(m, r)...)
		for _, s := range m.imports {
			if text := w.judge(m, s); text != "" {
				found = append(found, tree.Finding{File: s.file, Line: s.line, Text: text})
			}
		}
	}
	return found
}

// requireFindings looks at go.mod itself: leaves that are required, replaces
// that only we would see, and the number of direct requirements.
func (w *workspace) requireFindings(m *module, r rule) []tree.Finding {
	var found []tree.Finding
	direct, last := 0, 1
	for _, req := range m.file.Require {
		to := w.byPath[req.Mod.Path]
		switch {
		case to != nil:
			if target, ok := ruleFor(to.dir); ok && target.kind&leaf != 0 && to != m {
				found = append(found, tree.Finding{File: m.goMod(), Line: req.Syntax.Start.Line,
					Text: to.dir + " is a leaf, which no module may require"})
			}
		case !req.Indirect:
			direct++
			last = req.Syntax.Start.Line
		}
	}
	if r.direct != uncapped && direct > r.direct {
		found = append(found, tree.Finding{File: m.goMod(), Line: last,
			Text: fmt.Sprintf("%d direct requirements, and tools/mods/rules.go caps %s at %d; every user of the library pays for each", direct, m.dir, r.direct)})
	}
	for _, rep := range m.file.Replace {
		if r.kind&leaf == 0 && !ours(rep.Old.Path) {
			found = append(found, tree.Finding{File: m.goMod(), Line: rep.Syntax.Start.Line,
				Text: "a library may replace only siblings: its users ignore the replacement of " + rep.Old.Path + " and get another build than we tested"})
		}
	}
	return found
}

// judge returns what is wrong with one import, or "".
func (w *workspace) judge(m *module, s site) string {
	r, ok := ruleFor(s.pkg)
	if !ok {
		return ""
	}
	if text := judgeFixtures(m, r, s); text != "" {
		return text
	}
	if !ours(s.imports) {
		if r.kind&stdOnly != 0 && !standard(s.imports) {
			return fmt.Sprintf("%s imports %s, but %s imports nothing outside the standard library", s.pkg, s.imports, r.of)
		}
		return ""
	}
	to := w.owner(s.imports)
	switch {
	case to == nil:
		return fmt.Sprintf("%s imports %s, which is in no module of go.work", s.pkg, s.imports)
	case to == m:
		return ""
	case slices.Contains(strings.Split(s.imports, "/"), "internal"):
		return fmt.Sprintf("%s imports %s, which is internal to the module %s", s.pkg, s.imports, to.dir)
	case !r.allows(to.dir, s.test):
		return fmt.Sprintf("%s must not import %s: %s", s.pkg, s.imports, r.permits(s.test))
	}
	return ""
}

// judgeFixtures keeps what only tests need out of users' programs.
func judgeFixtures(m *module, r rule, s site) string {
	if s.test || r.kind&fixtures != 0 {
		return ""
	}
	testing := s.imports == "testing" || strings.HasPrefix(s.imports, "testing/")
	server := path.Join(tree.Prefix, "embedpg")
	embedpg := m.path != server && (s.imports == server || strings.HasPrefix(s.imports, server+"/"))
	if !testing && !embedpg {
		return ""
	}
	return fmt.Sprintf("%s imports %s outside a _test.go file, and would link it into users' programs", s.pkg, s.imports)
}

// permits says in words what the rule allows.
func (r rule) permits(test bool) string {
	may := strings.Fields(r.may)
	if test && r.kind&stdOnly == 0 {
		may = append(may, inTests...)
	}
	switch {
	case r.may == "*":
		return "nobody may import a leaf"
	case len(may) == 0:
		return r.of + " may import no other module of the workspace"
	}
	return fmt.Sprintf("of the workspace, %s may import only %s", r.of, strings.Join(may, ", "))
}

// standard reports whether the path is of the standard library: the only paths
// without a dot in the first element.
func standard(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".")
}
