package embedpg

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// memory is a folder in /dev/shm, with a cache that starts empty for this PostgreSQL.
func memory(t *testing.T) (dir, bin string) {
	t.Helper()
	if defaultDir() != shm {
		t.Skip("no room in /dev/shm")
	}
	real, err := find()
	if errors.Is(err, ErrNotInstalled) && os.Getenv("STRATUM_TEST_REQUIRED") != "1" {
		t.Skip(err)
	}
	must(t, err)
	// The folder's name is part of the cache's key.
	bin = filepath.Join(openFolder(t, ""), "bin")
	must(t, os.Symlink(real, bin))
	return openFolder(t, shm), bin
}

// entryOf is where the cache keeps the copy for a bin folder.
func entryOf(t *testing.T, dir, bin string) string {
	t.Helper()
	p, err := newPrograms(t.Context(), bin, &tail{})
	must(t, err)
	entry := p.cacheEntry(&folder{path: filepath.Join(dir, "x")})
	if entry == "" {
		t.Fatal("no cache")
	}
	t.Cleanup(func() { _ = os.RemoveAll(entry) })
	return entry
}

func startQuietly(t *testing.T, dir, bin string) (log string) {
	t.Helper()
	var b bytes.Buffer
	srv, err := Start(t.Context(), Config{Dir: dir, BinDir: bin, Log: &b})
	must(t, err)
	must(t, srv.Stop())
	return b.String()
}

const initdbSays = "performing post-bootstrap initialization"

func TestCacheReplacesInitdb(t *testing.T) {
	dir, bin := memory(t)
	entry := entryOf(t, dir, bin)
	if log := startQuietly(t, dir, bin); !strings.Contains(log, initdbSays) {
		t.Fatalf("no initdb at the first start:\n%s", log)
	}
	if log := startQuietly(t, dir, bin); strings.Contains(log, initdbSays) {
		t.Error("initdb again at the second start")
	}
	// Half an entry is an entry that cannot be copied.
	must(t, os.Symlink("nowhere", filepath.Join(entry, "link")))
	if log := startQuietly(t, dir, bin); !strings.Contains(log, initdbSays) {
		t.Error("a damaged entry was used")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestCacheIsFilledByManyAtOnce(t *testing.T) {
	dir, bin := memory(t)
	entryOf(t, dir, bin)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() { startQuietly(t, dir, bin) })
	}
	group.Wait()
	if log := startQuietly(t, dir, bin); strings.Contains(log, initdbSays) {
		t.Error("three starts did not fill the cache")
	}
}

func TestCacheMustBeOurs(t *testing.T) {
	dir, bin := memory(t)
	entry := entryOf(t, dir, bin)
	cache := filepath.Dir(entry)
	info, err := os.Stat(cache)
	must(t, err)
	if info.Mode().Perm() != 0o700 || !isOurs(info) {
		t.Errorf("the cache is open to others: %v", info.Mode())
	}
	p, err := newPrograms(t.Context(), bin, &tail{})
	must(t, err)
	if got := p.cacheEntry(&folder{path: os.TempDir() + "/x"}); got != "" {
		t.Errorf("a cache for a folder on disk: %s", got)
	}
}
