package embedpg_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestStartAndStop(t *testing.T) {
	dir := publicDir(t, embedpg.DefaultDir())
	srv := start(t, embedpg.Config{Dir: dir, Database: "shop"})
	var version int
	var database, user, listen string
	err := connect(t, srv.URL(embedpg.App, "")).QueryRow(t.Context(), `SELECT current_setting('server_version_num')::int,
		current_database(), current_user, current_setting('listen_addresses')`).Scan(&version, &database, &user, &listen)
	check(t, err)
	if srv.Version() != version || version < 140000 {
		t.Errorf("Version() = %d, the server says %d", srv.Version(), version)
	}
	if database != "shop" || user != embedpg.App {
		t.Errorf("connected to %q as %q", database, user)
	}
	if listen != "" || srv.Addr() != "" || srv.TCPURL(embedpg.App, "shop") != "" {
		t.Errorf("a server without TCP listens on %q, Addr %q", listen, srv.Addr())
	}
	if info, err := os.Stat(srv.SocketDir()); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder of sockets is open to others: %v, error %v", info.Mode(), err)
	}
	check(t, srv.Stop())
	mustBeEmpty(t, dir)
}

func TestStopTwice(t *testing.T) {
	srv := start(t, embedpg.Config{})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if err := srv.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	select {
	case <-srv.Done():
	default:
		t.Error("Done is open after Stop")
	}
	check(t, srv.Stop())
}

// canceller is a log that cancels when the server says something.
type canceller struct {
	cancel context.CancelFunc
	when   string
	seen   strings.Builder
}

func (c *canceller) Write(p []byte) (int, error) {
	c.seen.Write(p)
	if strings.Contains(c.seen.String(), c.when) {
		c.cancel()
	}
	return len(p), nil
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	needServer(t)
	for name, when := range map[string]string{
		"initdb":  "creating configuration files",
		"initdb2": "performing post-bootstrap initialization",
		"server":  "starting PostgreSQL",
	} {
		t.Run(name, func(t *testing.T) {
			dir := publicDir(t, os.TempDir()) // not in memory, so that initdb runs
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			log := &canceller{cancel: cancel, when: when}
			srv, err := embedpg.Start(ctx, embedpg.Config{Dir: dir, Log: log})
			if err == nil {
				_ = srv.Stop()
			}
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v; the log says:\n%s", err, log.seen.String())
			}
			mustBeEmpty(t, dir)
		})
	}
	t.Run("before", func(t *testing.T) {
		dir := publicDir(t, embedpg.DefaultDir())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := embedpg.Start(ctx, embedpg.Config{Dir: dir}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		mustBeEmpty(t, dir)
	})
}

func TestFailedStartQuotesTheLog(t *testing.T) {
	needServer(t)
	dir := publicDir(t, embedpg.DefaultDir())
	_, err := embedpg.Start(t.Context(), embedpg.Config{Dir: dir, Settings: map[string]string{"work_mem": "a lot"}})
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "work_mem"`) {
		t.Errorf("the error does not say why: %v", err)
	}
	mustBeEmpty(t, dir)
}

func TestSettingsWin(t *testing.T) {
	srv := start(t, embedpg.Config{Settings: map[string]string{"max_connections": "17", "work_mem": "5MB"}})
	var connections, memory, fsync string
	check(t, connect(t, srv.URL(embedpg.Superuser, "")).QueryRow(t.Context(),
		"SELECT current_setting('max_connections'), current_setting('work_mem'), current_setting('fsync')").Scan(&connections, &memory, &fsync))
	if connections != "17" || memory != "5MB" || fsync != "off" {
		t.Errorf("max_connections %s, work_mem %s, fsync %s", connections, memory, fsync)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  embedpg.Config
		want []string
	}{
		{"port without TCP", embedpg.Config{Port: 5433}, []string{"Config.Port", "Config.TCP"}},
		{"no port", embedpg.Config{TCP: true, Port: 70000}, []string{"Config.Port", "70000"}},
		{"listen", embedpg.Config{Settings: map[string]string{"Listen_Addresses": "*"}}, []string{"Listen_Addresses", "Config.TCP"}},
		{"hba", embedpg.Config{Settings: map[string]string{"hba_file": "/x"}}, []string{"hba_file"}},
		{"smuggled", embedpg.Config{Settings: map[string]string{"work_mem=1 -c port": "1"}}, []string{"work_mem=1"}},
		{"long name", embedpg.Config{Database: strings.Repeat("x", 64)}, []string{"database", "63"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv, err := embedpg.Start(t.Context(), c.cfg)
			if err == nil {
				_ = srv.Stop()
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error does not mention %q: %v", want, err)
				}
			}
		})
	}
}

func TestSocketPathTooLong(t *testing.T) {
	needServer(t)
	dir := filepath.Join(publicDir(t, embedpg.DefaultDir()), strings.Repeat("x", 80))
	check(t, os.Mkdir(dir, 0o755))
	_, err := embedpg.Start(t.Context(), embedpg.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "shorter Config.Dir") {
		t.Errorf("error %v", err)
	}
	mustBeEmpty(t, dir)
}

func TestTwoServersInOneFolder(t *testing.T) {
	dir := publicDir(t, embedpg.DefaultDir())
	first := start(t, embedpg.Config{Dir: dir})
	second := start(t, embedpg.Config{Dir: dir})
	check(t, connect(t, first.URL(embedpg.App, "")).Ping(t.Context()))
	check(t, second.Stop())
	check(t, connect(t, first.URL(embedpg.App, "")).Ping(t.Context()))
}

// listening reports whether there is a server behind a folder of sockets.
func listening(sockets string) bool {
	c, err := net.Dial("unix", filepath.Join(sockets, ".s.PGSQL.5432"))
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}
