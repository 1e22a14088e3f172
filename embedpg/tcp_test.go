package embedpg_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stratum-hq/stratum-go/embedpg"
)

var allRoles = []string{embedpg.Superuser, embedpg.Owner, embedpg.App, embedpg.System, embedpg.Subtree, embedpg.Lib}

func TestTCP(t *testing.T) {
	srv := start(t, embedpg.Config{TCP: true})
	for _, role := range allRoles {
		var user string
		var local bool
		check(t, connect(t, srv.TCPURL(role, "")).QueryRow(t.Context(), "SELECT session_user, inet_server_addr() IS NULL").Scan(&user, &local))
		if user != role || local {
			t.Errorf("over TCP as %s: user %s, socket %v", role, user, local)
		}
		check(t, connect(t, srv.URL(role, "")).QueryRow(t.Context(), "SELECT session_user, inet_server_addr() IS NULL").Scan(&user, &local))
		if user != role || !local {
			t.Errorf("over the socket as %s: user %s, socket %v", role, user, local)
		}
	}
}

func TestTCPRefusesWrongPasswords(t *testing.T) {
	srv := start(t, embedpg.Config{TCP: true})
	for _, role := range allRoles {
		u, err := url.Parse(srv.TCPURL(role, ""))
		check(t, err)
		right, ok := u.User.Password()
		if !ok || len(right) < 20 {
			t.Errorf("the password of %s is too short to be random", role)
		}
		wrong := "x" + right[1:]
		for _, user := range []*url.Userinfo{url.User(role), url.UserPassword(role, wrong)} {
			u.User = user
			conn, err := pgx.Connect(t.Context(), u.String())
			if err == nil {
				_ = conn.Close(t.Context())
				t.Errorf("%s got in without the right password", role)
				continue
			}
			var refused *pgconn.PgError
			if errors.As(err, &refused) && refused.Code != "28P01" {
				t.Errorf("%s was refused for another reason: %v", role, err)
			}
			if strings.Contains(err.Error(), wrong) {
				t.Errorf("the error holds the password: %v", err)
			}
		}
	}
}

func TestPasswordsAreMadeUpAndNotPrinted(t *testing.T) {
	var log strings.Builder
	srv := start(t, embedpg.Config{TCP: true, Log: &log, Settings: map[string]string{"log_statement": "all"}})
	u, err := url.Parse(srv.TCPURL(embedpg.App, ""))
	check(t, err)
	password, _ := u.User.Password()
	other, err := url.Parse(srv.TCPURL(embedpg.Owner, ""))
	check(t, err)
	if p, _ := other.User.Password(); p == password {
		t.Error("two roles have the same password")
	}
	for _, text := range []string{fmt.Sprint(srv), fmt.Sprintf("%+v", srv), fmt.Sprintf("%#v", srv)} {
		if strings.Contains(text, password) {
			t.Errorf("printing the server shows a password: %s", text)
		}
	}
	check(t, srv.Stop())
	if !strings.Contains(log.String(), embedpg.App) {
		t.Fatal("the log shows no statement, the next check would prove nothing")
	}
	if strings.Contains(log.String(), password) {
		t.Error("the server's log shows a password")
	}
}

func TestListensOnLocalhostOnly(t *testing.T) {
	srv := start(t, embedpg.Config{TCP: true})
	host, port, err := net.SplitHostPort(srv.Addr())
	check(t, err)
	if host != "127.0.0.1" {
		t.Errorf("Addr() = %s", srv.Addr())
	}
	if runtime.GOOS == "linux" {
		if got := listenersOn(t, port); len(got) != 1 || got[0] != "0100007F" {
			t.Errorf("port %s listens on %v", port, got)
		}
	}
	for _, other := range []string{"127.0.0.2", "::1"} {
		if c, err := net.Dial("tcp", net.JoinHostPort(other, port)); err == nil {
			_ = c.Close()
			t.Errorf("listens on %s too", other)
		}
	}
}

// listenersOn are the addresses, in hexadecimal, on which the kernel listens at a port.
func listenersOn(t *testing.T, port string) (addresses []string) {
	t.Helper()
	var n int
	_, err := fmt.Sscan(port, &n)
	check(t, err)
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // no IPv6
		}
		for _, line := range strings.Split(string(text), "\n") {
			f := strings.Fields(line)
			if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", n)) {
				addresses = append(addresses, strings.Split(f[1], ":")[0])
			}
		}
	}
	return addresses
}

func TestRulesOfAccess(t *testing.T) {
	srv := start(t, embedpg.Config{TCP: true})
	rows, err := connect(t, srv.URL(embedpg.Superuser, "")).Query(t.Context(),
		"SELECT concat_ws(' ', type, database, user_name, address, netmask, auth_method, error) FROM pg_hba_file_rules ORDER BY line_number")
	check(t, err)
	rules, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(t, err)
	want := "local {all} {all} trust; host {all} {all} 127.0.0.1 255.255.255.255 scram-sha-256"
	if got := strings.Join(rules, "; "); got != want {
		t.Errorf("rules: %s\nwant:  %s", got, want)
	}
}

func TestAGivenPort(t *testing.T) {
	needServer(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	port := taken.Addr().(*net.TCPAddr).Port
	dir := publicDir(t, embedpg.DefaultDir())
	_, err = embedpg.Start(t.Context(), embedpg.Config{Dir: dir, TCP: true, Port: port})
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Errorf("a port that is taken: error %v", err)
	}
	mustBeEmpty(t, dir)
	check(t, taken.Close())
	srv := start(t, embedpg.Config{TCP: true, Port: port})
	if want := fmt.Sprintf("127.0.0.1:%d", port); srv.Addr() != want {
		t.Errorf("Addr() = %s, want %s", srv.Addr(), want)
	}
}
