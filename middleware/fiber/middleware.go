package stratumfiber

import (
	"context"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// Middleware returns a middleware that admits each request into the tenant it
// names, or refuses it. It panics on a nil resolver.
func Middleware(resolver core.Resolver, cfg Config) fiber.Handler {
	skip, onError := cfg.Skip, errorHandler(cfg)
	cfg.Skip = nil // asked below, so that a skipped request is passed on as it is
	admission := admit.New(resolver, cfg)
	mark := marker(admission.Headers())
	return func(c *fiber.Ctx) error {
		req := Request{c}
		if skip != nil && skip(req) {
			return c.Next()
		}
		ctx, err := admission.Admit(c.UserContext(), req)
		if err != nil {
			return refuse(c, err, onError)
		}
		mark(c)
		return serve(c, ctx)
	}
}

// serve goes on with ctx. Middlewares in front find their own context again, unless
// the rest returns an error: the request is then still to be answered, by the
// ErrorHandler of the application as a rule, which runs after all middlewares and is to
// know the tenant too. It stays hidden where that would put one tenant in the place of
// another.
func serve(c *fiber.Ctx, ctx context.Context) error {
	before := c.UserContext()
	restore := true // in a panic too
	defer func() {
		if restore {
			c.SetUserContext(before)
		}
	}()
	c.SetUserContext(ctx)
	err := c.Next()
	restore = err == nil || core.HasScope(before)
	return err
}

// marker returns what puts the headers onto a response.
func marker(h admit.Headers) func(*fiber.Ctx) {
	vary, cache := []byte(strings.Join(h.Vary, ", ")), []byte(h.CacheControl)
	varyKey, cacheKey := []byte(fiber.HeaderVary), []byte(fiber.HeaderCacheControl)
	return func(c *fiber.Ctx) {
		response := &c.Response().Header
		if len(response.PeekBytes(varyKey)) > 0 {
			c.Vary(h.Vary...)
		} else if len(vary) > 0 {
			response.SetCanonical(varyKey, vary)
		}
		if len(response.PeekBytes(cacheKey)) == 0 {
			response.SetCanonical(cacheKey, cache)
		}
	}
}

// Tenant returns a copy of the tenant that the request runs as, or [core.ErrNoTenant].
// The copy is the caller's own: nothing in it is recycled.
func Tenant(c *fiber.Ctx) (*core.Tenant, error) { return core.FromContext(c.UserContext()) }

// RequirePermission returns a middleware, to stand below that of [Middleware], that
// serves requests whose tenant has the permission key and refuses others with
// [core.ErrForbidden]. Of cfg only OnError counts.
func RequirePermission(permissions admit.Permissions, key string, cfg Config) fiber.Handler {
	return guard(admit.RequirePermission(permissions, key), cfg)
}

// RequireScope returns a middleware that serves requests whose credentials have the
// scope, and refuses others with [core.ErrForbidden]. Of cfg only OnError counts.
func RequireScope(scopes admit.Scopes, scope string, cfg Config) fiber.Handler {
	return guard(admit.RequireScope(scopes, scope), cfg)
}

func guard(check func(context.Context) error, cfg Config) fiber.Handler {
	onError := errorHandler(cfg)
	return func(c *fiber.Ctx) error {
		if err := check(c.UserContext()); err != nil {
			return refuse(c, err, onError)
		}
		return c.Next()
	}
}

func refuse(c *fiber.Ctx, err error, onError func(*fiber.Ctx, error) error) error {
	c.Set(fiber.HeaderCacheControl, "no-store") // whoever answers
	return onError(c, err)
}

func errorHandler(cfg Config) func(*fiber.Ctx, error) error {
	if cfg.OnError != nil {
		return cfg.OnError
	}
	return WriteError
}

// WriteError answers a refused request with the JSON envelope of the project, or in
// the form of RFC 9457 if its Accept header asks for that (see [admit.Answer]). A custom
// OnError, or an ErrorHandler, may fall back on it. It returns nil: a refusal that has
// been answered is no error any more.
func WriteError(c *fiber.Ctx, err error) error {
	return write(c)(admit.Answer(Request{c}, err))
}

// WriteProblem is [WriteError] that always answers in the form of RFC 9457:
//
//	stratumfiber.Config{OnError: stratumfiber.WriteProblem}
func WriteProblem(c *fiber.Ctx, err error) error {
	return write(c)(admit.Problem(err))
}

func write(c *fiber.Ctx) func(status int, header http.Header, body []byte) error {
	return func(status int, header http.Header, body []byte) error {
		for name, values := range header {
			c.Set(name, values[0])
		}
		return c.Status(status).Send(body)
	}
}
