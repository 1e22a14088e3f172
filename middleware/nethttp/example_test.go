package stratumhttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

func Example() {
	resolver := core.Static(&core.Tenant{
		ID: core.MustParseID("0190a000-0000-7000-8000-000000000002"), Slug: "brazil", Status: core.Active,
	})
	mw := stratumhttp.Middleware(resolver, stratumhttp.Config{
		Extract: extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
		Authorize: func(_ context.Context, r core.Request, t *core.Tenant) error {
			if user, _ := r.Header("X-User"); user != "ana" {
				return errors.New("not a member of " + t.Slug)
			}
			return nil
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	srv := httptest.NewServer(mw(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, err := core.FromContext(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "hello from", t.Slug)
	})))
	defer srv.Close()

	for _, host := range []string{"brazil.app.example.com", "nobody.app.example.com", "app.example.com"} {
		req, err := http.NewRequest("GET", srv.URL, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		req.Host = host
		req.Header.Set("X-User", "ana")
		resp, err := srv.Client().Do(req)
		if err != nil {
			fmt.Println(err)
			return
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Println(resp.StatusCode, string(body))
	}
	// Output:
	// 200 hello from brazil
	//
	// 404 {"error":{"code":"TENANT_NOT_FOUND","message":"there is no tenant with slug nobody"}}
	// 400 {"error":{"code":"MISSING_TENANT","message":"the request names no tenant"}}
}
