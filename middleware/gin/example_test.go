package stratumgin_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/gin-gonic/gin"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumgin "github.com/stratum-hq/stratum-go/middleware/gin"
)

func Example() {
	resolver := core.Static(&core.Tenant{
		ID: core.MustParseID("0190a000-0000-7000-8000-000000000002"), Slug: "brazil", Status: core.Active,
	})
	r := gin.New()
	r.Use(stratumgin.Middleware(resolver, stratumgin.Config{
		Extract: extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
		Authorize: func(_ context.Context, r core.Request, t *core.Tenant) error {
			if user, _ := r.Header("X-User"); user != "ana" {
				return errors.New("not a member of " + t.Slug)
			}
			return nil
		},
		Logger: slog.New(slog.DiscardHandler),
	}))
	r.GET("/", func(c *gin.Context) {
		t, err := stratumgin.Tenant(c)
		if err != nil {
			stratumgin.WriteError(c, err)
			return
		}
		c.String(http.StatusOK, "hello from %s", t.Slug)
	})

	for _, host := range []string{"brazil.app.example.com", "nobody.app.example.com", "app.example.com"} {
		req := httptest.NewRequest("GET", "http://"+host+"/", nil)
		req.Header.Set("X-User", "ana")
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 hello from brazil
	// 404 {"error":{"code":"TENANT_NOT_FOUND","message":"there is no tenant with slug nobody"}}
	// 400 {"error":{"code":"MISSING_TENANT","message":"the request names no tenant"}}
}
