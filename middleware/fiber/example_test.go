package stratumfiber_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumfiber "github.com/stratum-hq/stratum-go/middleware/fiber"
)

func Example() {
	resolver := core.Static(&core.Tenant{
		ID: core.MustParseID("0190a000-0000-7000-8000-000000000002"), Slug: "brazil", Status: core.Active,
	})
	app := fiber.New()
	app.Use(stratumfiber.Middleware(resolver, stratumfiber.Config{
		Extract: extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
		Authorize: func(_ context.Context, r core.Request, t *core.Tenant) error {
			if user, _ := r.Header("X-User"); user != "ana" {
				return errors.New("not a member of " + t.Slug)
			}
			return nil
		},
		Logger: slog.New(slog.DiscardHandler),
	}))
	app.Get("/", func(c *fiber.Ctx) error {
		t, err := stratumfiber.Tenant(c)
		if err != nil {
			return err
		}
		return c.SendString("hello from " + t.Slug)
	})

	for _, host := range []string{"brazil.app.example.com", "nobody.app.example.com", "app.example.com"} {
		r, err := http.NewRequest("GET", "http://"+host+"/", http.NoBody)
		if err != nil {
			fmt.Println(err)
			return
		}
		r.Header.Set("X-User", "ana")
		resp, err := app.Test(r, -1)
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
	// 404 {"error":{"code":"TENANT_NOT_FOUND","message":"there is no tenant with slug nobody"}}
	// 400 {"error":{"code":"MISSING_TENANT","message":"the request names no tenant"}}
}
