package stratumgin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumgin "github.com/stratum-hq/stratum-go/middleware/gin"
)

var _ http.ResponseWriter = nullWriter{}

type nullWriter struct{ h http.Header }

func (w nullWriter) Header() http.Header         { return w.h }
func (w nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w nullWriter) WriteHeader(int)             {}

// round is one request through an application whose only route has the middleware,
// or none. The map of headers stays for the next one, as that of a server is there
// anyway for the headers that each response has.
func round(mw ...gin.HandlerFunc) func() {
	app, w := application(mw...), nullWriter{http.Header{}}
	r := httptest.NewRequest("GET", "http://brazil.app.example.com/t/brazil/invoices?tenant=brazil&a=b", nil)
	r.Header.Set("X-Tenant-ID", "brazil")
	r.Header.Set("Cookie", "a=b; tenant=brazil")
	return func() {
		app.ServeHTTP(w, r)
		clear(w.h)
	}
}

func application(mw ...gin.HandlerFunc) *gin.Engine {
	app := gin.New()
	app.GET("/t/:tenant/invoices", append(mw, func(*gin.Context) {})...)
	return app
}

// floor is the least that a middleware can do which hands anything on: one context
// node and one copy of the request.
func floor(c *gin.Context) {
	type key struct{}
	c.Request = c.Request.WithContext(context.WithValue(c.Request.Context(), key{}, c))
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

func admitting(e core.Extractor) gin.HandlerFunc {
	return stratumgin.Middleware(tenants(), stratumgin.Config{Extract: e, Logger: quiet()})
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
