package stratumecho_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumecho "github.com/stratum-hq/stratum-go/middleware/echo"
)

// slugHandler answers with the tenant that it runs as.
func slugHandler(c echo.Context) error { return c.String(200, slug(c)) }

func slug(c echo.Context) string {
	t, err := stratumecho.Tenant(c)
	if err != nil {
		return "none"
	}
	return t.Slug
}

func admission(e core.Extractor) echo.MiddlewareFunc {
	return stratumecho.Middleware(tenants(), stratumecho.Config{Extract: e, Logger: quiet()})
}

// get runs a request, with headers given as pairs.
func get(app *echo.Echo, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

// wantBody wants an answer that contains want.
func wantBody(t *testing.T, app *echo.Echo, target, want string, header ...string) {
	t.Helper()
	if w := get(app, target, header...); !strings.Contains(w.Body.String(), want) {
		t.Errorf("%s: %d %s, want %s", target, w.Code, w.Body, want)
	}
}

func TestParams(t *testing.T) {
	app := echo.New()
	app.GET("/t/:tenant/x", slugHandler, admission(extract.Param("tenant")))
	app.Group("/g/:tenant", admission(extract.Param("tenant"))).GET("/x", slugHandler)
	for target, want := range map[string]string{
		"/t/brazil/x": "brazil", "/g/brazil/x": "brazil",
		"/t/%62razil/x":       "brazil",             // has no encoding of its own: echo decodes
		"/t/%62razil/x?a=%2F": "brazil",             //
		"/g/brazil/%2F":       "404",                // has one: echo does not
		"/t/brazil%2Fx/x":     "TENANT_REF_INVALID", // one segment, decoded here
		"/t/%2562razil/x":     "TENANT_REF_INVALID", // decoded once
		"/t/%2562razil%2F/x":  "TENANT_REF_INVALID",
		"/t/bra+zil/x":        "TENANT_REF_INVALID",
		"/t/nobody/x":         "TENANT_NOT_FOUND",
	} {
		if w := get(app, target); !strings.Contains(w.Body.String(), want) && want != "404" || want == "404" && w.Code != 404 {
			t.Errorf("%s: %d %s, want %s", target, w.Code, w.Body, want)
		}
	}
	after := echo.New()
	after.Use(admission(extract.Param("tenant"))) // runs after routing
	after.GET("/t/:tenant/*", slugHandler)
	wantBody(t, after, "/t/brazil/x", "brazil")
	wantBody(t, after, "/t/%62razil/x%2Fy", "brazil") // the path has an encoding of its own elsewhere
	wantBody(t, after, "/elsewhere", "MISSING_TENANT")
}

// Pre runs before routing: parameters are not known, all else is, and what it decides
// holds for the route.
func TestPre(t *testing.T) {
	byParam := echo.New()
	byParam.Pre(admission(extract.Param("tenant")))
	byParam.GET("/t/:tenant", slugHandler)
	wantBody(t, byParam, "/t/brazil", "MISSING_TENANT")

	byPath := echo.New()
	byPath.Pre(admission(extract.PathAfter("/t/")), middleware.Rewrite(map[string]string{"/t/*/x": "/x"}))
	byPath.GET("/x", slugHandler)
	byPath.GET("/t/:tenant", slugHandler)
	wantBody(t, byPath, "/t/brazil", "brazil")
	wantBody(t, byPath, "/t/brazil/x", "brazil")
	wantBody(t, byPath, "/x", "MISSING_TENANT")
}

// The HTTPErrorHandler runs after all middlewares, and knows the tenant of the request
// that it answers; a middleware in front knows it only if the request is still to be answered.
func TestErrorHandlerKnowsTheTenant(t *testing.T) {
	var front []string
	app := echo.New()
	app.Logger.SetOutput(io.Discard)
	app.HTTPErrorHandler = func(err error, c echo.Context) { _ = c.String(500, slug(c)+": "+err.Error()) }
	app.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			err := next(c)
			front = append(front, slug(c))
			return err
		}
	}, middleware.RecoverWithConfig(middleware.RecoverConfig{DisableErrorHandler: true, DisablePrintStack: true}), admission(nil))
	app.GET("/ok", slugHandler)
	app.GET("/err", func(echo.Context) error { return errors.New("boom") })
	app.GET("/panic", func(echo.Context) error { panic(errors.New("boom")) })
	app.GET("/inner", func(echo.Context) error { return errors.New("boom") }, admission(extract.Query("tenant")))
	wantBody(t, app, "/ok", "brazil", "X-Tenant-ID", "brazil")
	wantBody(t, app, "/err", "brazil: boom", "X-Tenant-ID", "brazil")
	wantBody(t, app, "/panic", "none: boom", "X-Tenant-ID", "brazil")
	wantBody(t, app, "/inner?tenant=stranger", "brazil: boom", "X-Tenant-ID", "brazil") // not the inner one
	if got := strings.Join(front, " "); got != "none brazil none brazil" {
		t.Errorf("the middleware in front saw %s", got)
	}
}

// A refusal has one answer, which loggers find in the response.
func TestErrorHandlerIsAskedIfWanted(t *testing.T) {
	asked := 0
	var logged []int
	app := echo.New()
	app.HTTPErrorHandler = func(err error, c echo.Context) {
		if c.Response().Committed {
			return // the logger asks, and echo after it
		}
		asked++
		if err := stratumecho.WriteError(c, err); err != nil {
			t.Error(err)
		}
	}
	app.Use(middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogStatus: true, HandleError: true,
		LogValuesFunc: func(_ echo.Context, v middleware.RequestLoggerValues) error {
			logged = append(logged, v.Status)
			return nil
		},
	}))
	with := func(onError func(echo.Context, error) error) echo.MiddlewareFunc {
		return stratumecho.Middleware(tenants(), stratumecho.Config{OnError: onError, Logger: quiet()})
	}
	app.GET("/default", slugHandler, with(nil))
	app.GET("/problem", slugHandler, with(stratumecho.WriteProblem))
	app.GET("/returned", slugHandler, with(func(_ echo.Context, err error) error { return err }))
	for _, c := range []struct{ target, want string }{
		{"/default", `{"error":{"code":"TENANT_NOT_FOUND"`}, {"/problem", `{"type":"about:blank"`}, {"/returned", `{"error":{"code":"TENANT_NOT_FOUND"`},
	} {
		w := get(app, c.target, "X-Tenant-ID", "nobody")
		if w.Code != 404 || !strings.HasPrefix(w.Body.String(), c.want) || strings.Count(w.Body.String(), "TENANT_NOT_FOUND") != 1 {
			t.Errorf("%s: %d %s", c.target, w.Code, w.Body)
		}
	}
	if asked != 1 || len(logged) != 3 || logged[0] != 404 || logged[1] != 404 || logged[2] != 404 {
		t.Errorf("the error handler was asked %d times, the log has %v", asked, logged)
	}
}

// An application may put a context type of its own in front.
func TestCustomContext(t *testing.T) {
	type custom struct {
		echo.Context
		user string
	}
	app := echo.New()
	app.Use(func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { return next(custom{c, "ana"}) }
	}, stratumecho.Middleware(tenants(), stratumecho.Config{
		Authorize: func(_ context.Context, r core.Request, tenant *core.Tenant) error {
			c, ok := r.(stratumecho.Request).Echo().(custom)
			if ok && c.user == "ana" && r.RemoteAddr() != "" && tenant.Slug == "brazil" {
				return nil
			}
			return core.ErrTenantForbidden
		},
		Skip: func(r core.Request) bool { return r.Path() == "/health" },
	}))
	app.GET("/", func(c echo.Context) error {
		if _, ok := c.(custom); !ok {
			t.Errorf("the handler got a %T", c)
		}
		return slugHandler(c)
	})
	app.GET("/health", slugHandler)
	wantBody(t, app, "/", "brazil", "X-Tenant-ID", "brazil")
	wantBody(t, app, "/", "TENANT_FORBIDDEN", "X-Tenant-ID", "stranger")
	if w := get(app, "/health", "X-Tenant-ID", "brazil"); w.Body.String() != "none" || w.Header().Get("Vary") != "" {
		t.Errorf("a skipped request is not passed on as it is: %s %v", w.Body, w.Header())
	}
}

// What a hook kept of a request shows it a panic afterwards, rather than another request,
// as long as nobody else has taken its place.
func TestKeptRequestIsEmpty(t *testing.T) {
	var kept core.Request
	app := echo.New()
	app.Use(stratumecho.Middleware(tenants(), stratumecho.Config{Skip: func(r core.Request) bool {
		kept = r
		return false
	}, Logger: quiet()}))
	app.GET("/", slugHandler)
	wantBody(t, app, "/", "brazil", "X-Tenant-ID", "brazil")
	defer func() {
		if recover() == nil {
			t.Error("a request that is over can still be read")
		}
	}()
	kept.Header("X-Tenant-Id")
}
