// Package stratumhttp admits requests into their tenant, for net/http and every
// router whose middleware is a func(http.Handler) http.Handler, chi among them.
//
//	r := chi.NewRouter()
//	r.Use(stratumhttp.Middleware(resolver, stratumhttp.Config{
//		Extract:   extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
//		Authorize: memberOf,
//	}))
//
// A handler below it finds the tenant with [Tenant], or with [core.FromContext] in the
// context of its request, and hands that context on to the database adapter.
//
// # Route parameters
//
// A router knows a route's parameters once it has matched the route. A middleware in
// front of the whole router, as with chi's Use on the root or around a ServeMux, runs
// before that, and extract.Param finds nothing there. Wrap the handler of the route,
// or use chi's With or Route; or take extract.PathAfter, which reads the path itself.
//
// # What it leaves alone
//
// The ResponseWriter is passed on as it is, so that streaming, hijacking and
// [http.ResponseController] work. A panic of a handler or of a hook goes through.
package stratumhttp
