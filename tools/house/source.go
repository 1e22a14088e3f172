package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strings"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// Limits that a reviewer should rarely come near; aim at half of them.
const (
	maxFile = 600
	maxFunc = 100
)

// A source is one parsed Go file.
type source struct {
	rel       string
	set       *token.FileSet
	file      *ast.File
	lines     int
	generated bool
}

func parse(rel string, data []byte) (*source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, rel, data, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{rel: rel, set: set, file: file, lines: bytes.Count(data, []byte("\n")), generated: ast.IsGenerated(file)}, nil
}

func (s *source) test() bool { return strings.HasSuffix(s.rel, "_test.go") }

// public reports whether others could import the package of this file.
func (s *source) public() bool {
	return !s.test() && s.file.Name.Name != "main" && !strings.Contains("/"+path.Dir(s.rel)+"/", "/internal/")
}

func (s *source) at(pos token.Pos, format string, args ...any) tree.Finding {
	return tree.Finding{File: s.rel, Line: s.set.Position(pos).Line, Text: fmt.Sprintf(format, args...)}
}

// findings applies the rules that one file can break by itself.
func (s *source) findings() []tree.Finding {
	if s.generated {
		return nil
	}
	found := s.commentFindings()
	if s.lines > maxFile {
		found = append(found, tree.Finding{File: s.rel, Text: fmt.Sprintf("%d lines; a file has at most %d", s.lines, maxFile)})
	}
	for _, decl := range s.file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			found = append(found, s.funcFindings(d)...)
		case *ast.GenDecl:
			found = append(found, s.declFindings(d)...)
		}
	}
	if s.test() {
		found = append(found, s.sleepFindings()...)
	}
	return found
}

func (s *source) commentFindings() []tree.Finding {
	var found []tree.Finding
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			for i, line := range strings.Split(c.Text, "\n") {
				if openEnd.MatchString(line) {
					f := s.at(c.Pos(), "%s", openEndText)
					f.Line += i
					found = append(found, f)
				}
			}
		}
	}
	return found
}

func (s *source) funcFindings(d *ast.FuncDecl) []tree.Finding {
	var found []tree.Finding
	lines := s.set.Position(d.End()).Line - s.set.Position(d.Pos()).Line + 1
	if lines > maxFunc {
		found = append(found, s.at(d.Pos(), "%s has %d lines; a function has at most %d", d.Name.Name, lines, maxFunc))
	}
	if d.Recv == nil && d.Name.Name == "init" {
		found = append(found, s.at(d.Pos(), "func init runs in every program that imports the package; call what it does where it is needed"))
	}
	if s.public() && d.Doc == nil && d.Name.IsExported() && exportedReceiver(d) {
		found = append(found, s.at(d.Pos(), "the exported %s has no doc comment", d.Name.Name))
	}
	return found
}

// exportedReceiver reports whether d is no method, or one of an exported type.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.ParenExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}

// declFindings looks at constants, variables and types of the package. A comment
// over a group documents all of it, as does one behind a line.
func (s *source) declFindings(d *ast.GenDecl) []tree.Finding {
	var found []tree.Finding
	name := func(id *ast.Ident, documented bool) {
		if !id.IsExported() {
			return
		}
		if s.public() && !documented {
			found = append(found, s.at(id.Pos(), "the exported %s has no doc comment", id.Name))
		}
		if d.Tok == token.VAR && !s.test() && s.file.Name.Name != "main" && !strings.HasPrefix(id.Name, "Err") {
			found = append(found, s.at(id.Pos(), "the exported variable %s can be changed by anybody; make it a function or a constant", id.Name))
		}
	}
	for _, spec := range d.Specs {
		switch x := spec.(type) {
		case *ast.TypeSpec:
			name(x.Name, x.Doc != nil || x.Comment != nil || d.Doc != nil)
		case *ast.ValueSpec:
			for _, id := range x.Names {
				name(id, x.Doc != nil || x.Comment != nil || d.Doc != nil)
			}
		}
	}
	return found
}

// sleepFindings reports calls of time.Sleep, except in the bubbles of synctest,
// where the clock is not the real one and nobody waits.
func (s *source) sleepFindings() []tree.Finding {
	clock, bubble := s.importName("time"), s.importName("testing/synctest")
	var found []tree.Finding
	ast.Inspect(s.file, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok && selects(call.Fun, bubble, "Test") {
			return false
		}
		if sel, ok := n.(*ast.SelectorExpr); ok && selects(sel, clock, "Sleep") {
			found = append(found, s.at(sel.Pos(), "a test that sleeps is slow and still flaky; wait for a signal, or use testing/synctest"))
		}
		return true
	})
	return found
}

func selects(n ast.Expr, pkg, name string) bool {
	sel, ok := n.(*ast.SelectorExpr)
	if !ok || pkg == "" || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg
}

// importName returns the name under which the file imports a package, or "".
func (s *source) importName(importPath string) string {
	for _, spec := range s.file.Imports {
		if spec.Path.Value != `"`+importPath+`"` {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}
