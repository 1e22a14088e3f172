package stratumhttp_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

// slugHandler answers with the tenant that it runs as.
func slugHandler(w http.ResponseWriter, r *http.Request) {
	t, err := stratumhttp.Tenant(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, t.Slug)
}

func by(e core.Extractor) func(http.Handler) http.Handler {
	return stratumhttp.Middleware(tenants(), stratumhttp.Config{Extract: e, Logger: quiet()})
}

// check wants a tenant's name or an error's code of a GET request.
func check(t *testing.T, h http.Handler, target, want string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	if body := w.Body.String(); body != want && !strings.Contains(body, `"code":"`+want+`"`) {
		t.Errorf("%s: %d %s, want %s", target, w.Code, body, want)
	}
}

func TestServeMuxParam(t *testing.T) {
	byParam := by(extract.Param("tenant"))
	mux := http.NewServeMux()
	mux.Handle("GET /t/{tenant}/x", byParam(http.HandlerFunc(slugHandler)))
	check(t, mux, "/t/%62razil/x", "brazil")
	check(t, mux, "/t/brazil%2Fx/x", "TENANT_REF_INVALID")
	// In front of the mux there is no parameter yet: refused, never let through.
	check(t, byParam(mux), "/t/brazil/x", "MISSING_TENANT")
}

func TestChiParam(t *testing.T) {
	byParam := by(extract.Param("tenant"))
	r := chi.NewRouter()
	r.Route("/s/{tenant}", func(r chi.Router) {
		r.Use(byParam)
		r.Get("/x", func(w http.ResponseWriter, r *http.Request) {
			if chi.URLParam(r, "tenant") != r.PathValue("tenant") {
				t.Error("chi's own parameters were lost")
			}
			slugHandler(w, r)
		})
	})
	check(t, r, "/s/brazil/x", "brazil")
	// chi does not decode a path in an unusual spelling; such a parameter is no tenant.
	check(t, r, "/s/%62razil/x", "TENANT_REF_INVALID")
	check(t, r, "/s/brazil%2Fx/x", "TENANT_REF_INVALID")

	root := chi.NewRouter()
	root.Use(byParam)
	root.Get("/t/{tenant}/x", slugHandler)
	check(t, root, "/t/brazil/x", "MISSING_TENANT")
}

func TestStripPrefix(t *testing.T) {
	h := http.StripPrefix("/api", by(extract.PathAfter("/t/"))(http.HandlerFunc(slugHandler)))
	check(t, h, "/api/t/brazil/x", "brazil")
	check(t, h, "/api/t/brazil%2Fusa", "TENANT_REF_INVALID")
}
