package stratumecho_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/labstack/echo/v4"
	"go.uber.org/goleak"

	"github.com/stratum-hq/stratum-go/core"
	stratumecho "github.com/stratum-hq/stratum-go/middleware/echo"
	"github.com/stratum-hq/stratum-go/testutil/middlewaretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	middlewaretest.Run(t, middlewaretest.Framework{New: build})
}

func build(setup middlewaretest.Setup) middlewaretest.Server {
	e := echo.New()
	e.Logger.SetOutput(io.Discard)
	if setup.Central != nil {
		e.HTTPErrorHandler = func(err error, c echo.Context) { setup.Central(exchange{c}, err) }
	}
	e.Use(chain(setup, setup.Root.Use)...)
	routes(setup, e.Group(setup.Root.Prefix), setup.Root)
	if setup.Fallback != nil {
		e.RouteNotFound("/*", handler(setup.Fallback))
	}
	return middlewaretest.HTTPServer(e)
}

func routes(setup middlewaretest.Setup, at *echo.Group, g middlewaretest.Group) {
	for _, r := range g.Routes {
		at.Add(r.Method, middlewaretest.Colons(r.Path), handler(r.Handle), chain(setup, r.Use)...)
	}
	for _, inner := range g.Groups {
		routes(setup, at.Group(inner.Prefix, chain(setup, inner.Use)...), inner)
	}
}

func handler(h middlewaretest.Handler) echo.HandlerFunc {
	return func(c echo.Context) error { return h(exchange{c}) }
}

func chain(setup middlewaretest.Setup, links []middlewaretest.Middleware) []echo.MiddlewareFunc {
	var all []echo.MiddlewareFunc
	for _, m := range links {
		all = append(all, link(setup, m))
	}
	return all
}

func link(setup middlewaretest.Setup, m middlewaretest.Middleware) echo.MiddlewareFunc {
	guard := func(on func(middlewaretest.Exchange, error) error) stratumecho.Config {
		return middlewaretest.Convert(middlewaretest.Config{OnError: on}, onError)
	}
	switch {
	case m.Admit != nil:
		return stratumecho.Middleware(setup.Resolver, middlewaretest.Convert(*m.Admit, onError))
	case m.Permission != nil:
		return stratumecho.RequirePermission(m.Permission.Of, m.Permission.Key, guard(m.Permission.OnError))
	case m.Scope != nil:
		return stratumecho.RequireScope(m.Scope.Of, m.Scope.Name, guard(m.Scope.OnError))
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			return m.Around(exchange{c}, func() error { return next(c) })
		}
	}
}

func onError(f func(middlewaretest.Exchange, error) error) func(echo.Context, error) error {
	return func(c echo.Context, err error) error { return f(exchange{c}, err) }
}

type exchange struct{ c echo.Context }

func (x exchange) Context() context.Context         { return x.c.Request().Context() }
func (x exchange) Tenant() (*core.Tenant, error)    { return stratumecho.Tenant(x.c) }
func (x exchange) Param(name string) string         { return x.c.Param(name) }
func (x exchange) RequestHeader(name string) string { return x.c.Request().Header.Get(name) }
func (x exchange) Body() ([]byte, error)            { return io.ReadAll(x.c.Request().Body) }
func (x exchange) Trailer(name string) string       { return x.c.Request().Trailer.Get(name) }
func (x exchange) SetHeader(name, value string)     { x.c.Response().Header().Set(name, value) }
func (x exchange) AddHeader(name, value string)     { x.c.Response().Header().Add(name, value) }

func (x exchange) Send(status int, body []byte) error {
	x.c.Response().WriteHeader(status)
	_, err := x.c.Response().Write(body)
	return err
}

func (x exchange) Stream(write func(w io.Writer, flush func() error)) error {
	return middlewaretest.StreamHTTP(x.c.Response(), write)
}

func (x exchange) Hijack(use func(conn net.Conn)) error {
	return middlewaretest.HijackHTTP(x.c.Response(), use)
}
