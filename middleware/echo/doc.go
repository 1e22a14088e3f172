// Package stratumecho admits requests into their tenant, for echo (v4).
//
//	e := echo.New()
//	e.Use(stratumecho.Middleware(resolver, stratumecho.Config{
//		Extract:   extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
//		Authorize: memberOf,
//	}))
//
// A handler below it finds the tenant with [Tenant], and hands c.Request().Context()
// on to the database adapter. A goroutine that outlives the handler takes that context
// out of c first, and runs on core.Detach of it: echo uses c again for other requests.
//
// # Route parameters
//
// Echo knows a route's parameters once it has matched the route: before the middlewares
// of Use, of groups and of routes, but after those of Pre. There extract.Param finds
// nothing, and the request is refused; take extract.PathAfter, which reads the path
// itself.
//
// # Errors
//
// A refusal is answered at once, and the middleware returns nil: the HTTPErrorHandler
// of the application is not asked, so that no response is written twice, and loggers
// find the status in the response. To have it asked, return the error from OnError:
//
//	stratumecho.Config{OnError: func(_ echo.Context, err error) error { return err }}
//
// and answer a *core.Error there with [WriteError]; echo's own handler would make a
// 500 of it.
//
// An error of a handler is passed on as it is, and the request keeps its tenant then,
// so that the HTTPErrorHandler can name it. Otherwise middlewares in front find the
// request that they had. A panic goes through.
package stratumecho
