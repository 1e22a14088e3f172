package integration

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestDemoEndsOnSIGTERM(t *testing.T) {
	t.Parallel()
	d := start(t, "")
	if a := d.do(t, get("/t/brazil/invoices")); a.status != 200 {
		t.Errorf("%d %.200s", a.status, a.raw)
	}
	d.end(t, syscall.SIGTERM)
}

// TestDemoRefusesToStart is about what the user gives: status 2 and one sentence.
func TestDemoRefusesToStart(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	file := func(sql string) string {
		name := filepath.Join(t.TempDir(), "data.sql")
		if err := os.WriteFile(name, []byte(sql), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	for name, c := range map[string]struct{ port, data, says string }{
		"port is a word":     {"http", "", "PORT"},
		"port is negative":   {"-1", "", "PORT"},
		"port is too large":  {"65536", "", "PORT"},
		"port has a space":   {"80 ", "", "PORT"},
		"port is taken":      {port, "", "PORT " + port},
		"no such file":       {"0", "/does/not/exist.sql", "DEMO_SQL"},
		"a folder":           {"0", t.TempDir(), "DEMO_SQL"},
		"no SQL":             {"0", file("hello\nthere"), "syntax error"},
		"another database":   {"0", file("create table customer (country text);"), "no customer.customer_id"},
		"an empty file":      {"0", file(""), "no customer.customer_id"},
		"not even a text":    {"0", file("\xff\xfe\x00"), "DEMO_SQL"},
		"an unfinished file": {"0", file("begin; create table customer (country text);"), "DEMO_SQL"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := command(t, "PORT="+c.port, "DEMO_SQL="+c.data)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 2 {
				t.Errorf("%v, want the status 2", err)
			}
			if stdout.Len() > 0 || strings.Count(stderr.String(), "\n") != 1 || !strings.Contains(stderr.String(), c.says) {
				t.Errorf("stdout %q, stderr %q, want one line with %q", &stdout, &stderr, c.says)
			}
		})
	}
}
