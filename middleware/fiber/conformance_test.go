package stratumfiber_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"go.uber.org/goleak"

	"github.com/stratum-hq/stratum-go/core"
	stratumfiber "github.com/stratum-hq/stratum-go/middleware/fiber"
	"github.com/stratum-hq/stratum-go/testutil/middlewaretest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),    // a clock that nothing stops
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // sleeps for ten seconds before it sees that its server has stopped
	)
}

func TestConformance(t *testing.T) {
	for name, cfg := range map[string]fiber.Config{
		"default":     {},
		"immutable":   {Immutable: true},
		"as sent":     {DisableHeaderNormalizing: true},
		"unescaping":  {UnescapePath: true},
		"strict":      {CaseSensitive: true, StrictRouting: true},
		"stream body": {StreamRequestBody: true},
	} {
		t.Run(name, func(t *testing.T) {
			middlewaretest.Run(t, middlewaretest.Framework{
				New: func(setup middlewaretest.Setup) middlewaretest.Server { return build(cfg, setup) },
				Lacks: map[middlewaretest.Capability]string{
					middlewaretest.Cancellation: "fasthttp does not watch the connection while a handler runs",
					middlewaretest.Continue:     "fasthttp answers Expect: 100-continue before it calls a handler",
					middlewaretest.Trailers:     "fasthttp puts trailers among the headers, so that one which names a tenant is refused; see TestTrailers",
				},
			})
		})
	}
}

func build(cfg fiber.Config, setup middlewaretest.Setup) middlewaretest.Server {
	cfg.DisableStartupMessage = true
	cfg.ReadBufferSize = 16 << 10
	if setup.Central != nil {
		cfg.ErrorHandler = func(c *fiber.Ctx, err error) error { setup.Central(exchange{c}, err); return nil }
	}
	app := fiber.New(cfg)
	app.Use(recover.New()) // fasthttp does not
	routes(setup, app, setup.Root)
	if setup.Fallback != nil {
		app.Use(handler(setup.Fallback))
	}
	return &server{app: app}
}

func routes(setup middlewaretest.Setup, at fiber.Router, g middlewaretest.Group) {
	at = at.Group(g.Prefix, chain(setup, g.Use)...)
	for _, r := range g.Routes {
		at.Add(r.Method, middlewaretest.Colons(r.Path), append(chain(setup, r.Use), handler(r.Handle))...)
	}
	for _, inner := range g.Groups {
		routes(setup, at, inner)
	}
}

func handler(h middlewaretest.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error { return h(exchange{c}) }
}

func chain(setup middlewaretest.Setup, links []middlewaretest.Middleware) []fiber.Handler {
	var all []fiber.Handler
	for _, m := range links {
		all = append(all, link(setup, m))
	}
	return all
}

func link(setup middlewaretest.Setup, m middlewaretest.Middleware) fiber.Handler {
	guard := func(on func(middlewaretest.Exchange, error) error) stratumfiber.Config {
		return middlewaretest.Convert(middlewaretest.Config{OnError: on}, onError)
	}
	switch {
	case m.Admit != nil:
		return stratumfiber.Middleware(setup.Resolver, middlewaretest.Convert(*m.Admit, onError))
	case m.Permission != nil:
		return stratumfiber.RequirePermission(m.Permission.Of, m.Permission.Key, guard(m.Permission.OnError))
	case m.Scope != nil:
		return stratumfiber.RequireScope(m.Scope.Of, m.Scope.Name, guard(m.Scope.OnError))
	}
	return func(c *fiber.Ctx) error { return m.Around(exchange{c}, c.Next) }
}

func onError(f func(middlewaretest.Exchange, error) error) func(*fiber.Ctx, error) error {
	return func(c *fiber.Ctx, err error) error { return f(exchange{c}, err) }
}

type exchange struct{ c *fiber.Ctx }

func (x exchange) Context() context.Context         { return x.c.UserContext() }
func (x exchange) Tenant() (*core.Tenant, error)    { return stratumfiber.Tenant(x.c) }
func (x exchange) Param(name string) string         { return x.c.Params(name) }
func (x exchange) RequestHeader(name string) string { return x.c.Get(name) }
func (x exchange) Trailer(name string) string       { return x.c.Get(name) }
func (x exchange) SetHeader(name, value string)     { x.c.Set(name, value) }
func (x exchange) AddHeader(name, value string)     { x.c.Response().Header.Add(name, value) }

func (x exchange) Body() ([]byte, error) {
	if stream := x.c.Context().RequestBodyStream(); stream != nil {
		return io.ReadAll(stream)
	}
	return x.c.Body(), nil
}

func (x exchange) Send(status int, body []byte) error { return x.c.Status(status).Send(body) }

func (x exchange) Stream(write func(w io.Writer, flush func() error)) error {
	x.c.Context().SetBodyStreamWriter(func(w *bufio.Writer) { write(w, w.Flush) })
	return nil
}

func (x exchange) Hijack(use func(conn net.Conn)) error {
	x.c.Context().HijackSetNoResponse(true)
	x.c.Context().Hijack(use)
	return nil
}

// server closes its connections with the listener; fiber itself waits for those in use.
type server struct {
	app *fiber.App
	ln  *listener
}

func (s *server) Serve(ln net.Listener) error {
	s.ln = &listener{Listener: ln}
	return s.app.Listener(s.ln)
}

func (s *server) Close() error {
	s.ln.closeAll()
	if err := s.app.Shutdown(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// listener remembers the connections that it accepted.
type listener struct {
	net.Listener
	mu    sync.Mutex
	conns []net.Conn
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.mu.Lock()
		l.conns = append(l.conns, c)
		l.mu.Unlock()
	}
	return c, err
}

func (l *listener) closeAll() {
	_ = l.Listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		_ = c.Close()
	}
}
