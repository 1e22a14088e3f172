package main

import (
	"path"
	"slices"
	"strings"
)

// A rule says what the packages of one part of the tree may import. The row
// that names the most of a package's path governs it.
type rule struct {
	of  string // folder of a module or package, with * for any one name
	may string // modules, beside its own, that it may import; "*" for all but leaves
	kind
	direct int // most direct requirements outside the workspace; uncapped for programs
}

// A kind is a set of special properties of a rule.
type kind int

const (
	stdOnly  kind = 1 << iota // imports nothing outside the standard library, in tests either
	fixtures                  // may import testing and embedpg outside _test.go files
	leaf                      // nobody may require it
)

const uncapped = -1

// rules is the one table of what may import what. Imports point down only: a
// row names what lies below it, never beside or above it. Requirements are
// capped because every user of a library downloads and audits all of them;
// those of its tests are counted too, as go.mod does not tell them apart.
var rules = []rule{
	{of: "core", kind: stdOnly, direct: 0},
	{of: "core/cache", may: "core", direct: 5},
	{of: "middleware/*", may: "core", direct: 4},
	{of: "auth/*", may: "core", direct: 5},
	{of: "telemetry", may: "core adapters/pgx", direct: 6},
	{of: "adapters/pgx", may: "core", direct: 7},
	{of: "adapters/gorm", may: "core adapters/pgx", direct: 6},
	{of: "adapters/ent", may: "core adapters/pgx", direct: 6},
	{of: "adapters/bun", may: "core adapters/pgx", direct: 6},
	{of: "adapters/mysql", may: "core", direct: 6},
	{of: "adapters/mongo", may: "core", direct: 6},
	{of: "stratum", may: "core core/cache adapters/pgx", direct: 14},
	{of: "client", may: "core core/cache", direct: 5},
	{of: "controlplane", may: "core stratum middleware/nethttp client", direct: 10},
	{of: "testutil", may: "core", kind: fixtures, direct: 5},
	{of: "embedpg", direct: 4},
	{of: "embedpg/pgtest", kind: fixtures, direct: 4},
	{of: "cmd", may: "*", kind: fixtures | leaf, direct: uncapped},
	{of: "examples", may: "*", kind: fixtures | leaf, direct: uncapped},
	{of: "bench", may: "*", kind: fixtures | leaf, direct: uncapped},
	{of: "integration", may: "*", kind: fixtures | leaf, direct: uncapped},
}

// inTests are the modules that any _test.go file may import as well.
var inTests = []string{"embedpg", "testutil"}

// ruleFor returns the row that governs a folder.
func ruleFor(folder string) (rule, bool) {
	var best rule
	depth := 0
	for _, r := range rules {
		if n := covers(r.of, folder); n > depth {
			best, depth = r, n
		}
	}
	return best, depth > 0
}

// covers returns how many names of folder the pattern covers, 0 if it does not
// lie at or above the folder.
func covers(pattern, folder string) int {
	names, have := strings.Split(pattern, "/"), strings.Split(folder, "/")
	if len(names) > len(have) {
		return 0
	}
	for i, name := range names {
		if ok, err := path.Match(name, have[i]); err != nil || !ok {
			return 0
		}
	}
	return len(names)
}

// allows reports whether the rule lets a file import packages of the module in
// the folder to.
func (r rule) allows(to string, test bool) bool {
	if target, ok := ruleFor(to); ok && target.kind&leaf != 0 {
		return false
	}
	if r.may == "*" || slices.Contains(strings.Fields(r.may), to) {
		return true
	}
	return slices.Contains(inTests, to) && r.kind&stdOnly == 0 && (test || r.kind&fixtures != 0)
}
