//go:build darwin || freebsd || linux

package embedpg_test

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
)

func signalQuit(t *testing.T, pid string) {
	t.Helper()
	n, err := strconv.Atoi(pid)
	check(t, err)
	check(t, syscall.Kill(n, syscall.SIGQUIT))
}

func TestServerThatDied(t *testing.T) {
	needServer(t)
	dir := publicDir(t, embedpg.DefaultDir())
	srv, err := embedpg.Start(t.Context(), embedpg.Config{Dir: dir})
	check(t, err)
	pid, err := os.ReadFile(filepath.Join(filepath.Dir(srv.SocketDir()), "server"))
	check(t, err)
	signalQuit(t, string(pid))
	<-srv.Done()
	if err := srv.Stop(); err == nil {
		t.Error("Stop does not tell that the server had died")
	}
	mustBeEmpty(t, dir)
}

func TestKilledParentTakesTheServerAlong(t *testing.T) {
	needServer(t)
	dir := publicDir(t, embedpg.DefaultDir())
	owner, sockets := heldServer(t, dir)
	if !listening(sockets) {
		t.Fatal("the held server does not listen")
	}
	check(t, owner.Process.Kill())
	_ = owner.Wait()
	if runtime.GOOS == "linux" {
		eventually(t, "the server is gone", func() bool { return !listening(sockets) && len(processesIn(dir)) == 0 })
	}
	if _, err := os.Stat(sockets); err != nil {
		t.Fatalf("nothing left to clean up, the next check would prove nothing: %v", err)
	}
	srv := start(t, embedpg.Config{Dir: dir})
	left, err := os.ReadDir(dir)
	check(t, err)
	if len(left) != 1 || !strings.HasPrefix(srv.SocketDir(), filepath.Join(dir, left[0].Name())) {
		t.Errorf("the next start did not clean up: %v", left)
	}
	if listening(sockets) {
		t.Error("the killed process's server still listens")
	}
}

// A server must die with the process that started it, not with the thread.
func TestServerOutlivesTheThreadThatStartedIt(t *testing.T) {
	needServer(t)
	var srv *embedpg.Server
	var err error
	ctx := t.Context()
	thread := onThreadThatEnds(func() { srv, err = embedpg.Start(ctx, embedpg.Config{}) })
	check(t, err)
	defer func() { check(t, srv.Stop()) }()
	if runtime.GOOS == "linux" {
		eventually(t, "the thread has ended", func() bool {
			_, err := os.Stat(filepath.Join("/proc/self/task", strconv.Itoa(thread)))
			return os.IsNotExist(err)
		})
	}
	// A signal would have been sent before the thread disappeared; give the server every chance to obey.
	conn := connect(t, srv.URL(embedpg.App, ""))
	for range 20 {
		if _, err := conn.Exec(t.Context(), "SELECT pg_sleep(0.01)"); err != nil {
			t.Fatalf("the server died with the thread: %v", err)
		}
	}
}

// onThreadThatEnds runs f on a thread that then ends: any but the main one, which never does.
func onThreadThatEnds(f func()) (thread int) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // without unlocking, the thread ends with the goroutine
		if thread = gettid(); thread != os.Getpid() {
			f()
			return
		}
		defer runtime.UnlockOSThread()
		thread = onThreadThatEnds(f)
	}()
	<-done
	return thread
}

func TestRootHandsTheServerToAnotherUser(t *testing.T) {
	srv := start(t, embedpg.Config{})
	info, err := os.Stat(srv.SocketDir())
	check(t, err)
	uid := int(info.Sys().(*syscall.Stat_t).Uid)
	if me := os.Geteuid(); uid == 0 || (me != 0 && uid != me) {
		t.Errorf("this process has user id %d, its server %d", me, uid)
	}
	var superuser bool
	check(t, connect(t, srv.URL(embedpg.Superuser, "")).QueryRow(t.Context(),
		"SELECT rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&superuser))
	if !superuser {
		t.Error("the superuser is none")
	}
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	needServer(t)
}

// The same tests again, run by a user who is not root.
func TestAsNobody(t *testing.T) {
	needRoot(t)
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skip(err)
	}
	uid, err := strconv.Atoi(nobody.Uid)
	check(t, err)
	gid, err := strconv.Atoi(nobody.Gid)
	check(t, err)
	program := filepath.Join(publicDir(t, os.TempDir()), "test")
	text, err := os.ReadFile(os.Args[0])
	check(t, err)
	check(t, os.WriteFile(program, text, 0o755))

	const names = "TestStartAndStop|TestRootHandsTheServerToAnotherUser|TestTCP|TestKilledParentTakesTheServerAlong"
	cmd := exec.CommandContext(t.Context(), program, "-test.v", "-test.run=^("+names+")$")
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), embedpg.EnvBinDir + "=" + os.Getenv(embedpg.EnvBinDir)}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid), Groups: []uint32{}}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("as nobody: %v\n%s", err, out)
	}
	for _, name := range strings.Split(names, "|") {
		if !strings.Contains(string(out), "--- PASS: "+name) {
			t.Errorf("%s did not pass:\n%s", name, out)
		}
	}
}

func TestProgramsThatTheUserCannotReach(t *testing.T) {
	needRoot(t)
	real, err := embedpg.Find()
	check(t, err)
	secret := filepath.Join(t.TempDir(), "bin") // below a folder of root, mode 0700
	check(t, os.Symlink(real, secret))
	_, err = embedpg.Start(t.Context(), embedpg.Config{BinDir: secret})
	if err == nil || !strings.Contains(err.Error(), "cannot execute "+secret) {
		t.Errorf("error %v", err)
	}
}

func TestFolderThatTheUserCannotReach(t *testing.T) {
	needRoot(t)
	dir := publicDir(t, os.TempDir()) // initdb is what fails
	check(t, os.Chmod(dir, 0o700))
	_, err := embedpg.Start(t.Context(), embedpg.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "cannot enter "+dir) {
		t.Errorf("error %v", err)
	}
	mustBeEmpty(t, dir)
}
