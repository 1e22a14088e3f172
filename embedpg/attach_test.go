package embedpg_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestAttach(t *testing.T) {
	srv := start(t, embedpg.Config{TCP: true})
	first, err := embedpg.Attach(t.Context(), srv.TCPURL(embedpg.Superuser, "")+"&application_name=attached")
	check(t, err)
	second, err := embedpg.Attach(t.Context(), srv.TCPURL(embedpg.Superuser, ""))
	check(t, err)
	if first.Version() != srv.Version() || first.Addr() != srv.Addr() || first.SocketDir() != "" || first.Done() != nil {
		t.Errorf("attached to another server: %v, want %v", first, srv)
	}
	check(t, first.CreateDatabase(t.Context(), "shared", ""))
	for _, s := range []*embedpg.Server{first, second} { // they agree on the passwords
		for _, role := range allRoles {
			var user, database string
			check(t, connect(t, s.URL(role, "shared")).QueryRow(t.Context(), "SELECT session_user, current_database()").Scan(&user, &database))
			if user != role || database != "shared" {
				t.Errorf("connected as %s to %s, want %s", user, database, role)
			}
		}
	}
	var name string
	check(t, connect(t, first.TCPURL(embedpg.App, "")).QueryRow(t.Context(), "SELECT current_setting('application_name')").Scan(&name))
	if name != "attached" {
		t.Error("the parameters of the URL are lost")
	}
	if _, err := pgx.Connect(t.Context(), srv.TCPURL(embedpg.App, "")); err == nil {
		t.Error("the old password is still good")
	}
	check(t, second.DropDatabase(t.Context(), "shared"))
	check(t, first.Stop())
	check(t, connect(t, second.URL(embedpg.Superuser, "")).Ping(t.Context()))
}

func TestAttachOverASocketWithoutPasswords(t *testing.T) {
	srv := start(t, embedpg.Config{})
	exec1(t, srv, "", "CREATE ROLE boss SUPERUSER LOGIN")
	s, err := embedpg.Attach(t.Context(), srv.URL("boss", "template1"))
	check(t, err)
	if s.SocketDir() != srv.SocketDir() || s.Addr() != "" || s.TCPURL(embedpg.App, "") != "" {
		t.Errorf("socket %q, address %q", s.SocketDir(), s.Addr())
	}
	var user, database string
	check(t, connect(t, s.URL(embedpg.Superuser, "")).QueryRow(t.Context(), "SELECT session_user, current_database()").Scan(&user, &database))
	if user != "boss" || database != "template1" {
		t.Errorf("connected as %s to %s", user, database)
	}
	var passwords int
	check(t, connect(t, s.URL("boss", "")).QueryRow(t.Context(), "SELECT count(rolpassword) FROM pg_authid").Scan(&passwords))
	if passwords != 0 {
		t.Error("passwords that anybody could derive were set")
	}
}

func TestAttachErrorsHoldNoPassword(t *testing.T) {
	const secret = "hunter2hunter2"
	for _, u := range []string{
		"postgres://postgres:" + secret + "@127.0.0.1:1/postgres?sslmode=disable",
		"postgres://postgres:" + secret + "@127.0.0.1:bad/postgres",
		"mysql://postgres:" + secret + "@127.0.0.1/postgres",
		"host=127.0.0.1 port=1 password=" + secret,
		"postgres://postgres:" + secret + "@127.0.0.1:1/%zz",
	} {
		_, err := embedpg.Attach(t.Context(), u)
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("error %v", err)
		}
	}
}

func TestURLsAreEscaped(t *testing.T) {
	srv := start(t, embedpg.Config{TCP: true})
	for _, text := range []string{srv.URL("a b@c/d", "x y?z#"), srv.TCPURL("a b@c/d", "x y?z#")} {
		u, err := url.Parse(text)
		check(t, err)
		if u.User.Username() != "a b@c/d" || u.Path != "/x y?z#" {
			t.Errorf("%s reads as user %q, path %q", text, u.User.Username(), u.Path)
		}
	}
}
