//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package embedpg

import (
	"os"
	"syscall"
)

// dieWithParent does nothing: these systems have no such service, or Go does not
// offer it. The server of a killed process ends with the next sweep.
func dieWithParent(*syscall.SysProcAttr) {}

// shm is empty: no folder in memory, so no cache either.
const shm = ""

// defaultDir is where servers' folders are made.
func defaultDir() string { return os.TempDir() }
