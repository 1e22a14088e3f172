package middlewaretest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/stratum-hq/stratum-go/core"
)

// streamCases are about responses that do not end with the handler.
var streamCases = []testCase{
	{
		name: "stream", rule: "what a handler flushes reaches the client at once, and the tenant stays to the end of the stream",
		needs: []Capability{Streaming},
		check: func(e *env) { e.streams("", "%s\n") },
	},
	{
		name: "server_sent_events", rule: "server-sent events reach the client one by one, under the tenant of the request",
		needs: []Capability{Streaming},
		check: func(e *env) { e.streams("text/event-stream", "data: %s\n\n") },
	},
	{
		name: "stream_headers", rule: "a stream says to caches what any other response says",
		needs: []Capability{Streaming},
		check: func(e *env) {
			s := e.admitting(Config{}, func(x Exchange) error {
				return x.Stream(func(w io.Writer, _ func() error) { _, _ = io.WriteString(w, "x") })
			})
			r := s.get("/", asBrazil)
			e.wantCacheControl(r, "private")
			e.wantVary(r, "Authorization", "Cookie", "X-Tenant-Id")
			e.wantRefusal(s.get("/"), core.ErrMissingTenant)
		},
	},
	{
		name: "hijack", rule: "a handler can take the connection over, and nothing of ours is written to it",
		needs: []Capability{Hijacking},
		check: func(e *env) {
			s := e.admitting(Config{}, func(x Exchange) error {
				name := slugOf(core.Detach(x.Context()))
				return x.Hijack(func(conn net.Conn) {
					fmt.Fprintf(conn, "HTTP/1.1 299 Mine\r\nX-As: %s\r\nConnection: close\r\n\r\n", name)
				})
			})
			r := s.get("/", asBrazil)
			if r.status != 299 || r.header.Get("X-As") != "brazil" || len(r.header) > 2 {
				e.broken("want the handler's own 299 with one header, got %v", r)
			}
			e.wantRefusal(s.get("/", "X-Tenant-ID: nobody"), core.ErrTenantNotFound)
		},
	},
	{
		name: "websocket", rule: "a websocket (RFC 6455) opens, and lives under the tenant of its handshake; a refused one does not open",
		needs: []Capability{Hijacking},
		check: checkWebsocket,
	},
}

// streams has a handler send two lines, the second once the client has the first.
func (e *env) streams(contentType, format string) {
	e.Helper()
	got := make(chan struct{})
	s := e.admitting(Config{}, func(x Exchange) error {
		if contentType != "" {
			x.SetHeader("Content-Type", contentType)
		}
		ctx := core.Detach(x.Context())
		return x.Stream(func(w io.Writer, flush func() error) {
			fmt.Fprintf(w, format, slugOf(ctx)+" first")
			if err := flush(); err != nil {
				e.broken("the handler cannot flush: %v", err)
				return
			}
			if e.wait(got, "the arrival of what was flushed") {
				fmt.Fprintf(w, format, slugOf(ctx)+" second")
			}
		})
	})
	c := s.dial()
	defer c.Close()
	c.send(persistent("brazil"))
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		e.abort("no head of a response: %v", err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); contentType != "" && kind != contentType {
		e.broken("the content type is %q", kind)
	}
	body := bufio.NewReader(resp.Body)
	first, second := fmt.Sprintf(format, "brazil first"), fmt.Sprintf(format, "brazil second")
	e.wantText(body, first)
	close(got)
	e.wantText(body, second)
}

// wantText reads exactly as much as is wanted.
func (e *env) wantText(r io.Reader, want string) {
	e.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(r, b); err != nil || string(b) != want {
		e.broken("want %q of the stream, got %q, %v", want, b[:n], err)
	}
}
