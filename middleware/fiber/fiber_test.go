package stratumfiber_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/recover"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumfiber "github.com/stratum-hq/stratum-go/middleware/fiber"
)

// slugHandler answers with the tenant that it runs as.
func slugHandler(c *fiber.Ctx) error { return c.SendString(slug(c)) }

func slug(c *fiber.Ctx) string {
	t, err := stratumfiber.Tenant(c)
	if err != nil {
		return "none"
	}
	return t.Slug
}

// get runs a request, with headers given as pairs.
func get(t *testing.T, app *fiber.App, target string, header ...string) (int, string) {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.RequestURI = target // goes out as it is
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := app.Test(r, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// wantBody wants an answer that is, or contains, want.
func wantBody(t *testing.T, app *fiber.App, target, want string, header ...string) {
	t.Helper()
	if status, body := get(t, app, target, header...); !strings.Contains(body, want) {
		t.Errorf("%s: %d %s, want %s", target, status, body, want)
	}
}

func byHeader() fiber.Handler {
	return stratumfiber.Middleware(tenants(), stratumfiber.Config{Logger: quiet()})
}

// The ErrorHandler runs after all middlewares, and knows the tenant of the request that
// it answers; a middleware in front knows it only if the request is still to be answered.
func TestErrorHandlerKnowsTheTenant(t *testing.T) {
	var front []string
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
		return c.SendString(slug(c) + ": " + err.Error())
	}})
	app.Use(func(c *fiber.Ctx) error {
		err := c.Next()
		front = append(front, slug(c))
		return err
	}, recover.New(), byHeader())
	app.Get("/ok", slugHandler)
	app.Get("/err", func(*fiber.Ctx) error { return errors.New("boom") })
	app.Get("/panic", func(*fiber.Ctx) error { panic("boom") })
	app.Get("/inner", stratumfiber.Middleware(tenants(), stratumfiber.Config{Extract: extract.Query("tenant"), Logger: quiet()}),
		func(*fiber.Ctx) error { return errors.New("boom") })
	wantBody(t, app, "/ok", "brazil", "X-Tenant-ID", "brazil")
	wantBody(t, app, "/err", "brazil: boom", "X-Tenant-ID", "brazil")
	wantBody(t, app, "/panic", "none: boom", "X-Tenant-ID", "brazil")
	wantBody(t, app, "/inner?tenant=stranger", "brazil: boom", "X-Tenant-ID", "brazil") // not the inner one
	if got := strings.Join(front, " "); got != "none brazil none brazil" {
		t.Errorf("the middleware in front saw %s", got)
	}
}

func TestErrorHandlerIsAskedIfWanted(t *testing.T) {
	asked := 0
	app := fiber.New(fiber.Config{ErrorHandler: func(c *fiber.Ctx, err error) error {
		asked++
		return stratumfiber.WriteError(c, err)
	}})
	app.Get("/default", byHeader(), slugHandler)
	app.Get("/returned", stratumfiber.Middleware(tenants(), stratumfiber.Config{
		OnError: func(_ *fiber.Ctx, err error) error { return err }, Logger: quiet(),
	}), slugHandler)
	app.Get("/problem", stratumfiber.Middleware(tenants(), stratumfiber.Config{OnError: stratumfiber.WriteProblem, Logger: quiet()}), slugHandler)
	for target, want := range map[string]string{
		"/default": `{"error":{"code":"MISSING_TENANT"`, "/returned": `{"error":{"code":"MISSING_TENANT"`, "/problem": `{"type":"about:blank"`,
	} {
		if status, body := get(t, app, target); status != 400 || !strings.HasPrefix(body, want) {
			t.Errorf("%s: %d %s", target, status, body)
		}
	}
	if asked != 1 {
		t.Errorf("the ErrorHandler was asked %d times, want once", asked)
	}
}

// A proxy's X-Forwarded-Host is not the host, even where fiber trusts it.
func TestTrustedProxiesOfFiber(t *testing.T) {
	app := fiber.New(fiber.Config{EnableTrustedProxyCheck: true, TrustedProxies: []string{"0.0.0.0"}})
	app.Use(stratumfiber.Middleware(tenants(), stratumfiber.Config{Extract: extract.Subdomain("app.example.com"), Logger: quiet()}))
	app.Get("/", func(c *fiber.Ctx) error { return c.SendString(c.Hostname() + " " + slug(c)) })
	wantBody(t, app, "/", "stranger.app.example.com brazil", "Host", "brazil.app.example.com", "X-Forwarded-Host", "stranger.app.example.com")
}

// A middleware in front may give the request a context; that of fasthttp itself is
// recycled, and Detach leaves it behind.
func TestUserContextOfOthers(t *testing.T) {
	type key struct{}
	app := fiber.New()
	app.Use(func(c *fiber.Ctx) error {
		c.SetUserContext(context.WithValue(c.Context(), key{}, "kept"))
		return c.Next()
	}, byHeader())
	app.Get("/", func(c *fiber.Ctx) error {
		ctx := c.UserContext()
		detached := core.Detach(ctx)
		return c.SendString(fmt.Sprint(ctx.Value(key{}), " ", detached.Value(key{}), " ", slug(c), " ", detached.Done() == nil))
	})
	wantBody(t, app, "/", "kept <nil> brazil true", "X-Tenant-ID", "brazil")
}

// What outlives a handler says the same while other tenants' requests use its buffers.
func TestNothingKeptIsRecycled(t *testing.T) {
	for _, immutable := range []bool{false, true} {
		app := fiber.New(fiber.Config{Immutable: immutable, DisableStartupMessage: true})
		var mu sync.Mutex
		var kept []func() string
		keep := func(want string, f func() string) {
			mu.Lock()
			defer mu.Unlock()
			kept = append(kept, func() string {
				if got := f(); got != want {
					return fmt.Sprintf("%q became %q", want, got)
				}
				return ""
			})
		}
		app.Use(stratumfiber.Middleware(tenants(), stratumfiber.Config{
			Logger: quiet(),
			OnError: func(c *fiber.Ctx, err error) error {
				keep(strings.Clone(err.Error()), err.Error)
				return stratumfiber.WriteError(c, err)
			},
			Authorize: func(_ context.Context, r core.Request, _ *core.Tenant) error {
				if user, _ := r.Header("X-User"); immutable {
					keep(strings.Clone(user), func() string { return user })
				}
				return nil
			},
		}))
		app.Get("/", func(c *fiber.Ctx) error {
			ctx, want := c.UserContext(), strings.Clone(slug(c))
			for _, ctx := range []context.Context{ctx, core.Detach(ctx)} {
				keep(want, func() string {
					tenant, err := core.FromContext(ctx)
					if err != nil {
						return err.Error()
					}
					return tenant.Slug
				})
			}
			return c.SendString(want)
		})
		serve(t, app, func(base string) {
			for i := range 60 {
				name := []string{"brazil", "stranger", "north_star", "late_payer", "nobody", "x,y"}[i%6]
				fetch(t, base, name, fmt.Sprintf("user-%02d", i))
			}
		})
		for _, check := range kept {
			if broken := check(); broken != "" {
				t.Error(broken)
			}
		}
		if len(kept) < 90 {
			t.Errorf("only %d things were kept", len(kept))
		}
	}
}

// serve runs app on a listener while f uses it.
func serve(t *testing.T, app *fiber.App, f func(base string)) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, done := &server{app: app}, make(chan error)
	go func() { done <- s.Serve(ln) }()
	f("http://" + ln.Addr().String())
	http.DefaultClient.CloseIdleConnections()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func fetch(t *testing.T, base, tenant, user string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", base, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Tenant-ID", tenant)
	r.Header.Set("X-User", user)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}
