package main

import (
	"strings"
	"testing"
)

// Every check is shown to fail on a tree in which only its rule is broken.
func TestCheckFinds(t *testing.T) {
	const pgxMod = "adapters/pgx/go.mod"
	tests := []struct {
		name string
		tree files
		want string // what the output has to contain, place and sentence
	}{
		{"upward import", healthy().with("adapters/pgx/up.go", "package stratumpgx\n\nimport _ \"PREFIX/core/cache\"\n"),
			"adapters/pgx/up.go:3: adapters/pgx must not import PREFIX/core/cache: of the workspace, adapters/pgx may import only core"},
		{"sideways import", healthy().with("middleware/nethttp/side.go", "package stratumhttp\n\nimport _ \"PREFIX/adapters/pgx\"\n"),
			"middleware/nethttp/side.go:3: middleware/nethttp must not import PREFIX/adapters/pgx"},
		{"upward import behind a build tag", healthy().with("core/cache/w_windows.go", "//go:build windows && cgo\n\npackage cache\n\nimport _ \"PREFIX/adapters/pgx\"\n"),
			"core/cache/w_windows.go:5: core/cache must not import"},
		{"upward import of a test", healthy().with("core/cache/c_test.go", "package cache\n\nimport _ \"PREFIX/adapters/pgx\"\n"),
			"core/cache/c_test.go:3: core/cache must not import PREFIX/adapters/pgx: of the workspace, core/cache may import only core, embedpg, testutil"},
		{"core outside the standard library", healthy().with("core/admit/a.go", "package admit\n\nimport _ \"example.com/x\"\n"),
			"core/admit/a.go:3: core/admit imports example.com/x, but core imports nothing outside the standard library"},
		{"core's tests outside core", healthy().with("core/a_test.go", "package core\n\nimport _ \"PREFIX/embedpg\"\n"),
			"core/a_test.go:3: core must not import PREFIX/embedpg: core may import no other module"},
		{"embedpg importing ours", healthy().with("embedpg/x.go", "package embedpg\n\nimport _ \"PREFIX/core\"\n"),
			"embedpg/x.go:3: embedpg must not import PREFIX/core: embedpg may import no other module"},
		{"testing in shipped code", healthy().with("core/t.go", "package core\n\nimport _ \"testing/fstest\"\n"),
			"core/t.go:3: core imports testing/fstest outside a _test.go file"},
		{"testing in embedpg itself", healthy().with("embedpg/t.go", "package embedpg\n\nimport _ \"testing\"\n"),
			"embedpg/t.go:3: embedpg imports testing outside a _test.go file"},
		{"embedpg in shipped code", healthy().with("adapters/pgx/t.go", "package stratumpgx\n\nimport _ \"PREFIX/embedpg\"\n"),
			"adapters/pgx/t.go:3: adapters/pgx imports PREFIX/embedpg outside a _test.go file"},
		{"a sibling's internals", healthy().with("adapters/pgx/i.go", "package stratumpgx\n\nimport _ \"PREFIX/core/internal/x\"\n"),
			"adapters/pgx/i.go:3: adapters/pgx imports PREFIX/core/internal/x, which is internal to the module core"},
		{"a module that is not there", healthy().with("adapters/pgx/n.go", "package stratumpgx\n\nimport _ \"PREFIX/nowhere\"\n"),
			"adapters/pgx/n.go:3: adapters/pgx imports PREFIX/nowhere, which is in no module of go.work"},
		{"a leaf that is imported", healthy().with("adapters/pgx/l_test.go", "package stratumpgx\n\nimport _ \"PREFIX/examples\"\n"),
			"adapters/pgx/l_test.go:3: adapters/pgx must not import PREFIX/examples"},
		{"a leaf that is required", healthy().edit(pgxMod, "require (", "require (\n\tPREFIX/examples v0.0.0"),
			"adapters/pgx/go.mod:6: examples is a leaf, which no module may require"},
		{"cycle of requires", healthy().with("core/go.mod", mod("core", "embedpg ../embedpg")).with("embedpg/go.mod", mod("embedpg", "core ../core")),
			"embedpg/go.mod:5: modules must not depend on each other in a cycle: core -> embedpg -> core"},
		{"cycle of imports", healthy().with("core/c_test.go", "package core\n\nimport _ \"PREFIX/core/cache\"\n"),
			"in a cycle: core -> core/cache -> core"},
		{"unlisted module", healthy().with("client/go.mod", mod("client")),
			"client/go.mod:1: this module is not in go.work"},
		{"module without a rule", healthy().with("new/go.mod", mod("new")).edit("go.work", "./core\n", "./core\n\t./new\n"),
			"new/go.mod:1: no row of the import rules"},
		{"missing replace", healthy().with(pgxMod, mod("adapters/pgx", "core ../../core", "embedpg ../../embedpg")).edit(pgxMod, "\tPREFIX/embedpg => ../../embedpg\n", ""),
			"adapters/pgx/go.mod: missing: replace PREFIX/embedpg => ../../embedpg"},
		{"missing replace of a sibling's sibling", healthy().edit("examples/go.mod", "\tPREFIX/embedpg => ../embedpg\n", ""),
			"examples/go.mod: missing: replace PREFIX/embedpg => ../embedpg"},
		{"superfluous replace", healthy().edit(pgxMod, "replace (", "replace (\n\tPREFIX/core/cache => ../../core/cache"),
			"adapters/pgx/go.mod:11: superfluous: replace PREFIX/core/cache => ../../core/cache"},
		{"unsorted replaces", healthy().edit(pgxMod, "\tPREFIX/core => ../../core\n\tPREFIX/embedpg => ../../embedpg\n", "\tPREFIX/embedpg => ../../embedpg\n\tPREFIX/core => ../../core\n"),
			"adapters/pgx/go.mod: not as `mods sync` writes it"},
		{"replace of somebody else's module", healthy().edit("core/go.mod", "go 1.26.0\n", "go 1.26.0\n\nreplace example.com/x => example.com/y v1.0.0\n"),
			"core/go.mod:5: a library may replace only siblings"},
		{"missing require", healthy().with("core/cache/go.mod", mod("core/cache")),
			"+ require PREFIX/core v0.0.0"},
		{"another version of a sibling", healthy().edit("core/cache/go.mod", "v0.0.0", "v0.1.0"),
			"core/cache/go.mod:5: siblings are required at v0.0.0, not at v0.1.0"},
		{"toolchain line", healthy().edit("core/go.mod", "go 1.26.0\n", "go 1.26.0\n\ntoolchain go1.26.1\n"),
			"core/go.mod:5: a toolchain line makes users download a compiler"},
		{"toolchain line of the workspace", healthy().edit("go.work", "go 1.26.0\n", "go 1.26.0\n\ntoolchain go1.26.1\n"),
			"go.work:3: a toolchain line"},
		{"another go line", healthy().edit("core/go.mod", "1.26.0", "1.25.0"),
			"core/go.mod:1: the go line has to say 1.26.0"},
		{"untidy", healthy().edit("adapters/pgx/p_test.go", "PREFIX/embedpg/pgtest", "PREFIX/core"),
			"adapters/pgx/go.mod: `go mod tidy` would change it"},
		{"too many direct requirements", healthy().edit("core/go.mod", "go 1.26.0\n", "go 1.26.0\n\nrequire example.com/x v1.0.0\n"),
			"core/go.mod:5: 1 direct requirements, and tools/mods/rules.go caps core at 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := run(t, test.tree.write(t), "check")
			stderr = strings.ReplaceAll(stderr, prefix, "PREFIX")
			if code != 1 || !strings.Contains(stderr, test.want) {
				t.Errorf("check returned %d and said\n%s\nwant 1 and\n%s", code, stderr, test.want)
			}
		})
	}
}

func TestCheckAcceptsTheHealthyTree(t *testing.T) {
	if code, _, stderr := run(t, healthy().write(t), "check"); code != 0 {
		t.Errorf("check returned %d and said\n%s", code, stderr)
	}
}

// The rules hold for the repository that this file is in. What needs the go
// command and the network is left to `mods check`.
func TestRepository(t *testing.T) {
	w, err := load(".")
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.unlisted()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(found, w.ruleFindings()...) {
		t.Error(f)
	}
	if order, cycle := w.order(w.reaches); cycle != nil || len(order) != len(w.modules) {
		t.Errorf("order found %d of %d modules, cycle %v", len(order), len(w.modules), cycle)
	}
}

func TestRulesNameEachPartOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rules {
		if seen[r.of] {
			t.Errorf("two rows for %s; one of them is never used", r.of)
		}
		seen[r.of] = true
	}
}
