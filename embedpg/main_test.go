package embedpg_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stratum-hq/stratum-go/embedpg"
	"go.uber.org/goleak"
)

// holdDir tells a copy of this test binary to start a server there and hold it.
const holdDir = "EMBEDPG_TEST_HOLD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdDir); dir != "" {
		os.Exit(hold(dir))
	}
	if _, err := embedpg.Find(); errors.Is(err, embedpg.ErrNotInstalled) {
		flag.Parse()
		_ = flag.Set("test.skip", "^Example") // examples cannot skip themselves
	}
	code := m.Run()
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// hold is what the copy does: it prints the server's folder of sockets, and then waits to be killed.
func hold(dir string) int {
	srv, err := embedpg.Start(context.Background(), embedpg.Config{Dir: dir})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Println(srv.SocketDir())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// heldServer starts a process that holds a server in dir.
func heldServer(t *testing.T, dir string) (owner *exec.Cmd, sockets string) {
	t.Helper()
	owner = exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), holdDir+"="+dir)
	owner.Stderr = os.Stderr
	stdin, err := owner.StdinPipe() // keeps it waiting
	check(t, err)
	t.Cleanup(func() { _ = stdin.Close() })
	stdout, err := owner.StdoutPipe()
	check(t, err)
	check(t, owner.Start())
	t.Cleanup(func() {
		_ = owner.Process.Kill()
		_ = owner.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	check(t, err)
	return owner, strings.TrimSpace(line)
}

// start starts a server that is stopped when the test ends.
func start(t testing.TB, cfg embedpg.Config) *embedpg.Server {
	t.Helper()
	needServer(t)
	srv, err := embedpg.Start(t.Context(), cfg)
	check(t, err)
	t.Cleanup(func() {
		if err := srv.Stop(); err != nil {
			t.Error(err)
		}
	})
	return srv
}

// needServer skips the test where there is no PostgreSQL, unless there has to be one.
func needServer(t testing.TB) {
	t.Helper()
	_, err := embedpg.Find()
	if errors.Is(err, embedpg.ErrNotInstalled) && os.Getenv("STRATUM_TEST_REQUIRED") != "1" {
		t.Skip(err)
	}
	check(t, err)
}

// connect connects to a URL.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	check(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// exec1 runs statements as the superuser.
func exec1(t testing.TB, srv *embedpg.Server, database, sql string) {
	t.Helper()
	conn := connect(t, srv.URL(embedpg.Superuser, database))
	_, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	check(t, err)
	check(t, conn.Close(t.Context()))
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// publicDir is a folder that a server may use that runs as another user; t.TempDir is not.
func publicDir(t testing.TB, parent string) string {
	t.Helper()
	dir, err := os.MkdirTemp(parent, "embedpg")
	check(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	check(t, os.Chmod(dir, 0o755))
	return dir
}

// mustBeEmpty fails if anything is left in dir, or any process still uses it.
func mustBeEmpty(t testing.TB, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	check(t, err)
	for _, entry := range left {
		t.Errorf("left behind in %s: %s", dir, entry.Name())
	}
	if pids := processesIn(dir); len(pids) > 0 {
		t.Errorf("processes of %s still run: %v", dir, pids)
	}
}

// processesIn are the processes whose command line names dir; on Linux only.
func processesIn(dir string) (pids []string) {
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range found {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), "-D\x00"+dir) {
			pids = append(pids, filepath.Base(filepath.Dir(name)))
		}
	}
	return pids
}

// eventually waits until something is true, and fails after ten seconds.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !is() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("after ten seconds still not: %s", what)
		}
	}
}
