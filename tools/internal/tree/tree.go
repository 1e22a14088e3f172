// Package tree knows the shape of the repository's working copy: where its
// root is, which folders hold no sources of ours, and how a finding is said.
// The commands mods and house are built on it.
package tree

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Prefix is the part that the paths of all our modules have in common. A module
// in folder D has the path Prefix/D.
const Prefix = "github.com/stratum-hq/stratum-go"

// A Finding is one broken rule, at the place where it is broken.
type Finding struct {
	File string // slash-separated, relative to the root
	Line int    // 1-based; 0 if the whole file is meant
	Text string // a sentence
}

// String formats the finding the way compilers do, so that editors can jump.
func (f Finding) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Sort orders findings by file, line and text.
func Sort(found []Finding) {
	slices.SortFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
}

// Report prints the findings in order, each once, and returns how many there were.
func Report(w io.Writer, found []Finding) int {
	Sort(found)
	found = slices.Compact(found)
	for _, f := range found {
		fmt.Fprintln(w, f)
	}
	return len(found)
}

// Root returns the nearest folder at or above dir that holds a go.work.
func Root(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for at := abs; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.work")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no go.work in %s or above it", abs)
		}
	}
}

// Foreign reports whether folders of this name hold nothing that we wrote.
func Foreign(name string) bool {
	return name == ".git" || name == ".cache" || name == "node_modules"
}

// GoIgnores reports whether the go command ignores folders of this name.
func GoIgnores(name string) bool {
	return name == "testdata" || name == "vendor" || Foreign(name) ||
		strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")
}

// Files calls visit with the slash-separated path, relative to root, of every
// regular file below the folder dir (itself relative to root). Folders for which
// skip says true are left out; skip gets the relative path.
func Files(root, dir string, skip func(rel string) bool, visit func(rel string) error) error {
	return filepath.WalkDir(filepath.Join(root, dir), func(p string, d fs.DirEntry, err error) error {
		// Tests running at the same time may remove their scratch files under us.
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if rel != "." && rel != filepath.ToSlash(dir) && skip(rel) {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		return visit(rel)
	})
}
