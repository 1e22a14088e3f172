package embedpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// prefix begins the name of every server's folder.
const prefix = "stratum-pg-"

// maxSocketPath is what every system allows (Linux 107, the BSDs and macOS 103).
const maxSocketPath = 103

// folder is what a server has on disk:
//
//	lock         locked by the Go process that owns the server; holds its id
//	server       process id of the server
//	pg_hba.conf
//	data         \ belong to the user who runs the server,
//	run          / the rest to the user of the Go process
//
// The server's user can therefore not make a later sweep kill anything else.
type folder struct {
	path string
	lock *os.File
}

func (f *folder) data() string       { return filepath.Join(f.path, "data") }
func (f *folder) sockets() string    { return filepath.Join(f.path, "run") }
func (f *folder) hba() string        { return filepath.Join(f.path, "pg_hba.conf") }
func (f *folder) serverFile() string { return filepath.Join(f.path, "server") }

// newFolder makes the folder below parent, for a server that runs as id.
func newFolder(parent string, id *identity) (*folder, error) {
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	f := &folder{path: path}
	if err := f.fill(id); err != nil {
		return nil, errors.Join(err, f.remove())
	}
	return f, nil
}

func (f *folder) fill(id *identity) error {
	if n := len(f.sockets()) + len("/.s.PGSQL.65535.lock"); n > maxSocketPath {
		return fmt.Errorf("the path of a socket in %s would have %d bytes, the system allows %d: choose a shorter Config.Dir",
			f.sockets(), n, maxSocketPath)
	}
	// The lock appears under its name only when it is held: see sweep.
	fresh, held := filepath.Join(f.path, "lock.new"), filepath.Join(f.path, "lock")
	lock, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	f.lock = lock
	if _, err := fmt.Fprintln(lock, os.Getpid()); err != nil {
		return err
	}
	if ok, err := tryLock(lock); err != nil {
		return fmt.Errorf("locking %s: %w", fresh, err)
	} else if !ok {
		return fmt.Errorf("%s is locked by another process", fresh)
	}
	if err := os.Rename(fresh, held); err != nil {
		return err
	}
	rules := "local all all trust\nhost all all " + localhost + "/32 scram-sha-256\n"
	if err := os.WriteFile(f.hba(), []byte(rules), 0o600); err != nil {
		return err
	}
	for _, dir := range []string{f.data(), f.sockets()} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	return f.handOver(id)
}

// handOver lets the user who runs the server into the folder.
func (f *folder) handOver(id *identity) error {
	if id == nil {
		return nil
	}
	if err := os.Chmod(f.path, 0o711); err != nil { // may pass, not look
		return err
	}
	if err := os.Chmod(f.hba(), 0o644); err != nil { // holds no secret
		return err
	}
	for _, dir := range []string{f.data(), f.sockets()} {
		if err := os.Lchown(dir, id.uid, id.gid); err != nil {
			return err
		}
	}
	return nil
}

// emptyData brings the data folder back to how newFolder made it.
func (f *folder) emptyData(id *identity) error {
	if err := os.RemoveAll(f.data()); err != nil {
		return err
	}
	if err := os.Mkdir(f.data(), 0o700); err != nil || id == nil {
		return err
	}
	return os.Lchown(f.data(), id.uid, id.gid)
}

// remove removes the folder and everything in it.
func (f *folder) remove() error {
	err := os.RemoveAll(f.path)
	if f.lock != nil {
		err = errors.Join(err, f.lock.Close())
		f.lock = nil
	}
	return err
}

// sweep removes the folders that dead processes of this user left in parent, and
// kills their servers where those outlived them. What it cannot remove it leaves.
func sweep(parent string) {
	found, err := filepath.Glob(filepath.Join(parent, prefix+"*"))
	if err != nil {
		return
	}
	for _, path := range found {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || !isOurs(info) {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_WRONLY, 0)
		if err != nil {
			continue // being made or being removed
		}
		if ok, err := tryLock(lock); ok && err == nil {
			f := &folder{path: path, lock: lock}
			f.killOrphan()
			_ = f.remove()
			continue
		}
		_ = lock.Close() // its process lives
	}
}

// killOrphan ends the server of a folder whose Go process is dead. That the server lives
// is known by its socket, so that a process id in use again is not killed.
func (f *folder) killOrphan() {
	text, err := os.ReadFile(f.serverFile())
	if err != nil {
		return
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil || pid <= 1 {
		return
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(10 * time.Second)
	for answers(f.sockets()) && time.Now().Before(deadline) {
		_ = quitProcess(pid)
		<-tick.C
	}
}
