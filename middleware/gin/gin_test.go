package stratumgin_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumgin "github.com/stratum-hq/stratum-go/middleware/gin"
)

// slugHandler answers with the tenant that it runs as.
func slugHandler(c *gin.Context) { c.String(200, slug(c.Request.Context())) }

func slug(ctx context.Context) string {
	t, err := core.FromContext(ctx)
	if err != nil {
		return "none"
	}
	return t.Slug
}

func admission(e core.Extractor) gin.HandlerFunc {
	return stratumgin.Middleware(tenants(), stratumgin.Config{Extract: e, Logger: quiet()})
}

// get runs a request, with headers given as pairs.
func get(app *gin.Engine, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

// wantBody wants an answer that contains want.
func wantBody(t *testing.T, app *gin.Engine, target, want string, header ...string) {
	t.Helper()
	if w := get(app, target, header...); !strings.Contains(w.Body.String(), want) {
		t.Errorf("%s: %d %s, want %s", target, w.Code, w.Body, want)
	}
}

func TestParams(t *testing.T) {
	for name, c := range map[string]struct {
		set  func(*gin.Engine)
		want map[string]string
	}{
		"default": {func(*gin.Engine) {}, map[string]string{
			"/t/%62razil/x": "brazil", "/t/%2562razil/x": "TENANT_REF_INVALID", "/t/brazil%2Fx/x": "404",
		}},
		"raw path": {func(e *gin.Engine) { e.UseRawPath = true }, map[string]string{
			"/t/%62razil/x": "brazil", "/t/%2562razil/x": "TENANT_REF_INVALID", "/t/brazil%2Fx/x": "TENANT_REF_INVALID",
		}},
		"escaped path": {func(e *gin.Engine) { e.UseEscapedPath = true }, map[string]string{
			"/t/%62razil/x": "brazil", "/t/%2562razil/x": "TENANT_REF_INVALID", "/t/brazil%2Fx/x": "TENANT_REF_INVALID",
		}},
		"raw values": {func(e *gin.Engine) { e.UseEscapedPath, e.UnescapePathValues = true, false }, map[string]string{
			"/t/%62razil/x": "TENANT_REF_INVALID", "/t/%2562razil/x": "TENANT_REF_INVALID", "/t/brazil%2Fx/x": "TENANT_REF_INVALID",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			app := gin.New()
			c.set(app)
			app.GET("/t/:tenant/x", admission(extract.Param("tenant")), slugHandler)
			app.Group("/g/:tenant", admission(extract.Param("tenant"))).GET("/x", slugHandler)
			wantBody(t, app, "/t/brazil/x", "brazil")
			wantBody(t, app, "/g/brazil/x", "brazil")
			wantBody(t, app, "/t/nobody/x", "TENANT_NOT_FOUND")
			for target, want := range c.want {
				wantBody(t, app, target, want)
			}
		})
	}
	app := gin.New()
	app.Use(admission(extract.Param("tenant"))) // runs after routing too
	app.GET("/t/:tenant", slugHandler)
	app.NoRoute(slugHandler)
	wantBody(t, app, "/t/brazil", "brazil")
	wantBody(t, app, "/elsewhere", "MISSING_TENANT")
}

// A gin.Context has the tenant of its request if the engine falls back on that, and
// none otherwise: never another one, nor one that is left over.
func TestGinContextAsContext(t *testing.T) {
	for _, fallback := range []bool{false, true} {
		app := gin.New()
		app.ContextWithFallback = fallback
		var front []string
		app.Use(func(c *gin.Context) {
			c.Next()
			front = append(front, slug(c))
		})
		app.GET("/", admission(nil), func(c *gin.Context) {
			derived, cancel := context.WithCancel(c)
			defer cancel()
			c.String(200, "%s %s %s", slug(c), slug(derived), slug(core.Detach(c)))
		})
		app.GET("/open", func(c *gin.Context) { c.String(200, slug(c)) })
		want := "none none none"
		if fallback {
			want = "brazil brazil brazil"
		}
		for range 3 { // the context is used again
			wantBody(t, app, "/", want, "X-Tenant-ID", "brazil")
			wantBody(t, app, "/open", "none", "X-Tenant-ID", "brazil")
		}
		if got := strings.Join(front, " "); got != strings.TrimSpace(strings.Repeat("none ", 6)) {
			t.Errorf("the middleware in front saw %s", got)
		}
	}
}

// Copy, Detach and the context of the request are safe to keep; all three are read here
// while other tenants' requests use the gin.Context again.
func TestGoroutinesThatOutliveTheHandler(t *testing.T) {
	app := gin.New()
	app.ContextWithFallback = true
	const tasks = 30
	release, reports := make(chan struct{}), make(chan string, tasks)
	app.Use(admission(nil))
	app.GET("/", func(c *gin.Context) {
		want, ctx, cp, detached := slug(c), c.Request.Context(), c.Copy(), core.Detach(c)
		go func() {
			<-release
			reports <- strings.Join([]string{want, slug(ctx), slug(cp), slug(detached)}, " ")
		}()
	})
	names := []string{"brazil", "stranger", "north_star"}
	for i := range tasks {
		get(app, "/", "X-Tenant-ID", names[i%len(names)])
	}
	close(release)
	seen := map[string]int{}
	for range tasks {
		seen[<-reports]++
	}
	for _, name := range names {
		if n := seen[strings.Join([]string{name, name, name, name}, " ")]; n != tasks/len(names) {
			t.Errorf("%s was kept %d times: %v", name, n, seen)
		}
	}
}

func TestHandleContext(t *testing.T) {
	app := gin.New()
	app.Use(admission(nil))
	app.GET("/from", func(c *gin.Context) {
		c.Request.URL.Path = "/to"
		c.Request.Header.Set("X-Tenant-ID", "stranger")
		app.HandleContext(c)
		c.String(200, " then "+slug(c.Request.Context()))
	})
	app.GET("/to", slugHandler)
	wantBody(t, app, "/from", "stranger then brazil", "X-Tenant-ID", "brazil")
}

// A refused request goes no further, whatever OnError does, and has one answer.
func TestRefusalIsFinal(t *testing.T) {
	for name, onError := range map[string]func(*gin.Context, error){
		"default":  nil,
		"problem":  stratumgin.WriteProblem,
		"nothing":  func(*gin.Context, error) {},
		"next":     func(c *gin.Context, _ error) { c.Next() },
		"recorded": func(c *gin.Context, err error) { _ = c.Error(err) },
	} {
		t.Run(name, func(t *testing.T) {
			app := gin.New()
			app.Use(func(c *gin.Context) {
				c.Next()
				if len(c.Errors) > 0 {
					stratumgin.WriteError(c, c.Errors.Last())
				}
			}, stratumgin.Middleware(tenants(), stratumgin.Config{OnError: onError, Logger: quiet()}))
			app.GET("/", func(*gin.Context) { t.Error("a refused request was served") })
			w := get(app, "/")
			answered := onError == nil || name == "problem" || name == "recorded"
			if n := strings.Count(w.Body.String(), "MISSING_TENANT"); answered != (n == 1) || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%d answers: %d %s %v", n, w.Code, w.Body, w.Header())
			}
		})
	}
}

func TestRecovery(t *testing.T) {
	app := gin.New()
	app.Use(gin.CustomRecoveryWithWriter(nil, func(c *gin.Context, what any) {
		c.String(500, "%v as %s", what, slug(c.Request.Context()))
	}), admission(nil))
	app.GET("/", func(*gin.Context) { panic("boom") })
	wantBody(t, app, "/", "boom as none", "X-Tenant-ID", "brazil")
}

func TestHooksSeeTheContext(t *testing.T) {
	app := gin.New()
	app.Use(func(c *gin.Context) { c.Set("user", "ana") }, stratumgin.Middleware(tenants(), stratumgin.Config{
		Authorize: func(_ context.Context, r core.Request, tenant *core.Tenant) error {
			if r.(stratumgin.Request).Gin().GetString("user") == "ana" && r.RemoteAddr() != "" && tenant.Slug == "brazil" {
				return nil
			}
			return core.ErrTenantForbidden
		},
		Skip: func(r core.Request) bool { return r.Path() == "/health" },
	}))
	app.GET("/", slugHandler)
	app.GET("/health", slugHandler)
	wantBody(t, app, "/", "brazil", "X-Tenant-ID", "brazil")
	wantBody(t, app, "/", "TENANT_FORBIDDEN", "X-Tenant-ID", "stranger")
	if w := get(app, "/health", "X-Tenant-ID", "brazil"); w.Body.String() != "none" || w.Header().Get("Vary") != "" {
		t.Errorf("a skipped request is not passed on as it is: %s %v", w.Body, w.Header())
	}
}
