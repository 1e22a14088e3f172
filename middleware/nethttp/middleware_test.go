package stratumhttp_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

// What the server made reaches the handler: nothing is wrapped away, and a skipped
// request is not even copied.
func TestNothingIsWrapped(t *testing.T) {
	var writer http.ResponseWriter
	var request *http.Request
	skip := func(r core.Request) bool { return r.Path() == "/health" }
	h := stratumhttp.Middleware(tenants(), stratumhttp.Config{Skip: skip, Logger: quiet()})(
		http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { writer, request = w, r }))
	w, health := httptest.NewRecorder(), httptest.NewRequest("GET", "/health", nil)
	h.ServeHTTP(w, health)
	if writer != http.ResponseWriter(w) || request != health {
		t.Errorf("a skipped request is served with %T and another request", writer)
	}
	w, writer = httptest.NewRecorder(), nil
	h.ServeHTTP(w, sample())
	if writer != http.ResponseWriter(w) {
		t.Errorf("an admitted request is served with %T", writer)
	}
}

func TestWriteProblem(t *testing.T) {
	h := stratumhttp.Middleware(tenants(), stratumhttp.Config{OnError: stratumhttp.WriteProblem, Logger: quiet()})(http.HandlerFunc(slugHandler))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusBadRequest || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestNilResolverPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a nil resolver was accepted")
		}
	}()
	stratumhttp.Middleware(nil, stratumhttp.Config{})
}
