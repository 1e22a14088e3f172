package stratumfiber_test

import (
	"bufio"
	"context"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumfiber "github.com/stratum-hq/stratum-go/middleware/fiber"
)

// round is one request through an application whose only route has the middleware,
// or none, on a context that is emptied afterwards as a connection does it.
func round(mw ...fiber.Handler) func() {
	app := fiber.New()
	app.Get("/t/:tenant/invoices", append(mw, func(*fiber.Ctx) error { return nil })...)
	serve := app.Handler()
	var ctx fasthttp.RequestCtx
	const wire = "GET /t/brazil/invoices?tenant=brazil&a=b HTTP/1.1\r\n" +
		"Host: brazil.app.example.com\r\nX-Tenant-ID: brazil\r\nCookie: a=b; tenant=brazil\r\n\r\n"
	if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(wire))); err != nil {
		panic(err)
	}
	return func() {
		serve(&ctx)
		ctx.ResetUserValues()
		ctx.Response.Reset()
	}
}

// floor is the least that a middleware can do which hands anything on: one context node.
func floor(c *fiber.Ctx) error {
	type key struct{}
	c.SetUserContext(context.WithValue(c.UserContext(), key{}, c))
	return c.Next()
}

func extractors() map[string]core.Extractor {
	return map[string]core.Extractor{
		"default":   nil,
		"subdomain": extract.Subdomain("app.example.com"),
		"path":      extract.PathAfter("/t/"),
		"param":     extract.Param("tenant"),
		"query":     extract.Query("tenant"),
		"cookie":    extract.Cookie("tenant"),
		"first":     extract.First(extract.Subdomain("other.example.com"), extract.Header("X-Tenant-ID")),
	}
}

func admitting(e core.Extractor) fiber.Handler {
	return stratumfiber.Middleware(tenants(), stratumfiber.Config{Extract: e, Logger: quiet()})
}

func BenchmarkBare(b *testing.B) { measure(b, round()) }

func BenchmarkFloor(b *testing.B) { measure(b, round(floor)) }

func BenchmarkMiddleware(b *testing.B) {
	for name, e := range extractors() {
		b.Run(name, func(b *testing.B) { measure(b, round(admitting(e))) })
	}
}

func measure(b *testing.B, f func()) {
	b.ReportAllocs()
	for b.Loop() {
		f()
	}
}
