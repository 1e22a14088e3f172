//go:build darwin || freebsd || linux

package embedpg

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openFolder is a folder that a server's user may use.
func openFolder(t *testing.T, parent string) string {
	t.Helper()
	dir, err := os.MkdirTemp(parent, "embedpg")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func startHere(t *testing.T, dir string) *Server {
	t.Helper()
	srv, err := Start(t.Context(), Config{Dir: dir})
	if err != nil && strings.Contains(err.Error(), ErrNotInstalled.Error()) && os.Getenv("STRATUM_TEST_REQUIRED") != "1" {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { _ = srv.Stop() })
	return srv
}

// A process that dies without its server dying, as on macOS, is one whose lock is gone.
func TestSweepKillsServersThatOutlivedTheirProcess(t *testing.T) {
	dir := openFolder(t, defaultDir())
	srv := startHere(t, dir)
	sweep(dir)
	if srv.proc.ended() || !answers(srv.SocketDir()) {
		t.Fatal("sweep killed the server of a living process")
	}
	must(t, srv.folder.lock.Close())
	sweep(dir)
	<-srv.Done()
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSweepDoesNotKillStrangers(t *testing.T) {
	dir := openFolder(t, "")
	f, err := newFolder(dir, nil)
	must(t, err)
	must(t, f.lock.Close())
	// Its server is long dead; the process id is another's now: this test's parent.
	must(t, os.WriteFile(f.serverFile(), []byte("1"), 0o600))
	sweep(dir)
	if _, err := os.Stat(f.path); !os.IsNotExist(err) {
		t.Errorf("not removed: %v", err)
	}
}

func TestSweepLeavesWhatItDoesNotKnow(t *testing.T) {
	dir := openFolder(t, "")
	unlocked, other := filepath.Join(dir, prefix+"1"), filepath.Join(dir, "else")
	target := filepath.Join(other, "lock")
	must(t, os.Mkdir(unlocked, 0o700))
	must(t, os.Mkdir(other, 0o700))
	must(t, os.WriteFile(target, nil, 0o600))
	must(t, os.Symlink(other, filepath.Join(dir, prefix+"2")))
	kept := []string{unlocked, target}
	if os.Geteuid() == 0 {
		foreign := filepath.Join(dir, prefix+"3")
		must(t, os.Mkdir(foreign, 0o700))
		must(t, os.WriteFile(filepath.Join(foreign, "lock"), nil, 0o600))
		must(t, os.Lchown(foreign, 65534, 65534))
		kept = append(kept, foreign)
	}
	sweep(dir)
	for _, name := range kept {
		if _, err := os.Stat(name); err != nil {
			t.Errorf("removed: %v", err)
		}
	}
}

func TestFolderIsClosedToOthers(t *testing.T) {
	srv := startHere(t, openFolder(t, defaultDir()))
	for _, name := range []string{srv.folder.data(), srv.folder.sockets()} {
		info, err := os.Stat(name)
		must(t, err)
		if info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
	if info, _ := os.Stat(srv.folder.path); info.Mode().Perm()&0o022 != 0 || !isOurs(info) {
		t.Errorf("others can write the folder: %v", info.Mode())
	}
}

func TestCopyTree(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	must(t, os.MkdirAll(filepath.Join(src, "a", "b"), 0o755))
	must(t, os.WriteFile(filepath.Join(src, "a", "b", "c"), []byte("text"), 0o644))
	must(t, copyTree(dst, src, nil))
	text, err := os.ReadFile(filepath.Join(dst, "a", "b", "c"))
	must(t, err)
	if string(text) != "text" {
		t.Errorf("copied %q", text)
	}
	must(t, filepath.WalkDir(dst, func(name string, d fs.DirEntry, err error) error {
		if info, _ := d.Info(); name != dst && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v", name, info.Mode())
		}
		return err
	}))
	must(t, os.Symlink("/etc/passwd", filepath.Join(src, "link")))
	if err := copyTree(t.TempDir(), src, nil); err == nil {
		t.Error("a link was copied")
	}
}
