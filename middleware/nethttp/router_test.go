package stratumhttp_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

func byParam() func(http.Handler) http.Handler {
	return stratumhttp.Middleware(tenants(), stratumhttp.Config{Extract: extract.Param("tenant"), Logger: quiet()})
}

func TestServeMuxParam(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("GET /t/{tenant}/x", byParam()(http.HandlerFunc(slugHandler)))
	wantBody(t, get(mux, "/t/brazil/x"), "brazil")
	wantBody(t, get(mux, "/t/%62razil/x"), "brazil")
	wantRefusal(t, get(mux, "/t/brazil%2Fx/x"), core.ErrTenantRefInvalid)
	// In front of the mux there is no parameter yet: refused, never let through.
	wantRefusal(t, get(byParam()(mux), "/t/brazil/x"), core.ErrMissingTenant)
}

func TestChiParam(t *testing.T) {
	r := chi.NewRouter()
	r.With(byParam()).Get("/t/{tenant}/x", slugHandler)
	r.Route("/s/{tenant}", func(r chi.Router) {
		r.Use(byParam())
		r.Get("/x", func(w http.ResponseWriter, r *http.Request) {
			if chi.URLParam(r, "tenant") != r.PathValue("tenant") {
				t.Error("chi's own parameters were lost")
			}
			slugHandler(w, r)
		})
	})
	wantBody(t, get(r, "/t/brazil/x"), "brazil")
	wantBody(t, get(r, "/s/brazil/x"), "brazil")
	wantRefusal(t, get(r, "/t/nobody/x"), core.ErrTenantNotFound)
	// chi does not decode what has an encoded slash; such a parameter is no tenant.
	wantRefusal(t, get(r, "/t/brazil%2Fx/x"), core.ErrTenantRefInvalid)

	root := chi.NewRouter()
	root.Use(byParam())
	root.Get("/t/{tenant}/x", slugHandler)
	wantRefusal(t, get(root, "/t/brazil/x"), core.ErrMissingTenant)

	prefix := chi.NewRouter()
	prefix.Use(stratumhttp.Middleware(tenants(), stratumhttp.Config{Extract: extract.PathAfter("/t/"), Logger: quiet()}))
	prefix.Get("/t/{tenant}/x", slugHandler)
	wantBody(t, get(prefix, "/t/brazil/x"), "brazil")
}

func TestStripPrefix(t *testing.T) {
	h := http.StripPrefix("/api", wrap(stratumhttp.Config{Extract: extract.PathAfter("/t/")}, slugHandler))
	wantBody(t, get(h, "/api/t/brazil/x"), "brazil")
	wantRefusal(t, get(h, "/api/t/brazil%2Fusa"), core.ErrTenantRefInvalid)
}

// Requests of many tenants at once over real connections, which are used again for
// other tenants: each handler must see its own, up to the end of the request.
func TestConcurrentTenants(t *testing.T) {
	const tenantCount, workers, rounds = 20, 16, 40
	var all []*core.Tenant
	for i := range tenantCount {
		all = append(all, &core.Tenant{ID: core.NewID(), Slug: fmt.Sprintf("tenant_%d", i), Status: core.Active})
	}
	r := chi.NewRouter()
	r.Use(stratumhttp.Middleware(core.Static(all...), stratumhttp.Config{
		Logger:  quiet(),
		Extract: extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
	}))
	r.Get("/who", func(w http.ResponseWriter, r *http.Request) {
		first, err := core.FromContext(r.Context())
		if err != nil {
			t.Error(err)
			return
		}
		first.ID, first.Slug = core.ID{}, "spoiled" // a copy
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		slugHandler(w, r)
	})
	srv := httptest.NewServer(r)
	defer srv.Close()
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range rounds {
				tenant := all[(worker*7+i)%tenantCount]
				if got := who(t, srv, tenant, i%2 == 0); got != tenant.Slug {
					t.Errorf("tenant %s got the answer of %s", tenant.Slug, got)
				}
			}
		})
	}
	wg.Wait()
}

func who(t *testing.T, srv *httptest.Server, tenant *core.Tenant, byHost bool) string {
	req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/who", nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	if byHost {
		req.Host = tenant.Slug + ".app.example.com"
	} else {
		req.Header.Set("X-Tenant-ID", tenant.ID.String())
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(body)
}
