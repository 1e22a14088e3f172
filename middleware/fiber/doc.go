// Package stratumfiber admits requests into their tenant, for fiber (v2).
//
//	app := fiber.New()
//	app.Use(stratumfiber.Middleware(resolver, stratumfiber.Config{
//		Extract:   extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
//		Authorize: memberOf,
//	}))
//
// A handler below it finds the tenant with [Tenant], and hands c.UserContext() on to the
// database adapter.
//
// # What fasthttp recycles
//
// A *fiber.Ctx, and each string that comes from it, belongs to another request once the
// handler has returned. The tenant does not: it comes from the resolver, and the
// middleware keeps nothing of the request. A goroutine or a stream writer that goes on
// afterwards takes c.UserContext() out of c in the handler, and runs on core.Detach of
// it; c.UserContext() asked there would be somebody else's.
//
// Hooks and extractors see strings of the same kind: one that keeps a value of a
// [Request] clones it, unless the application is Immutable. So does a resolver that
// keeps the text of a reference, as package cache does.
//
// # Cancellation
//
// A user context is context.Background unless a middleware in front sets another.
// fasthttp does not notice that a client has gone away, so nothing cancels it; a
// deadline is for the application to set.
//
// # Route parameters
//
// Fiber finds the parameters of the path that a middleware itself is mounted on:
// app.Use("/t/:tenant", …), app.Group("/t/:tenant", …), or the route. Elsewhere
// extract.Param finds nothing, and the request is refused.
//
// # Errors
//
// A refusal is answered at once, and the middleware returns nil: the ErrorHandler of
// the application is not asked. To have it asked, return the error from OnError:
//
//	stratumfiber.Config{OnError: func(_ *fiber.Ctx, err error) error { return err }}
//
// and answer a *core.Error there with [WriteError]; fiber's own handler would make a
// 500 of it.
//
// An error of a handler is passed on as it is, and the request keeps its tenant then,
// so that the ErrorHandler can name it. Otherwise middlewares in front find the user
// context that they had. A panic goes through.
package stratumfiber
