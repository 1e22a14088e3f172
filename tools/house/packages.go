package main

import (
	"go/ast"
	"path"
	"slices"
	"strings"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// leaves are modules that nobody imports; their packages need no example.
var leaves = []string{"bench", "examples", "integration", "tools"}

// A pkg is what the files of one folder have to provide together.
type pkg struct {
	dir        string
	first      string // first file outside the tests, where findings are placed
	documented bool
	example    bool
}

// collect adds a file to the package of its folder.
func collect(packages map[string]*pkg, s *source) {
	dir := path.Dir(s.rel)
	p := packages[dir]
	if p == nil {
		p = &pkg{dir: dir}
		packages[dir] = p
	}
	// A package of generated code alone is its generator's to describe.
	if s.public() && !s.generated && (p.first == "" || s.rel < p.first) {
		p.first = s.rel
	}
	if !s.test() {
		p.documented = p.documented || s.file.Doc != nil
		return
	}
	for _, decl := range s.file.Decls {
		if d, ok := decl.(*ast.FuncDecl); ok && d.Recv == nil && strings.HasPrefix(d.Name.Name, "Example") {
			p.example = true
		}
	}
}

func (p *pkg) findings() []tree.Finding {
	if p.first == "" {
		return nil
	}
	var found []tree.Finding
	if !p.documented {
		found = append(found, tree.Finding{File: p.first, Line: 1, Text: "the package has no comment; write a doc.go that says what it is for"})
	}
	top, _, _ := strings.Cut(p.dir, "/")
	if !p.example && !slices.Contains(leaves, top) {
		found = append(found, tree.Finding{File: p.first, Line: 1, Text: "the package has no Example function in its tests"})
	}
	return found
}
