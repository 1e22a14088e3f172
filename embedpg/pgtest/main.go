package pgtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/embedpg"
	"go.uber.org/goleak"
)

// The environment variables of this package.
const (
	EnvDatabaseURL = "STRATUM_TEST_DATABASE_URL" // a superuser on a running server
	EnvRequired    = "STRATUM_TEST_REQUIRED"     // 1: no PostgreSQL is a failure
)

// patience bounds what no test's context bounds.
const patience = time.Minute

// process is what the tests of this process share. A test binary has one TestMain,
// hence one of these.
var process = shared{connect: connect}

// Main runs the tests, stops the server if one was started, and returns the exit code for
// TestMain. It is 1 if goroutines are left.
func Main(m *testing.M) int {
	process.open()
	code := m.Run()
	if err := process.close(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest:", err)
		code = max(code, 1)
	}
	if err := goleak.Find(ignored()...); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest: after the tests,", err)
		code = max(code, 1)
	}
	return code
}

// MainWithExamples is [Main] for a package whose examples need PostgreSQL. Examples cannot
// skip themselves, so where there is none, and none is required, they are left out.
func MainWithExamples(m *testing.M) int {
	if _, err := embedpg.Find(); errors.Is(err, embedpg.ErrNotInstalled) && os.Getenv(EnvRequired) != "1" {
		flag.Parse()
		_ = flag.Set("test.skip", "^Example")
	}
	return Main(m)
}

// ignored is the one list of goroutines that may be left. It is for those that no
// test can end, with the reason for each.
func ignored() []goleak.Option {
	return []goleak.Option{
		// GORM's cache of prepared statements expires them for ever; it cannot be closed.
		goleak.IgnoreTopFunction("gorm.io/gorm/internal/lru.NewLRU[...].func1"),
		// fasthttp looks at its workers each ten seconds, stopped or not, and at its clock for ever.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
	}
}

// shared is one server and the templates on it.
type shared struct {
	mu        sync.Mutex
	connect   func() (*embedpg.Server, error)
	running   bool // Main runs
	started   bool // server and err are final
	server    *embedpg.Server
	err       error
	names     int
	prefix    string
	templates map[string]*template
}

func (s *shared) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = true
}

// close drops the templates and stops the server.
func (s *shared) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	if s.server == nil {
		return nil
	}
	var errs []error
	if s.server.Done() == nil { // not ours: leave nothing behind
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		for _, tpl := range s.templates {
			errs = append(errs, s.server.DropDatabase(ctx, tpl.name))
		}
	}
	return errors.Join(append(errs, s.server.Stop())...)
}

// get returns the server, started at the first call.
func (s *shared) get() (*embedpg.Server, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running {
		return nil, errors.New("no server without TestMain; write: " +
			"func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }")
	}
	if !s.started {
		s.started = true
		s.prefix = "stratum_test_" + randomName()
		s.server, s.err = s.connect()
	}
	return s.server, s.err
}

// connect starts a server or attaches to the one of the environment.
func connect() (*embedpg.Server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if url := os.Getenv(EnvDatabaseURL); url != "" {
		return embedpg.Attach(ctx, url)
	}
	return embedpg.Start(ctx, embedpg.Config{TCP: true})
}

// name makes up the name of a database.
func (s *shared) name() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names++
	return fmt.Sprintf("%s_%d", s.prefix, s.names)
}

// serverOf is get for a test: it skips or fails it.
func (s *shared) serverOf(t testing.TB) *embedpg.Server {
	t.Helper()
	server, err := s.get()
	switch {
	case err == nil:
		return server
	case errors.Is(err, embedpg.ErrNotInstalled) && os.Getenv(EnvRequired) != "1":
		t.Skip("pgtest: ", strings.TrimPrefix(err.Error(), "embedpg: "))
	default:
		t.Fatal("pgtest: ", err)
	}
	return nil
}
