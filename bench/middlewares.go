package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/gofiber/fiber/v2"
	"github.com/labstack/echo/v4"
	"github.com/valyala/fasthttp"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
	stratumecho "github.com/stratum-hq/stratum-go/middleware/echo"
	stratumfiber "github.com/stratum-hq/stratum-go/middleware/fiber"
	stratumgin "github.com/stratum-hq/stratum-go/middleware/gin"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

// framework serves one request: without a middleware, with the least that one can do
// which hands anything on in the request's context, and with ours.
type framework struct {
	name                string
	bare, least, scoped func()
}

// middlewares prints what each middleware adds to its bare framework, with the tenant cached.
func middlewares(_ context.Context, o options, stdout, stderr io.Writer) error {
	fmt.Fprintln(stderr, "middlewares")
	acme := &core.Tenant{ID: core.NewID(), Slug: "acme", Status: core.Active}
	resolver := cache.New(core.Static(acme), cache.Config{})
	// A server has a heap; with none the garbage collector runs every few thousand requests.
	ballast := make([]byte, 64<<20)
	defer runtime.KeepAlive(ballast)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(stdout, "\nmiddlewares, tenant named by X-Tenant-ID and cached: what they add to the bare framework, beside the least that\n"+
		"hands on a context; medians of %d rounds\n\n", o.rounds)
	fmt.Fprintln(t, "\tbare ns\tleast adds ns\tallocs\tours adds ns\tallocs\t")
	for _, f := range frameworks(resolver) {
		ways := []func(){f.bare, f.least, f.scoped}
		var bare, least, scoped []float64
		for range o.rounds {
			var ns [3]float64
			for _, i := range rand.Perm(len(ways)) {
				ns[i] = each(o.round, ways[i])
			}
			bare, least, scoped = append(bare, ns[0]), append(least, ns[1]-ns[0]), append(scoped, ns[2]-ns[0])
		}
		allocs := allocations(f.bare)
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t\n", f.name,
			median(bare), median(least), allocations(f.least)-allocs, median(scoped), allocations(f.scoped)-allocs)
	}
	return t.Flush()
}

// each returns the nanoseconds that fn takes, run for about d.
func each(d time.Duration, fn func()) float64 {
	n := 0
	start := time.Now()
	for time.Since(start) < d {
		for range 100 {
			fn()
		}
		n += 100
	}
	return float64(time.Since(start).Nanoseconds()) / float64(n)
}

// allocations returns how often fn allocates, on average.
func allocations(fn func()) float64 {
	const runs = 2000
	fn()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		fn()
	}
	runtime.ReadMemStats(&after)
	return float64((after.Mallocs - before.Mallocs) / runs)
}

func frameworks(resolver core.Resolver) []framework {
	quiet := slog.New(slog.DiscardHandler)
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	gin.SetMode(gin.ReleaseMode)
	ginRouter := func(mw ...gin.HandlerFunc) http.Handler {
		r := gin.New()
		r.Use(mw...)
		r.GET("/", func(c *gin.Context) { c.Status(http.StatusNoContent) })
		return r
	}
	echoRouter := func(mw ...echo.MiddlewareFunc) http.Handler {
		e := echo.New()
		e.Use(mw...)
		e.GET("/", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
		return e
	}
	fiberApp := func(mw ...any) fasthttp.RequestHandler {
		app := fiber.New()
		if len(mw) > 0 {
			app.Use(mw...)
		}
		app.Get("/", func(c *fiber.Ctx) error { return c.SendStatus(http.StatusNoContent) })
		return app.Handler()
	}
	type key struct{}
	with := func(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, quiet) }
	next := []http.Handler{answer} // which the compiler cannot see through
	leastHTTP := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next[0].ServeHTTP(w, r.WithContext(with(r.Context())))
	})
	leastGin := func(c *gin.Context) { c.Request = c.Request.WithContext(with(c.Request.Context())) }
	leastEcho := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.SetRequest(c.Request().WithContext(with(c.Request().Context())))
			return next(c)
		}
	}
	leastFiber := func(c *fiber.Ctx) error {
		c.SetUserContext(with(c.UserContext()))
		return c.Next()
	}
	return []framework{
		{"net/http", overHTTP(answer), overHTTP(leastHTTP), overHTTP(stratumhttp.Middleware(resolver, stratumhttp.Config{Logger: quiet})(answer))},
		{"gin", overHTTP(ginRouter()), overHTTP(ginRouter(leastGin)), overHTTP(ginRouter(stratumgin.Middleware(resolver, stratumgin.Config{Logger: quiet})))},
		{"echo", overHTTP(echoRouter()), overHTTP(echoRouter(leastEcho)), overHTTP(echoRouter(stratumecho.Middleware(resolver, stratumecho.Config{Logger: quiet})))},
		{"fiber", overFast(fiberApp()), overFast(fiberApp(leastFiber)), overFast(fiberApp(stratumfiber.Middleware(resolver, stratumfiber.Config{Logger: quiet})))},
	}
}

// response is a ResponseWriter that keeps nothing but the map of its headers.
type response struct{ header http.Header }

func (r response) Header() http.Header         { return r.header }
func (r response) Write(b []byte) (int, error) { return len(b), nil }
func (r response) WriteHeader(int)             {}

func overHTTP(h http.Handler) func() {
	w := response{http.Header{}}
	r := httptest.NewRequest(http.MethodGet, "http://app.example.com/", nil)
	r.Header.Set("X-Tenant-ID", "acme")
	return func() {
		h.ServeHTTP(w, r)
		clear(w.header)
	}
}

func overFast(h fasthttp.RequestHandler) func() {
	var c fasthttp.RequestCtx
	return func() {
		c.Request.Reset()
		c.Response.Reset()
		c.Request.Header.SetMethod(http.MethodGet)
		c.Request.SetRequestURI("/")
		c.Request.Header.SetHost("app.example.com")
		c.Request.Header.Set("X-Tenant-ID", "acme")
		h(&c)
	}
}

// resolvers prints what looking a tenant up costs, cached and not.
func resolvers(ctx context.Context, o options, stdout, stderr io.Writer) error {
	fmt.Fprintln(stderr, "resolvers")
	looked, err := registry(ctx)
	if err != nil {
		return err
	}
	defer looked.close()
	ref := core.BySlug(looked.slug)
	cached := cache.New(looked.direct, cache.Config{})
	ways := []struct {
		name string
		look func() error
	}{
		{"cache hit, a copy for the caller", func() error { _, err := cached.Resolve(ctx, ref); return err }},
		{"cache hit, shared (as middlewares ask)", func() error { _, err := cached.ResolveShared(ctx, ref); return err }},
		{"miss: one statement of the registry", func() error { _, err := looked.direct.Resolve(ctx, ref); return err }},
	}
	fmt.Fprintf(stdout, "\nresolvers, by slug; medians of %d rounds\n\n", o.rounds)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tns\tallocs\t")
	for _, way := range ways {
		if err := way.look(); err != nil {
			return err
		}
		look := func() { _ = way.look() }
		var ns []float64
		for range o.rounds {
			ns = append(ns, each(o.round, look))
		}
		slices.Sort(ns)
		fmt.Fprintf(t, "%s\t%.0f\t%.0f\t\n", way.name, median(ns), allocations(look))
	}
	return t.Flush()
}
