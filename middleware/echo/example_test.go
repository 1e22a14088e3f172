package stratumecho_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/labstack/echo/v4"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumecho "github.com/stratum-hq/stratum-go/middleware/echo"
)

func Example() {
	resolver := core.Static(&core.Tenant{
		ID: core.MustParseID("0190a000-0000-7000-8000-000000000002"), Slug: "brazil", Status: core.Active,
	})
	e := echo.New()
	e.Use(stratumecho.Middleware(resolver, stratumecho.Config{
		Extract: extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
		Authorize: func(_ context.Context, r core.Request, t *core.Tenant) error {
			if user, _ := r.Header("X-User"); user != "ana" {
				return errors.New("not a member of " + t.Slug)
			}
			return nil
		},
		Logger: slog.New(slog.DiscardHandler),
	}))
	e.GET("/", func(c echo.Context) error {
		t, err := stratumecho.Tenant(c)
		if err != nil {
			return err
		}
		return c.String(http.StatusOK, "hello from "+t.Slug)
	})

	for _, host := range []string{"brazil.app.example.com", "nobody.app.example.com", "app.example.com"} {
		r := httptest.NewRequest("GET", "http://"+host+"/", nil)
		r.Header.Set("X-User", "ana")
		w := httptest.NewRecorder()
		e.ServeHTTP(w, r)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 hello from brazil
	// 404 {"error":{"code":"TENANT_NOT_FOUND","message":"there is no tenant with slug nobody"}}
	// 400 {"error":{"code":"MISSING_TENANT","message":"the request names no tenant"}}
}
