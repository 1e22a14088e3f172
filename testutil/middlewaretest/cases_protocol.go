package middlewaretest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// protocolCases are about methods, bodies and what else HTTP has.
var protocolCases = []testCase{
	{
		name: "head", rule: "HEAD is admitted and refused like GET, without a body",
		check: func(e *env) {
			var ran atomic.Int64
			s := e.admitting(Config{}, func(x Exchange) error {
				ran.Add(1)
				x.SetHeader("X-Ran-As", running(x))
				return whoami(x)
			})
			r := s.raw(request("HEAD", "/", s.addr, asBrazil))
			if r.status != 200 || r.body != "" || r.header.Get("X-Ran-As") != "brazil" {
				e.broken("want an empty 200 that ran as brazil, got %v", r)
			}
			for header, want := range map[string]int{"X-Nothing: x": 400, "X-Tenant-ID: sleeper": 403} {
				if r := s.raw(request("HEAD", "/", s.addr, header)); r.status != want || r.body != "" || r.header.Get("Cache-Control") != "no-store" {
					e.broken("want an empty %d, got %v", want, r)
				}
			}
			if n := ran.Load(); n != 1 {
				e.broken("the handler ran %d times, want once", n)
			}
		},
	},
	{
		name: "methods", rule: "every method is admitted and refused alike, OPTIONS and unknown ones too",
		check: func(e *env) {
			s := e.admitting(Config{}, whoami)
			for _, method := range []string{"OPTIONS", "POST", "PUT", "PATCH", "DELETE"} {
				e.wantTenant(s.raw(request(method, "/", s.addr, asBrazil, "Content-Length: 0")), "brazil")
				preflight := request(method, "/", s.addr, "Content-Length: 0", "Origin: https://evil.example", "Access-Control-Request-Method: GET")
				e.wantRefusal(s.raw(preflight), core.ErrMissingTenant)
			}
			for _, method := range []string{"PURGE", "get"} {
				e.wantUnserved(s.raw(request(method, "/", s.addr)))
			}
			for _, header := range []string{"X-HTTP-Method-Override: OPTIONS", "X-Method-Override: HEAD"} {
				e.wantRefusal(s.raw(request("POST", "/", s.addr, "Content-Length: 0", header)), core.ErrMissingTenant)
			}
		},
	},
	{
		name: "bodies", rule: "the body reaches the handler whole, even if it is a form that has the parameter too",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Query("tenant")}, func(x Exchange) error {
				body, err := x.Body()
				if err != nil {
					return err
				}
				sum := sha256.Sum256(body)
				return x.Send(200, []byte(running(x)+" "+hex.EncodeToString(sum[:])))
			})
			for _, body := range []string{"", "tenant=stranger&a=b", "tenant=stranger&pad=" + strings.Repeat("0123456789abcdef", 1<<17-16)} {
				sum := sha256.Sum256([]byte(body))
				want := "brazil " + hex.EncodeToString(sum[:])
				e.wantTenant(s.raw(form("/?tenant=brazil", fmt.Sprintf("Content-Length: %d", len(body)))+body), want)
				e.wantTenant(s.raw(form("/?tenant=brazil", "Transfer-Encoding: chunked")+chunked(body)+"\r\n"), want)
			}
			e.wantRefusal(s.raw(form("/", "Content-Length: 13")+"tenant=brazil"), core.ErrMissingTenant)
		},
	},
	{
		name: "body_of_refused", rule: "the body of a refused request is not taken for another request",
		check: func(e *env) {
			var ran atomic.Int64
			s := e.admitting(Config{}, func(x Exchange) error { ran.Add(1); return whoami(x) })
			c := s.dial()
			defer c.Close()
			inner := persistent("brazil")
			c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nX-Tenant-ID: nobody\r\nContent-Length: %d\r\n\r\n%s", base, len(inner), inner))
			e.wantRefusal(c.read("POST"), core.ErrTenantNotFound)
			c.send(persistent("nobody"))
			if r := c.read("GET"); r.status != 0 { // the server may have closed the connection instead
				e.wantRefusal(r, core.ErrTenantNotFound)
			}
			if n := ran.Load(); n > 0 {
				e.broken("a request out of a body was served")
			}
		},
	},
	{
		name: "continue_admitted", rule: "an admitted request that expects 100 Continue gets it, and then its answer",
		check: func(e *env) {
			s := e.admitting(Config{}, func(x Exchange) error {
				body, err := x.Body()
				if err != nil {
					return err
				}
				return x.Send(200, []byte(running(x)+" "+string(body)))
			})
			c := s.dial()
			defer c.Close()
			c.send(expecting("brazil"))
			if r := c.read("POST"); r.status != 100 {
				e.broken("want 100 Continue, got %v", r)
				return
			}
			c.send("hello")
			e.wantTenant(c.read("POST"), "brazil hello")
		},
	},
	{
		name: "continue_refused", rule: "a refused request that expects 100 Continue gets its refusal, and need not send its body",
		needs: []Capability{Continue},
		check: func(e *env) {
			c := e.admitting(Config{}, whoami).dial()
			defer c.Close()
			c.send(expecting("nobody"))
			e.wantRefusal(c.read("POST"), core.ErrTenantNotFound)
		},
	},
	{
		name: "trailers", rule: "trailers of a request reach the handler, and name no tenant",
		needs: []Capability{Trailers},
		check: func(e *env) {
			s := e.admitting(Config{}, func(x Exchange) error {
				body, err := x.Body()
				if err != nil {
					return err
				}
				return x.Send(200, []byte(running(x)+" "+string(body)+" "+x.Trailer("X-Sum")))
			})
			headers := []string{"Transfer-Encoding: chunked", "Trailer: X-Sum, X-Tenant-ID"}
			body := chunked("hello") + "X-Sum: 42\r\nX-Tenant-ID: stranger\r\n\r\n"
			e.wantTenant(s.raw(request("POST", "/", base, append(headers, asBrazil)...)+body), "brazil hello 42")
			e.wantUnserved(s.raw(request("POST", "/", base, headers...) + body))
		},
	},
}

// form spells the head of a request whose body is a form.
func form(target, length string) string {
	return request("POST", target, base, "Content-Type: application/x-www-form-urlencoded", length)
}

// expecting spells the head of a request that waits before it sends its five bytes.
func expecting(tenant string) string {
	return request("POST", "/", base, "X-Tenant-ID: "+tenant, "Expect: 100-continue", "Content-Length: 5")
}

// chunked spells a body in chunks, up to the last one of no size.
func chunked(body string) string {
	const size = 64 << 10
	var b strings.Builder
	for len(body) > 0 {
		n := min(len(body), size)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return b.String() + "0\r\n"
}
