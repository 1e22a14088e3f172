//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package embedpg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// supported reports whether this platform can run a server.
const supported = false

var errPlatform = fmt.Errorf("no server can be started on %s: %w", runtime.GOOS, errors.ErrUnsupported)

// identity has no meaning here; nor has anything below: Start returns errPlatform before.
type identity struct {
	name     string
	uid, gid int
}

func chooseIdentity() (*identity, error)              { return nil, errPlatform }
func (*identity) attributes() *syscall.SysProcAttr    { return nil }
func (*identity) denied(err error, _, _ string) error { return err }
func killGroup(cmd *exec.Cmd) error                   { return cmd.Process.Kill() }
func quitProcess(int) error                           { return errPlatform }
func tryLock(*os.File) (bool, error)                  { return false, errPlatform }
func isOurs(fs.FileInfo) bool                         { return false }
func answers(string) bool                             { return false }
func defaultDir() string                              { return os.TempDir() }

const shm = ""
