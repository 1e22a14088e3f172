package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// recorder is a test that only notes what happened to it.
type recorder struct {
	testing.TB
	skipped, failed bool
	text            string
}

type ended struct{}

func (r *recorder) Helper()                   {}
func (r *recorder) Fatal(args ...any)         { r.failed, r.text = true, fmt.Sprint(args...); panic(ended{}) }
func (r *recorder) Skip(args ...any)          { r.skipped, r.text = true, fmt.Sprint(args...); panic(ended{}) }
func (r *recorder) Fatalf(f string, a ...any) { r.Fatal(fmt.Sprintf(f, a...)) }

// record runs f on a recorder that otherwise is t.
func record(t *testing.T, f func(*recorder)) (r *recorder) {
	t.Helper()
	r = &recorder{TB: t}
	defer func() {
		if p := recover(); p != nil && p != any(ended{}) {
			panic(p)
		}
	}()
	f(r)
	return r
}

func TestWithoutPostgres(t *testing.T) {
	missing := fmt.Errorf("embedpg: %w: install it", embedpg.ErrNotInstalled)
	for _, c := range []struct {
		name, required string
		err            error
		skip           bool
	}{
		{"missing", "", missing, true},
		{"missing, not required", "0", missing, true},
		{"missing, required", "1", missing, false},
		{"broken", "", errors.New("broken"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(EnvRequired, c.required)
			calls := 0
			s := shared{running: true, connect: func() (*embedpg.Server, error) { calls++; return nil, c.err }}
			for range 2 {
				r := record(t, func(r *recorder) { s.serverOf(r) })
				if r.skipped != c.skip || r.failed == c.skip || !strings.Contains(r.text, strings.TrimPrefix(c.err.Error(), "embedpg: ")) {
					t.Errorf("skipped %v, failed %v: %s", r.skipped, r.failed, r.text)
				}
			}
			if calls != 1 {
				t.Errorf("tried %d times", calls)
			}
			if err := s.close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWithoutMain(t *testing.T) {
	s := shared{connect: func() (*embedpg.Server, error) { panic("started") }}
	r := record(t, func(r *recorder) { s.serverOf(r) })
	if !r.failed || !strings.Contains(r.text, "TestMain") {
		t.Errorf("failed %v: %s", r.failed, r.text)
	}
}

// mode tells a copy of this test binary what to do wrong.
const mode = "PGTEST_TEST_MODE"

// again runs some of the tests in another process.
func again(t *testing.T, run string, env ...string) (output string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^("+run+")$")
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestLeak leaks only where TestLeaksAreFound runs it.
func TestLeak(*testing.T) {
	if os.Getenv(mode) == "goroutine" {
		go func() { select {} }()
	}
}

func TestLeaksAreFound(t *testing.T) {
	out, err := again(t, "TestLeak", mode+"=goroutine")
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(out, "after the tests") || !strings.Contains(out, "TestLeak") {
		t.Errorf("leaking a goroutine: %v\n%s", err, out)
	}
	if out, err := again(t, "TestLeak", mode+"=nothing"); err != nil || !strings.Contains(out, "--- PASS: TestLeak") {
		t.Errorf("leaking nothing: %v\n%s", err, out)
	}
}

// Two processes share one running server, and leave nothing on it.
func TestARunningServer(t *testing.T) {
	if os.Getenv(EnvDatabaseURL) != "" {
		t.Skip("is one of the two")
	}
	New(t) // skips where there is no PostgreSQL
	other, err := embedpg.Start(t.Context(), embedpg.Config{TCP: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Stop(); err != nil {
			t.Error(err)
		}
	}()
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			const run = "TestNew|TestURLs|TestDatabasesAreApart|TestNewWithRunsSetupOnce"
			out, err := again(t, run, EnvDatabaseURL+"="+other.TCPURL(embedpg.Superuser, "postgres"))
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			for _, name := range strings.Split(run, "|") {
				if !strings.Contains(out, "--- PASS: "+name) {
					t.Errorf("%s did not pass:\n%s", name, out)
				}
			}
		})
	}
	group.Wait()
	conn, err := pgx.Connect(t.Context(), other.URL(embedpg.Superuser, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	rows, _ := conn.Query(t.Context(), "SELECT datname::text FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')")
	left, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(left) > 0 {
		t.Errorf("left on the server: %v, error %v", left, err)
	}
	var used int
	if err := conn.QueryRow(t.Context(), "SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'").Scan(&used); err != nil || used < 10 {
		t.Errorf("the server was hardly used (%d transactions, error %v): the checks above prove nothing", used, err)
	}
}
