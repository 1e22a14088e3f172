package stratumfiber_test

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumfiber "github.com/stratum-hq/stratum-go/middleware/fiber"
)

// read has fiber parse a request as it comes over the wire, and hands it to f.
func read(t *testing.T, cfg fiber.Config, wire string, f func(core.Request)) {
	t.Helper()
	var ctx fasthttp.RequestCtx
	if cfg.DisableHeaderNormalizing {
		ctx.Request.Header.DisableNormalizing()
	}
	if err := ctx.Request.Read(bufio.NewReaderSize(strings.NewReader(wire), 64<<10)); err != nil {
		t.Fatalf("%q: %v", wire, err)
	}
	app := fiber.New(cfg)
	app.Use(stratumfiber.Middleware(tenants(), stratumfiber.Config{Skip: func(r core.Request) bool {
		f(r)
		return true
	}}))
	app.Handler()(&ctx)
}

type seen struct {
	host, path                string
	header, query, cookie     string
	headers, queries, cookies int
}

func look(r core.Request) (s seen) {
	s.host, s.path = core.CanonicalHost(r.Host()), r.Path()
	if decoded, err := url.PathUnescape(s.path); err == nil {
		s.path = decoded // net/http encodes what the client has not
	}
	if s.path == "" {
		s.path = "/" // of http://host
	}
	s.header, s.headers = r.Header("X-Tenant-Id")
	s.query, s.queries = r.Query("tenant")
	s.cookie, s.cookies = r.Cookie("tenant")
	return s
}

// What fiber shows is what net/http shows, wherever net/http takes the request.
func FuzzAsNetHTTP(f *testing.F) {
	for _, s := range [][3]string{
		{"/t/brazil%2Fx?tenant=brazil&a=b", "brazil.app.example.com:8080", "X-Tenant-ID: brazil\r\nCookie: a=b; tenant=brazil"},
		{"/?tenant=a&t%65nant=b&tenant=%zz", "BRAZIL.example.org.", "x-tenant-id:brazil\r\nX-TENANT-ID: \tstranger \r\nCookie: tenant=a\r\nCookie: tenant=b"},
		{"/a?u=http://evil.example/&tenant=a+b%2Bc", "b_r.example.org", "Cookie: tenant; tenant =\"a\";\ttenant=é; =tenant"},
		{"/%62razil//x/../y?tenant&tenant=", "[::1]:80", "Cookie: tenant=\"\"a\"\"; tenant= a"},
		{"//evil.example/x?tenant=%", "brazil@evil.example", "Cookie: ;;tenant=a=b;"},
		{"http://brazil.app.example.com/x?tenant=a", "stranger.app.example.com", "X-Tenant-ID;: a"},
		{"http://app.example.com", "x", "X-Tenant-ID:"},
		{"*", "x@brazil.app.example.com", ""},
		{"/a;tenant=b?tenant=a;tenant=b", "", "Cookie:tenant=a;tenant=b"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, target, host, headers string) {
		wire := "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n\r\n"
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
		if err != nil || strings.Contains(target, "#") || strings.ContainsAny(headers, "\x00") {
			return
		}
		var probe fasthttp.Request
		if probe.Read(bufio.NewReaderSize(strings.NewReader(wire), 64<<10)) != nil {
			return // stricter than net/http
		}
		if new(fasthttp.URI).Parse(probe.Header.Host(), probe.Header.RequestURI()) != nil {
			return // fiber has no path and no query then, for its handlers either
		}
		want := look(admit.HTTP(r))
		for _, cfg := range []fiber.Config{{}, {Immutable: true}, {DisableHeaderNormalizing: true}} {
			read(t, cfg, wire, func(req core.Request) {
				got := look(req)
				if cfg.DisableHeaderNormalizing && got.cookies >= want.cookies {
					got.cookie, got.cookies = want.cookie, want.cookies // fasthttp has parsed them, which takes more quotes off
				}
				if got != want {
					t.Errorf("%q with %+v\n fiber    %+v\n net/http %+v", wire, cfg.Immutable, got, want)
				}
			})
		}
	})
}

// fasthttp takes what RFC 9110 and 9112 forbid: a header from a trailer, declared or
// not, and one whose name ends with a space. Neither names a tenant, whatever else does.
func TestHeadersThatAreNone(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
	for name, wire := range map[string]string{
		"trailer":            post + "Trailer: X-Tenant-ID\r\n\r\n5\r\nhello\r\n0\r\nX-Tenant-ID: brazil\r\n\r\n",
		"undeclared trailer": post + "\r\n5\r\nhello\r\n0\r\nX-Tenant-ID: brazil\r\n\r\n",
		"empty chunks":       post + "\r\n0\r\nX-Tenant-ID: brazil\r\n\r\n",
		"lower case":         post + "\r\n0\r\nx-tenant-id: brazil\r\n\r\n",
		"beside a header":    post + "X-Tenant-ID: brazil\r\n\r\n0\r\nX-Tenant-ID: brazil\r\n\r\n",
		"chunks with space":  strings.Replace(post, "ing:", "ing :", 1) + "\r\n0\r\nX-Tenant-ID: brazil\r\n\r\n",
		"space":              "GET / HTTP/1.1\r\nHost: x\r\nX-Tenant-ID : brazil\r\n\r\n",
		"space and body":     "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nX-Tenant-ID  : brazil\r\n\r\nab",
		"space beside it":    "GET / HTTP/1.1\r\nHost: x\r\nX-Tenant-ID: brazil\r\nX-Tenant-ID : brazil\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, cfg := range []fiber.Config{{}, {DisableHeaderNormalizing: true}} {
				read(t, cfg, wire, func(r core.Request) {
					if v, n := r.Header("X-Tenant-Id"); v != "" || n < 2 {
						t.Errorf("%q, %d", v, n)
					}
				})
			}
		})
	}
	read(t, fiber.Config{}, "GET / HTTP/1.1\r\nHost: x\r\nCookie : tenant=brazil\r\n\r\n", func(r core.Request) {
		if v, n := r.Cookie("tenant"); v != "" || n < 2 {
			t.Errorf("cookie: %q, %d", v, n)
		}
	})
}

// The suspicion falls on nothing else.
func TestHeadersThatAreSome(t *testing.T) {
	const post = "POST / HTTP/1.1\r\nHost: x\r\nX-Tenant-ID: brazil\r\n"
	for name, wire := range map[string]string{
		"chunks":          post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"another trailer": post + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n",
		"no body":         post + "Content-Length: 0\r\n\r\n",
		"spaced value":    post + "Content-Length: 2\r\nX-Note: X-Tenant-ID : stranger\r\n\r\nab",
	} {
		t.Run(name, func(t *testing.T) {
			read(t, fiber.Config{}, wire, func(r core.Request) {
				if v, n := r.Header("X-Tenant-Id"); v != "brazil" || n != 1 {
					t.Errorf("%q, %d", v, n)
				}
			})
		})
	}
	// A middleware in front may name the tenant in a header, and take one away.
	read(t, fiber.Config{}, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nX-User: ana\r\n\r\n", func(r core.Request) {
		header := &r.(stratumfiber.Request).Fiber().Request().Header
		header.Set("X-Tenant-ID", "brazil")
		header.Del("X-User")
		if v, n := r.Header("X-Tenant-Id"); v != "brazil" || n != 1 {
			t.Errorf("%q, %d", v, n)
		}
		if v, n := r.Header("X-User"); v != "" || n != 0 {
			t.Errorf("%q, %d", v, n)
		}
	})
}

// Another middleware that has fasthttp parse the cookies changes nothing.
func TestCookiesThatOthersRead(t *testing.T) {
	read(t, fiber.Config{}, "GET / HTTP/1.1\r\nHost: x\r\nCookie: tenant=brazil\r\nCookie: a=b; tenant=stranger\r\n\r\n", func(r core.Request) {
		r.(stratumfiber.Request).Fiber().Cookies("a")
		if v, n := r.Cookie("tenant"); v != "brazil" || n != 2 {
			t.Errorf("%q, %d", v, n)
		}
	})
}

func TestParams(t *testing.T) {
	byParam := stratumfiber.Middleware(tenants(), stratumfiber.Config{Extract: extract.Param("tenant"), Logger: quiet()})
	for _, unescape := range []bool{false, true} {
		app := fiber.New(fiber.Config{UnescapePath: unescape})
		app.Get("/t/:tenant/x", byParam, slugHandler)
		app.Group("/g/:tenant", byParam).Get("/x", slugHandler)
		app.Use("/u/:tenant", byParam, slugHandler)
		sub := fiber.New()
		sub.Get("/:tenant", byParam, slugHandler)
		app.Mount("/m", sub)
		front := app.Group("/f", byParam)
		front.Get("/:tenant", slugHandler)
		for target, want := range map[string]string{
			"/t/brazil/x": "brazil", "/t/%62razil/x": "brazil", "/g/brazil/x": "brazil", "/u/brazil/x/y": "brazil", "/m/brazil": "brazil",
			"/t/%2562razil/x": "TENANT_REF_INVALID", // decoded once
			"/t/bra+zil/x":    "TENANT_REF_INVALID",
			"/t/%zz/x":        "TENANT_REF_INVALID",
			"/t/nobody/x":     "TENANT_NOT_FOUND",
			"/f/brazil":       "MISSING_TENANT", // the group does not know the parameter
		} {
			wantBody(t, app, target, want)
		}
		if !unescape { // else a slash makes another path of it
			wantBody(t, app, "/t/brazil%2Fx/x", "TENANT_REF_INVALID")
		}
	}
}
