package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/tools/internal/tree"
)

// files is a made-up tree: contents by path. The word PREFIX in a content stands
// for the common part of our module paths.
type files map[string]string

// healthy is a small workspace in which nothing is wrong.
func healthy() files {
	return files{
		"go.work":             work("core", "core/cache", "embedpg", "adapters/pgx", "middleware/nethttp", "examples"),
		"core/go.mod":         mod("core"),
		"core/core.go":        "package core\n\nimport _ \"context\"\n",
		"core/cache/go.mod":   mod("core/cache", "core .."),
		"core/cache/c.go":     "package cache\n\nimport _ \"PREFIX/core\"\n",
		"embedpg/go.mod":      mod("embedpg"),
		"embedpg/e.go":        "package embedpg\n",
		"embedpg/pgtest/p.go": "package pgtest\n\nimport (\n\t_ \"testing\"\n\n\t_ \"PREFIX/embedpg\"\n)\n",
		"adapters/pgx/go.mod": mod("adapters/pgx", "core ../../core", "embedpg ../../embedpg"),
		"adapters/pgx/p.go":   "package stratumpgx\n\nimport _ \"PREFIX/core\"\n",
		"adapters/pgx/p_test.go": "package stratumpgx\n\nimport (\n\t\"testing\"\n\n\t_ \"PREFIX/embedpg/pgtest\"\n)\n\n" +
			"func TestP(*testing.T) {}\n",
		"middleware/nethttp/go.mod": mod("middleware/nethttp", "core ../../core"),
		"middleware/nethttp/m.go":   "package stratumhttp\n\nimport _ \"PREFIX/core\"\n",
		"examples/go.mod":           mod("examples", "adapters/pgx ../adapters/pgx", "core ../core ind", "embedpg ../embedpg far"),
		"examples/demo/main.go":     "package main\n\nimport _ \"PREFIX/adapters/pgx\"\n\nfunc main() {}\n",
		"tools/go.mod":              "module PREFIX/tools\n",
		"core/testdata/x/go.mod":    "module x\n",
		"web/node_modules/go.mod":   "module x\n",
		"core/testdata/x/broken.go": "not Go",
	}
}

func work(dirs ...string) string {
	return "go 1.26.0\n\nuse (\n\t./" + strings.Join(dirs, "\n\t./") + "\n)\n"
}

// mod writes a go.mod as sync would. Each sibling is "folder path", with a third
// word if it is required only indirectly (ind), or replaced without being
// required (far).
func mod(dir string, siblings ...string) string {
	var direct, indirect, replace []string
	for _, s := range siblings {
		f := strings.Fields(s)
		line := "PREFIX/" + f[0] + " v0.0.0"
		switch {
		case len(f) == 2:
			direct = append(direct, line)
		case f[2] == "ind":
			indirect = append(indirect, line+" // indirect")
		}
		replace = append(replace, "PREFIX/"+f[0]+" => "+f[1])
	}
	text := "module PREFIX/" + dir + "\n\ngo 1.26.0\n"
	for _, block := range []struct {
		verb  string
		lines []string
	}{{"require", direct}, {"require", indirect}, {"replace", replace}} {
		switch len(block.lines) {
		case 0:
		case 1:
			text += "\n" + block.verb + " " + block.lines[0] + "\n"
		default:
			text += "\n" + block.verb + " (\n\t" + strings.Join(block.lines, "\n\t") + "\n)\n"
		}
	}
	return text
}

// with returns a copy with one file replaced; an empty content removes it.
func (f files) with(name, content string) files {
	c := files{}
	for k, v := range f {
		c[k] = v
	}
	c[name] = content
	if content == "" {
		delete(c, name)
	}
	return c
}

// edit returns a copy in which a piece of one file is replaced.
func (f files) edit(name, before, after string) files {
	if !strings.Contains(f[name], before) {
		panic("the fixture " + name + " does not contain " + before)
	}
	return f.with(name, strings.Replace(f[name], before, after, 1))
}

// write puts the tree on disk.
func (f files) write(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range f {
		p := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(strings.ReplaceAll(content, "PREFIX", tree.Prefix)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// Made-up trees need no network, and no flags of the machine they are tested on.
func TestMain(m *testing.M) {
	os.Setenv("GOPROXY", "off")
	os.Setenv("GOFLAGS", "")
	os.Exit(m.Run())
}

// run executes a command.
func run(t *testing.T, root string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(root, args, &out, &errs)
	return code, out.String(), errs.String()
}

func read(t *testing.T, root, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), tree.Prefix, "PREFIX")
}
