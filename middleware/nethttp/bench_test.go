package stratumhttp_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

var _ http.ResponseWriter = nullWriter{}

type nullWriter struct{ h http.Header }

func (w nullWriter) Header() http.Header         { return w.h }
func (w nullWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w nullWriter) WriteHeader(int)             {}

// nothing leaves the headers empty for the next round. Their map stays, as that of a
// server is there anyway for the headers that each response has.
func nothing(w http.ResponseWriter, _ *http.Request) { clear(w.Header()) }

func sample() *http.Request {
	r := httptest.NewRequest("GET", "http://brazil.app.example.com/t/brazil/invoices?tenant=brazil&a=b", nil)
	r.Header.Set("X-Tenant-ID", "brazil")
	r.Header.Set("Cookie", "a=b; tenant=brazil")
	return r
}

func extractors() map[string]core.Extractor {
	return map[string]core.Extractor{
		"default":   nil,
		"subdomain": extract.Subdomain("app.example.com"),
		"path":      extract.PathAfter("/t/"),
		"query":     extract.Query("tenant"),
		"cookie":    extract.Cookie("tenant"),
		"first":     extract.First(extract.Subdomain("other.example.com"), extract.Header("X-Tenant-ID")),
	}
}

func TestTwoAllocations(t *testing.T) {
	for name, e := range extractors() {
		t.Run(name, func(t *testing.T) {
			mw := stratumhttp.Middleware(tenants(), stratumhttp.Config{Extract: e, Logger: quiet()})
			h, w, r := mw(http.HandlerFunc(nothing)), nullWriter{http.Header{}}, sample()
			if n := testing.AllocsPerRun(500, func() { h.ServeHTTP(w, r) }); n > 2 {
				t.Errorf("the middleware allocates %v times, want at most 2", n)
			}
		})
	}
}

func BenchmarkBare(b *testing.B) {
	h, w, r := http.HandlerFunc(nothing), nullWriter{http.Header{}}, sample()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

// BenchmarkFloor is the least that a middleware can do which hands anything on: one
// context node and one copy of the request.
func BenchmarkFloor(b *testing.B) {
	type key struct{}
	var next http.Handler = http.HandlerFunc(nothing)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), key{}, b)))
	})
	w, r := nullWriter{http.Header{}}, sample()
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

func BenchmarkMiddleware(b *testing.B) {
	for name, e := range extractors() {
		b.Run(name, func(b *testing.B) {
			mw := stratumhttp.Middleware(tenants(), stratumhttp.Config{Extract: e, Logger: quiet()})
			h, w, r := mw(http.HandlerFunc(nothing)), nullWriter{http.Header{}}, sample()
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(w, r)
			}
		})
	}
}
