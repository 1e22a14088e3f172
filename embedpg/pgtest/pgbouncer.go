//go:build unix

package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/embedpg"
)

// EnvPgBouncer names the program that [PgBouncer] starts.
const EnvPgBouncer = "STRATUM_PGBOUNCER_BIN"

// Bouncer is a running PgBouncer in transaction mode, with three connections for each
// database and role.
type Bouncer struct {
	// Prepares tells whether it keeps prepared statements by their names, on whatever server
	// connection they are used: PgBouncer 1.21 and later, with max_prepared_statements.
	Prepares bool

	folder string
}

// URL is the URL of a role in a database through the PgBouncer.
func (b *Bouncer) URL(role, database string) string {
	return "postgres://" + url.PathEscape(role) + "@/" + url.PathEscape(database) + "?host=" + url.QueryEscape(b.folder) + "&port=6432"
}

// PgBouncer starts a [Bouncer] in front of the server of d, and stops it when the test
// ends. Where there is no PgBouncer it skips the test, or fails it if STRATUM_TEST_REQUIRED
// is 1.
func PgBouncer(t testing.TB, d *Database) *Bouncer {
	t.Helper()
	bin := findPgBouncer(t)
	if d.Server().SocketDir() == "" {
		t.Skip("pgtest: the server was not started by this process")
	}
	folder, err := os.MkdirTemp(filepath.Dir(d.Server().SocketDir()), "bouncer-")
	if err != nil {
		t.Fatal("pgtest: ", err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	b := &Bouncer{Prepares: prepares(t, bin), folder: folder}
	cmd, log := exec.Command(bin, "-q", b.configure(t, d)), new(lockedBuffer)
	cmd.Stderr = log
	// Whoever runs the server may use its socket, and root may not run PgBouncer.
	if err := asServer(cmd, d.Server().SocketDir(), folder); err != nil {
		t.Fatal("pgtest: ", err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal("pgtest: ", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if err := answers(t.Context(), filepath.Join(folder, ".s.PGSQL.6432")); err != nil {
		t.Fatal("pgtest: PgBouncer does not answer: ", err, log)
	}
	return b
}

// prepares asks a program for its version.
func prepares(t testing.TB, bin string) bool {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), bin, "-V").Output()
	var major, minor int
	if err == nil {
		_, err = fmt.Sscanf(string(out), "PgBouncer %d.%d", &major, &minor)
	}
	if err != nil {
		t.Fatalf("pgtest: %s -V does not tell a version: %v", bin, err)
	}
	return major > 1 || minor >= 21
}

func findPgBouncer(t testing.TB) string {
	t.Helper()
	if bin := os.Getenv(EnvPgBouncer); bin != "" {
		return bin
	}
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const message = "pgtest: PgBouncer is not installed; on Debian: apt-get install pgbouncer"
	if os.Getenv(EnvRequired) == "1" {
		t.Fatal(message)
	}
	t.Skip(message)
	return ""
}

// configure writes the files of the PgBouncer, and returns the path of the first.
func (b *Bouncer) configure(t testing.TB, d *Database) string {
	t.Helper()
	upstream, err := pgx.ParseConfig(d.URL(embedpg.App))
	if err != nil {
		t.Fatal("pgtest: ", err)
	}
	users := filepath.Join(b.folder, "users.txt")
	main := filepath.Join(b.folder, "pgbouncer.ini")
	var prepared string // older ones do not know the setting
	if b.Prepares {
		prepared = "max_prepared_statements = 100\n" // the default is 0 until 1.24
	}
	for path, text := range map[string]string{
		users: fmt.Sprintf("%q \"\"\n%q \"\"\n", embedpg.App, embedpg.System),
		main: fmt.Sprintf(`[databases]
* = host=%s port=%d
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = %s
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
%s`, upstream.Host, upstream.Port, b.folder, users, prepared),
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal("pgtest: ", err)
		}
	}
	return main
}

// asServer makes a command run as the owner of the server's socket, and gives it the folder.
func asServer(cmd *exec.Cmd, socket, folder string) error {
	info, err := os.Stat(socket)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(folder, int(owner.Uid), int(owner.Gid)); err != nil {
		return err
	}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid, Groups: []uint32{}}}
	}
	return nil
}

// answers waits until somebody listens on a socket.
func answers(ctx context.Context, socket string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for again := time.NewTicker(5 * time.Millisecond); ; {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err == nil {
			again.Stop()
			return c.Close()
		}
		select {
		case <-ctx.Done():
			again.Stop()
			return err
		case <-again.C:
		}
	}
}

// lockedBuffer is what a program writes while others read it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements [io.Writer].
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String returns what has been written.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.TrimSpace(b.b.String())
}
