package integration

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const patience = 2 * time.Minute

// demo is a running demo.
type demo struct {
	base   string // http://127.0.0.1:PORT
	curls  []string
	client *http.Client
	admin  *pgx.Conn // the superuser's connection that the demo printed

	process *exec.Cmd
	stderr  *buffer
	server  *os.Process // PostgreSQL
	folder  string      // PostgreSQL's
	once    sync.Once
}

// buffer is written by one goroutine and read by another.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs the demo until it is ready. When the test ends it is interrupted, and must
// leave nothing behind.
func start(t *testing.T, file string) *demo {
	t.Helper()
	d := &demo{stderr: &buffer{}, process: command(t, "PORT=0", "DEMO_SQL="+file)}
	d.process.Stderr = d.stderr
	stdout, err := d.process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := d.process.Start(); err != nil {
		t.Fatal(err)
	}
	admin := d.read(t, stdout)
	t.Logf("the demo is ready after %v", time.Since(began).Round(time.Millisecond))
	d.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}, Timeout: patience}
	t.Cleanup(d.client.CloseIdleConnections)
	d.look(t, admin)
	t.Cleanup(func() { d.end(t, os.Interrupt) })
	return d
}

// command is the demo with an environment of its own, killed if it takes too long.
func command(t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	path := program(t, "demo")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, path)
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// read reads what the demo prints, up to the last line, and returns the admin URL.
func (d *demo) read(t *testing.T, stdout io.Reader) (admin string) {
	t.Helper()
	lines := bufio.NewScanner(stdout)
	for n := 0; lines.Scan(); n++ {
		line := lines.Text()
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case n == 0 && word == "ready":
			d.base = rest
		case n == 1 && word == "admin":
			admin = rest
		case n > 1 && word == "curl":
			d.curls = append(d.curls, line)
		default:
			t.Fatalf("line %d of stdout is %q", n+1, line)
		}
		if line == "curl -sS "+d.base+"/invoices" {
			return admin
		}
	}
	_ = d.process.Wait()
	t.Fatalf("the demo ended before it was ready: %s", d.stderr)
	return ""
}

// look connects as the superuser and finds out what must be gone in the end.
func (d *demo) look(t *testing.T, url string) {
	t.Helper()
	var err error
	if d.admin, err = pgx.Connect(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.admin.Close(context.Background()) })
	var data, pid string
	err = d.admin.QueryRow(t.Context(), `select current_setting('data_directory'), split_part(pg_read_file('postmaster.pid'), E'\n', 1)`).Scan(&data, &pid)
	if err != nil {
		t.Fatal(err)
	}
	d.folder = filepath.Dir(data)
	number, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if d.server, err = os.FindProcess(number); err != nil {
		t.Fatal(err)
	}
	if err := d.server.Signal(syscall.Signal(0)); err != nil {
		t.Fatal("PostgreSQL does not run:", err)
	}
	if _, err := os.Stat(d.folder); err != nil {
		t.Fatal(err)
	}
}

// end signals the demo, once, and checks what is left.
func (d *demo) end(t *testing.T, signal os.Signal) {
	t.Helper()
	d.once.Do(func() {
		if err := d.process.Process.Signal(signal); err != nil {
			t.Error(err)
		}
		if err := d.process.Wait(); err != nil {
			t.Errorf("after %v: %v\n%s", signal, err, d.stderr)
		}
		if err := d.server.Signal(syscall.Signal(0)); err == nil {
			t.Errorf("after %v PostgreSQL still runs", signal)
		}
		if _, err := os.Stat(d.folder); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after %v the folder %s is left: %v", signal, d.folder, err)
		}
		if strings.Contains(d.stderr.String(), "level=ERROR") {
			t.Errorf("the log has errors: %s", d.stderr)
		}
	})
}
