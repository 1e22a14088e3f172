// Package stratumgin admits requests into their tenant, for gin.
//
//	r := gin.New()
//	r.Use(stratumgin.Middleware(resolver, stratumgin.Config{
//		Extract:   extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
//		Authorize: memberOf,
//	}))
//
// A handler below it finds the tenant with [Tenant], and hands c.Request.Context() on
// to the database adapter.
//
// # gin.Context as a context
//
// A *gin.Context is a context.Context as well, and has no tenant as such: a query with
// it is refused. With Engine.ContextWithFallback it has that of the request. Do not
// let it reach a goroutine that outlives the handler in either case, nor a context
// made from it: gin uses it again, and what such a context says next is the tenant of
// another request. Take c.Request.Context() out of it first, c.Copy, or core.Detach.
//
// # Route parameters
//
// Gin matches the route before any middleware runs, so that extract.Param works
// everywhere. A group or a NoRoute handler without the parameter finds none, and the
// request is refused.
//
// # Errors
//
// A refused request is aborted and answered. It is not added to c.Errors, as a
// middleware that answers for those would write a second answer; an OnError that wants
// that adds it:
//
//	stratumgin.Config{OnError: func(c *gin.Context, err error) { _ = c.Error(err) }}
//
// Middlewares in front find the request that they had. A panic goes through.
package stratumgin
