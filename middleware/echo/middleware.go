package stratumecho

import (
	"context"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// Middleware returns a middleware that admits each request into the tenant it
// names, or refuses it. It panics on a nil resolver.
func Middleware(resolver core.Resolver, cfg Config) echo.MiddlewareFunc {
	skip, onError := cfg.Skip, errorHandler(cfg)
	cfg.Skip = nil // asked below, so that a skipped request is passed on as it is
	admission := admit.New(resolver, cfg)
	headers := admission.Headers()
	requests := sync.Pool{New: func() any { return new(echo.Context) }}
	admitting := func(c echo.Context, next echo.HandlerFunc) error {
		held := requests.Get().(*echo.Context)
		*held = c
		defer func() {
			*held = nil
			requests.Put(held)
		}()
		req := Request{held}
		if skip != nil && skip(req) {
			return next(c)
		}
		ctx, err := admission.Admit(c.Request().Context(), req)
		if err != nil {
			return refuse(c, err, onError)
		}
		headers.Apply(c.Response().Header())
		return serve(c, ctx, next)
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc { // called for each request, so that it captures little
		return func(c echo.Context) error { return admitting(c, next) }
	}
}

// serve calls next with ctx. Middlewares in front find their own request again, unless
// next returns an error: the request is then still to be answered, by the error handler
// of the application as a rule, which runs after all middlewares and is to know the
// tenant too. It stays hidden where that would put one tenant in the place of another.
func serve(c echo.Context, ctx context.Context, next echo.HandlerFunc) error {
	before := c.Request()
	restore := true // in a panic too
	defer func() {
		if restore {
			c.SetRequest(before)
		}
	}()
	c.SetRequest(before.WithContext(ctx))
	err := next(c)
	restore = err == nil || core.HasScope(before.Context())
	return err
}

// Tenant returns a copy of the tenant that the request runs as, or [core.ErrNoTenant].
func Tenant(c echo.Context) (*core.Tenant, error) { return core.FromContext(c.Request().Context()) }

// RequirePermission returns a middleware, to stand below that of [Middleware], that
// serves requests whose tenant has the permission key and refuses others with
// [core.ErrForbidden]. Of cfg only OnError counts.
func RequirePermission(permissions admit.Permissions, key string, cfg Config) echo.MiddlewareFunc {
	return guard(admit.RequirePermission(permissions, key), cfg)
}

// RequireScope returns a middleware that serves requests whose credentials have the
// scope, and refuses others with [core.ErrForbidden]. Of cfg only OnError counts.
func RequireScope(scopes admit.Scopes, scope string, cfg Config) echo.MiddlewareFunc {
	return guard(admit.RequireScope(scopes, scope), cfg)
}

func guard(check func(context.Context) error, cfg Config) echo.MiddlewareFunc {
	onError := errorHandler(cfg)
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if err := check(c.Request().Context()); err != nil {
				return refuse(c, err, onError)
			}
			return next(c)
		}
	}
}

func refuse(c echo.Context, err error, onError func(echo.Context, error) error) error {
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store") // whoever answers
	return onError(c, err)
}

func errorHandler(cfg Config) func(echo.Context, error) error {
	if cfg.OnError != nil {
		return cfg.OnError
	}
	return WriteError
}

// WriteError answers a refused request with the JSON envelope of the project, or in
// the form of RFC 9457 if its Accept header asks for that (see [admit.Answer]). A custom
// OnError, or an HTTPErrorHandler, may fall back on it. The error that it returns is
// that of writing: a refusal that has been answered is no error any more.
func WriteError(c echo.Context, err error) error {
	return write(c)(admit.Answer(Request{&c}, err))
}

// WriteProblem is [WriteError] that always answers in the form of RFC 9457:
//
//	stratumecho.Config{OnError: stratumecho.WriteProblem}
func WriteProblem(c echo.Context, err error) error {
	return write(c)(admit.Problem(err))
}

func write(c echo.Context) func(status int, header http.Header, body []byte) error {
	return func(status int, header http.Header, body []byte) error {
		out := c.Response().Header()
		for name, values := range header {
			out[name] = values
		}
		return c.Blob(status, header.Get(echo.HeaderContentType), body)
	}
}
