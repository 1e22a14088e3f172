//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package embedpg

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// supported reports whether this platform can run a server.
const supported = true

var errPlatform error

// identity is the user that a server runs as. A nil identity is the user of this process.
type identity struct {
	name     string
	uid, gid int
}

// chooseIdentity returns whom the server has to run as: PostgreSQL refuses root.
func chooseIdentity() (*identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid > 0 {
			return &identity{name, uid, gid}, nil
		}
	}
	return nil, errors.New("this process is root, PostgreSQL refuses to be, and there is no user postgres or nobody to run it as")
}

// attributes makes a command run as the identity, in a process group of its own
// (a Ctrl-C is for the Go process, which then stops the server), and end with this process where
// the system can do that.
func (id *identity) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	if id != nil {
		a.Credential = &syscall.Credential{Uid: uint32(id.uid), Gid: uint32(id.gid), Groups: []uint32{}}
	}
	dieWithParent(a)
	return a
}

// killGroup kills a command and everything it started.
func killGroup(cmd *exec.Cmd) error {
	return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}

// quitProcess asks a server to shut down at once, without a checkpoint.
func quitProcess(pid int) error { return syscall.Kill(pid, syscall.SIGQUIT) }

// tryLock locks a file for as long as it is open; false if another has locked it.
func tryLock(f *os.File) (bool, error) {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// isOurs reports whether a file belongs to the user of this process.
func isOurs(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int64(st.Uid) == int64(os.Geteuid())
}

// answers reports whether a server listens in a folder of sockets.
func answers(dir string) bool {
	found, _ := filepath.Glob(filepath.Join(dir, ".s.PGSQL.*"))
	for _, socket := range found {
		if filepath.Ext(socket) == ".lock" {
			continue
		}
		if c, err := net.Dial("unix", socket); err == nil {
			_ = c.Close()
			return true
		}
	}
	return false
}

// denied explains an error of starting a program as another user.
func (id *identity) denied(err error, what, path string) error {
	if id == nil || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("the user %s, as whom this root process runs PostgreSQL, cannot %s %s: %w", id.name, what, path, err)
}
