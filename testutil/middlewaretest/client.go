package middlewaretest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// service is a running service, as its clients see it.
type service struct {
	*env
	addr string
}

// reply is what a client got: a response, or the end of the connection.
type reply struct {
	status int // 0: the server closed the connection without a response
	header http.Header
	body   string
}

func (r reply) String() string {
	if r.status == 0 {
		return "a closed connection"
	}
	body := r.body
	if len(body) > 300 {
		body = body[:300] + "…"
	}
	return fmt.Sprintf("%d %q %v", r.status, body, r.header)
}

// get sends a GET request. Headers are whole lines, sent as they are; a line
// Host replaces that of the service.
func (s *service) get(target string, headers ...string) reply {
	s.Helper()
	return s.raw(request("GET", target, s.addr, headers...))
}

// request spells the head of a request that has its connection to itself.
func request(method, target, host string, headers ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", method, target)
	if !hasHost(headers) {
		fmt.Fprintf(&b, "Host: %s\r\n", host)
	}
	for _, line := range headers {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("Connection: close\r\n\r\n")
	return b.String()
}

func hasHost(headers []string) bool {
	for _, line := range headers {
		if name, _, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Host") {
			return true
		}
	}
	return false
}

// raw sends bytes on a new connection and reads one response.
func (s *service) raw(bytes string) reply {
	s.Helper()
	c := s.dial()
	defer c.Close()
	c.send(bytes)
	method, _, _ := strings.Cut(bytes, " ")
	return c.read(method)
}

// conn is a connection of a client.
type conn struct {
	net.Conn
	s *service
	r *bufio.Reader
}

// dial opens a connection that the case closes; it does not live longer than patience.
func (s *service) dial() *conn {
	s.Helper()
	c, err := net.DialTimeout("tcp", s.addr, s.framework.patience)
	if err != nil {
		s.abort("the service does not accept connections any more: %v", err)
	}
	_ = c.SetDeadline(time.Now().Add(s.framework.patience))
	return &conn{Conn: c, s: s, r: bufio.NewReader(c)}
}

// send writes all it can: a server may refuse in the middle of a request.
func (c *conn) send(bytes string) { _, _ = io.WriteString(c, bytes) }

// head reads the head of a response that switches protocols.
func (c *conn) head() reply {
	c.s.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return reply{}
	}
	return reply{status: resp.StatusCode, header: resp.Header}
}

// read reads a response to a request of the method, with its whole body.
func (c *conn) read(method string) reply {
	c.s.Helper()
	resp, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		if ne, ok := err.(net.Error); ok && ne.Timeout() {
			c.s.broken("no response within %v", c.s.framework.patience)
		}
		return reply{}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		c.s.broken("the body of the response ends early: %v", err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}
