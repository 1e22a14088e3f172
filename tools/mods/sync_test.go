package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

const prefix = tree.Prefix

// bare returns the healthy tree with go.mod files that say nothing but a name.
func bare() files {
	f := healthy()
	for name := range f {
		if dir, ok := strings.CutSuffix(name, "/go.mod"); ok && strings.Contains(f["go.work"], "./"+dir+"\n") {
			f = f.with(name, mod(dir))
		}
	}
	return f
}

// Sync writes from nothing what healthy() has by hand, and then rests.
func TestSyncWritesThePlumbing(t *testing.T) {
	root := bare().write(t)
	if code, _, stderr := run(t, root, "sync"); code != 0 {
		t.Fatalf("sync returned %d and said\n%s", code, stderr)
	}
	for name, want := range healthy() {
		if strings.HasSuffix(name, "go.mod") {
			if got := read(t, root, name); got != want {
				t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
			}
		}
	}
	code, stdout, stderr := run(t, root, "sync")
	if code != 0 || stdout != "" {
		t.Errorf("a second sync returned %d, rewrote %q and said %q", code, stdout, stderr)
	}
	if code, _, stderr := run(t, root, "check"); code != 0 {
		t.Errorf("check after sync returned %d and said\n%s", code, stderr)
	}
}

func TestSyncRepairs(t *testing.T) {
	h := healthy()
	tests := []struct {
		name string
		tree files
	}{
		{"toolchain and go line", h.edit("core/go.mod", "go 1.26.0", "go 1.25.0\n\ntoolchain go1.26.1")},
		{"superfluous replace", h.edit("core/cache/go.mod", "replace PREFIX/core => ..", "replace (\n\tPREFIX/core => ..\n\tPREFIX/embedpg => ../../embedpg\n)")},
		{"a sibling that is gone", h.edit("core/go.mod", "go 1.26.0\n", "go 1.26.0\n\nrequire PREFIX/gone v0.0.0\n\nreplace PREFIX/gone => ../gone\n")},
		{"a sibling no longer imported", h.edit("core/go.mod", "go 1.26.0\n", "go 1.26.0\n\nrequire PREFIX/embedpg v0.0.0\n\nreplace PREFIX/embedpg => ../embedpg\n")},
		{"a version", h.edit("core/cache/go.mod", "v0.0.0", "v0.3.0")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := test.tree.write(t)
			if code, _, stderr := run(t, root, "sync"); code != 0 {
				t.Fatalf("sync returned %d and said\n%s", code, stderr)
			}
			for name, want := range h {
				if strings.HasSuffix(name, "go.mod") && read(t, root, name) != want {
					t.Errorf("%s is\n%s\nwant\n%s", name, read(t, root, name), want)
				}
			}
		})
	}
}

// One module that cannot be tidied is reported; the others are written all the same.
func TestSyncGoesOn(t *testing.T) {
	root := bare().with("core/x.go", "package core\n\nimport _ \"example.com/x\"\n").write(t)
	code, _, stderr := run(t, root, "sync")
	if code != 1 || !strings.Contains(stderr, "core/go.mod: go mod tidy failed") {
		t.Errorf("sync returned %d and said\n%s", code, stderr)
	}
	if got := read(t, root, "adapters/pgx/go.mod"); !strings.Contains(got, "PREFIX/embedpg => ../../embedpg") {
		t.Errorf("adapters/pgx/go.mod was left as\n%s", got)
	}
}

func TestSyncRefusesACycle(t *testing.T) {
	root := healthy().with("core/c_test.go", "package core\n\nimport _ \"PREFIX/core/cache\"\n").write(t)
	if code, _, stderr := run(t, root, "sync"); code != 1 || !strings.Contains(stderr, "in a cycle") {
		t.Errorf("sync returned %d and said\n%s", code, stderr)
	}
}

func TestListPutsDependenciesFirst(t *testing.T) {
	code, stdout, stderr := run(t, bare().write(t), "list")
	if code != 0 {
		t.Fatalf("list returned %d and said\n%s", code, stderr)
	}
	order := strings.Fields(stdout)
	for _, pair := range [][2]string{{"core", "core/cache"}, {"core", "adapters/pgx"}, {"embedpg", "adapters/pgx"}, {"adapters/pgx", "examples"}} {
		if i, j := slices.Index(order, pair[0]), slices.Index(order, pair[1]); i < 0 || j < i {
			t.Errorf("%s has to come before %s in %v", pair[0], pair[1], order)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	tests := []struct {
		name string
		tree files
		args []string
		code int
		want string
	}{
		{"no command", healthy(), nil, 2, "usage: mods"},
		{"an unknown command", healthy(), []string{"frob"}, 2, `no command "frob"`},
		{"a misnamed module", healthy().with("core/go.mod", mod("kernel")), []string{"list"}, 1, "core/go.mod:1: a module in this folder has to be named"},
		{"a module that is not there", healthy().with("core/go.mod", ""), []string{"list"}, 1, "go.work lists core"},
		{"a broken go.mod", healthy().with("core/go.mod", "modul x"), []string{"list"}, 1, "core/go.mod:1: unknown directive: modul"},
		{"a broken Go file", healthy().with("core/x.go", "package"), []string{"list"}, 1, "core/x.go:1"},
		{"a workspace without a version", healthy().with("go.work", "use ./core\n"), []string{"list"}, 1, "go.work has no go line"},
		{"ran without a log", healthy(), []string{"ran"}, 1, "no log"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			code, _, stderr := run(t, test.tree.write(t), test.args...)
			if code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("returned %d and said\n%s\nwant %d and %q", code, stderr, test.code, test.want)
			}
		})
	}
}

func TestRan(t *testing.T) {
	const pgx = "PREFIX/adapters/pgx"
	tagged := healthy().with("core/x_test.go", "//go:build nobody\n\npackage core\n\nfunc TestX(*testing.T) {}\n").
		with("core/only/bench_test.go", "package only\n\nfunc TestMain(m *testing.M) {}\nfunc BenchmarkX(*testing.B) {}\n").
		with("core/gen/gen_test.go", "//go:build ignore\n\npackage gen\n\nfunc TestX(*testing.T) {}\n")
	tests := []struct {
		name, log, only string
		want            []string
	}{
		{"all ran", "ok  \tPREFIX/core\t0.1s\nok  \t" + pgx + "\t(cached)\n", "", nil},
		{"a failure has run", "--- FAIL: TestX (0.00s)\nFAIL\nFAIL\tPREFIX/core\t0.1s\nok  \t" + pgx + "\t1s\n", "", nil},
		{"one missing", "ok  \t" + pgx + "\t1s\n?   \tPREFIX/core\t[no test files]\n", "", []string{"core/x_test.go: package core has tests"}},
		{"one found nothing to run", "ok  \tPREFIX/core\t1s [no tests to run]\n", "", []string{"package core", "package adapters/pgx"}},
		{"only some asked for", "ok  \t" + pgx + "\t1s\n", "adapters/pgx,embedpg", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			root := tagged.write(t)
			log := filepath.Join(t.TempDir(), "log")
			if err := os.WriteFile(log, []byte(strings.ReplaceAll(test.log, "PREFIX", prefix)), 0o644); err != nil {
				t.Fatal(err)
			}
			code, _, stderr := run(t, root, "ran", "-only", test.only, log)
			if (code == 0) != (len(test.want) == 0) {
				t.Errorf("returned %d and said\n%s", code, stderr)
			}
			for _, want := range test.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("said\n%s\nwant %q", stderr, want)
				}
			}
		})
	}
}
