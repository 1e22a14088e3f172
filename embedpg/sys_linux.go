package embedpg

import (
	"os"
	"syscall"
)

// dieWithParent has the kernel kill the server when the thread that started it
// ends. The thread, not the process: see launch.
func dieWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGQUIT }

// shm is the folder in memory.
const shm = "/dev/shm"

// enough is the free memory from which on /dev/shm is used.
const enough = 512 << 20

// defaultDir is where servers' folders are made.
func defaultDir() string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(shm, &st); err == nil && uint64(st.Bsize)*st.Bavail > enough && writable(shm) {
		return shm
	}
	return os.TempDir()
}

// writable reports whether this process may make a folder there.
func writable(dir string) bool {
	const wx = 3
	return syscall.Access(dir, wx) == nil
}
