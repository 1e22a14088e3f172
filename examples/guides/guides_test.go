package guides

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGuidesShowCodeThatCompiles finds each Go block of the guides in the examples, line
// by line, indentation apart.
func TestGuidesShowCodeThatCompiles(t *testing.T) {
	sources := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" && path != "guides_test.go" {
			var b []byte
			if b, err = os.ReadFile(path); err == nil {
				sources[path] = flat(string(b))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	guides, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatal("there are no guides", err)
	}
	blocks := 0
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split(string(text), "```") {
			code, isGo := strings.CutPrefix(part, "go\n")
			if i%2 == 0 || !isGo {
				continue
			}
			blocks++
			if !shown(sources, flat(code)) {
				t.Errorf("%s shows code that no example has:\n%s", filepath.Base(guide), code)
			}
		}
	}
	if blocks < 10 {
		t.Errorf("only %d blocks were found", blocks)
	}
}

func shown(sources map[string]string, code string) bool {
	for _, source := range sources {
		if strings.Contains(source, code) {
			return true
		}
	}
	return false
}

// flat is a text without the indentation of its lines.
func flat(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

// TestLinksLeadSomewhere follows the links between files in the guides and the README.
func TestLinksLeadSomewhere(t *testing.T) {
	guides, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, guide := range append(guides, "../../README.md") {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range strings.Split(string(text), "](")[1:] {
			link, _, _ := strings.Cut(part, ")")
			link, _, _ = strings.Cut(link, "#")
			if link == "" || strings.Contains(link, "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(guide), link)); err != nil {
				t.Errorf("%s links to %s, which is not there", filepath.Base(guide), link)
			}
		}
	}
}
