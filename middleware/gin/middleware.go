package stratumgin

import (
	"context"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// Middleware returns a middleware that admits each request into the tenant it
// names, or refuses it. It panics on a nil resolver.
func Middleware(resolver core.Resolver, cfg Config) gin.HandlerFunc {
	skip, onError := cfg.Skip, errorHandler(cfg)
	cfg.Skip = nil // asked below, so that a skipped request is passed on as it is
	admission := admit.New(resolver, cfg)
	headers := admission.Headers()
	return func(c *gin.Context) {
		req := Request{c}
		if skip != nil && skip(req) {
			return // gin goes on by itself
		}
		before := c.Request
		ctx, err := admission.Admit(before.Context(), req)
		if err != nil {
			refuse(c, err, onError)
			return
		}
		headers.Apply(c.Writer.Header())
		c.Request = before.WithContext(ctx)
		defer func() { c.Request = before }() // middlewares in front find their own again
		c.Next()
	}
}

// Tenant returns a copy of the tenant that the request runs as, or [core.ErrNoTenant].
func Tenant(c *gin.Context) (*core.Tenant, error) { return core.FromContext(c.Request.Context()) }

// RequirePermission returns a middleware, to stand below that of [Middleware], that
// serves requests whose tenant has the permission key and refuses others with
// [core.ErrForbidden]. Of cfg only OnError counts.
func RequirePermission(permissions admit.Permissions, key string, cfg Config) gin.HandlerFunc {
	return guard(admit.RequirePermission(permissions, key), cfg)
}

// RequireScope returns a middleware that serves requests whose credentials have the
// scope, and refuses others with [core.ErrForbidden]. Of cfg only OnError counts.
func RequireScope(scopes admit.Scopes, scope string, cfg Config) gin.HandlerFunc {
	return guard(admit.RequireScope(scopes, scope), cfg)
}

func guard(check func(context.Context) error, cfg Config) gin.HandlerFunc {
	onError := errorHandler(cfg)
	return func(c *gin.Context) {
		if err := check(c.Request.Context()); err != nil {
			refuse(c, err, onError)
		}
	}
}

func refuse(c *gin.Context, err error, onError func(*gin.Context, error)) {
	c.Abort() // first, as nothing that onError does may let the request through
	c.Header("Cache-Control", "no-store")
	onError(c, err)
}

func errorHandler(cfg Config) func(*gin.Context, error) {
	if cfg.OnError != nil {
		return cfg.OnError
	}
	return WriteError
}

// WriteError answers a refused request with the JSON envelope of the project, or in
// the form of RFC 9457 if its Accept header asks for that (see [admit.Answer]). A custom
// OnError may fall back on it.
func WriteError(c *gin.Context, err error) {
	write(c)(admit.Answer(Request{c}, err))
}

// WriteProblem is [WriteError] that always answers in the form of RFC 9457:
//
//	stratumgin.Config{OnError: stratumgin.WriteProblem}
func WriteProblem(c *gin.Context, err error) {
	write(c)(admit.Problem(err))
}

func write(c *gin.Context) func(status int, header http.Header, body []byte) {
	return func(status int, header http.Header, body []byte) {
		out := c.Writer.Header()
		for name, values := range header {
			out[name] = values
		}
		c.Status(status)
		_, _ = c.Writer.Write(body) // the caller may have gone away; there is nobody to tell
	}
}
