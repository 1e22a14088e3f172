package stratumgin_test

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/gin-gonic/gin"
	"go.uber.org/goleak"

	"github.com/stratum-hq/stratum-go/core"
	stratumgin "github.com/stratum-hq/stratum-go/middleware/gin"
	"github.com/stratum-hq/stratum-go/testutil/middlewaretest"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode) // no list of routes in the output
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	middlewaretest.Run(t, middlewaretest.Framework{
		New: build,
		Lacks: map[middlewaretest.Capability]string{
			middlewaretest.CentralErrors: "handlers of gin return no error",
		},
	})
}

func build(setup middlewaretest.Setup) middlewaretest.Server {
	engine := gin.New()
	engine.Use(chain(setup, setup.Root.Use)...)
	routes(setup, engine.Group(setup.Root.Prefix), setup.Root)
	if setup.Fallback != nil {
		engine.NoRoute(handler(setup.Fallback))
	}
	return middlewaretest.HTTPServer(engine)
}

func routes(setup middlewaretest.Setup, at *gin.RouterGroup, g middlewaretest.Group) {
	for _, r := range g.Routes {
		at.Handle(r.Method, middlewaretest.Colons(r.Path), append(chain(setup, r.Use), handler(r.Handle))...)
	}
	for _, inner := range g.Groups {
		routes(setup, at.Group(inner.Prefix, chain(setup, inner.Use)...), inner)
	}
}

func handler(h middlewaretest.Handler) gin.HandlerFunc {
	return func(c *gin.Context) {
		if err := h(exchange{c}); err != nil && !c.Writer.Written() {
			c.AbortWithStatus(500)
		}
	}
}

func chain(setup middlewaretest.Setup, links []middlewaretest.Middleware) []gin.HandlerFunc {
	var all []gin.HandlerFunc
	for _, m := range links {
		all = append(all, link(setup, m))
	}
	return all
}

func link(setup middlewaretest.Setup, m middlewaretest.Middleware) gin.HandlerFunc {
	guard := func(on func(middlewaretest.Exchange, error) error) stratumgin.Config {
		return middlewaretest.Convert(middlewaretest.Config{OnError: on}, onError)
	}
	switch {
	case m.Admit != nil:
		return stratumgin.Middleware(setup.Resolver, middlewaretest.Convert(*m.Admit, onError))
	case m.Permission != nil:
		return stratumgin.RequirePermission(m.Permission.Of, m.Permission.Key, guard(m.Permission.OnError))
	case m.Scope != nil:
		return stratumgin.RequireScope(m.Scope.Of, m.Scope.Name, guard(m.Scope.OnError))
	}
	return func(c *gin.Context) {
		called := false
		_ = m.Around(exchange{c}, func() error {
			called = true
			c.Next()
			return nil
		})
		if !called {
			c.Abort()
		}
	}
}

func onError(f func(middlewaretest.Exchange, error) error) func(*gin.Context, error) {
	return func(c *gin.Context, err error) { _ = f(exchange{c}, err) }
}

type exchange struct{ c *gin.Context }

func (x exchange) Context() context.Context         { return x.c.Request.Context() }
func (x exchange) Tenant() (*core.Tenant, error)    { return stratumgin.Tenant(x.c) }
func (x exchange) Param(name string) string         { return x.c.Param(name) }
func (x exchange) RequestHeader(name string) string { return x.c.GetHeader(name) }
func (x exchange) Body() ([]byte, error)            { return x.c.GetRawData() }
func (x exchange) Trailer(name string) string       { return x.c.Request.Trailer.Get(name) }
func (x exchange) SetHeader(name, value string)     { x.c.Writer.Header().Set(name, value) }
func (x exchange) AddHeader(name, value string)     { x.c.Writer.Header().Add(name, value) }

func (x exchange) Send(status int, body []byte) error {
	x.c.Status(status)
	_, err := x.c.Writer.Write(body)
	return err
}

func (x exchange) Stream(write func(w io.Writer, flush func() error)) error {
	x.c.Status(200)
	return middlewaretest.StreamHTTP(x.c.Writer, write)
}

func (x exchange) Hijack(use func(conn net.Conn)) error {
	return middlewaretest.HijackHTTP(x.c.Writer, use)
}
