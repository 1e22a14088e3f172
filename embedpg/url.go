package embedpg

import (
	"cmp"
	"maps"
	"net"
	"net/url"
	"strconv"
)

// address says where a server listens, and how to say so in a URL.
type address struct {
	socketDir string // empty: no Unix socket
	host      string // empty: no TCP
	port      int
	params    url.Values // further parameters of a URL
}

// URL is a postgres:// URL for a role, in a database: over the Unix socket, where no password
// is needed, or, for an attached server without one, over TCP. An empty database
// means [Config.Database]. For [Superuser] on an attached server it is the login that was given to
// [Attach].
func (s *Server) URL(role, database string) string {
	if s.address.socketDir == "" {
		return s.TCPURL(role, database)
	}
	u := s.url(role, database)
	u.RawQuery = s.query(map[string]string{
		"host": s.address.socketDir,
		"port": strconv.Itoa(s.address.port),
	}).Encode()
	if s.folder != nil { // our own server trusts its socket
		u.User = url.User(s.login(role))
	}
	return u.String()
}

// TCPURL is like [Server.URL], but over TCP and with the role's password. It is empty
// if the server does not listen on TCP.
func (s *Server) TCPURL(role, database string) string {
	if s.address.host == "" {
		return ""
	}
	u := s.url(role, database)
	u.Host = net.JoinHostPort(s.address.host, strconv.Itoa(s.address.port))
	query := s.query(nil)
	if s.folder != nil {
		query.Set("sslmode", "disable") // ours has no certificate
	}
	u.RawQuery = query.Encode()
	return u.String()
}

func (s *Server) url(role, database string) *url.URL {
	u := &url.URL{
		Scheme: "postgres",
		User:   url.User(s.login(role)),
		Path:   "/" + cmp.Or(database, s.database, "postgres"),
	}
	if password, ok := s.passwords[role]; ok {
		u.User = url.UserPassword(s.login(role), password)
	}
	return u
}

// query joins parameters to those that every URL of the server has.
func (s *Server) query(more map[string]string) url.Values {
	query := maps.Clone(s.address.params)
	if query == nil {
		query = make(url.Values)
	}
	for name, value := range more {
		query.Set(name, value)
	}
	return query
}

// login is the name under which a role connects.
func (s *Server) login(role string) string {
	if role == Superuser {
		return s.super
	}
	return role
}
