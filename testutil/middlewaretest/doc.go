// Package middlewaretest is the conformance suite of Stratum's middlewares. It knows
// no framework: an adapter in the tests of each one plugs it in, and the suite drives
// the resulting services over real connections.
//
//	func TestConformance(t *testing.T) {
//		middlewaretest.Run(t, middlewaretest.Framework{
//			New:   build,
//			Lacks: map[middlewaretest.Capability]string{
//				middlewaretest.Cancellation: "fasthttp does not watch the connection while a handler runs",
//			},
//		})
//	}
//
// # Plugging in a framework
//
// build walks a [Setup]. It makes a router with the framework's defaults, and for each
// [Group] a sub-router with the group's middlewares, its routes and its groups. For
// gin it is about this much:
//
//	func build(setup middlewaretest.Setup) middlewaretest.Server {
//		engine := gin.New()
//		group(setup, &engine.RouterGroup, setup.Root)
//		if setup.Fallback != nil {
//			engine.NoRoute(handler(setup.Fallback))
//		}
//		return middlewaretest.HTTPServer(engine)
//	}
//
//	func group(setup middlewaretest.Setup, at *gin.RouterGroup, g middlewaretest.Group) {
//		at = at.Group(g.Prefix, chain(setup, g.Use)...)
//		for _, r := range g.Routes {
//			handlers := append(chain(setup, r.Use), handler(r.Handle))
//			at.Handle(r.Method, middlewaretest.Colons(r.Path), handlers...)
//		}
//		for _, inner := range g.Groups {
//			group(setup, at, inner)
//		}
//	}
//
//	func middleware(setup middlewaretest.Setup, m middlewaretest.Middleware) gin.HandlerFunc {
//		switch {
//		case m.Admit != nil:
//			return stratumgin.Middleware(setup.Resolver, middlewaretest.Convert(*m.Admit, onError))
//		case m.Permission != nil:
//			return stratumgin.RequirePermission(m.Permission.Of, m.Permission.Key, stratumgin.Config{…})
//		case m.Scope != nil:
//			return stratumgin.RequireScope(m.Scope.Of, m.Scope.Name, stratumgin.Config{…})
//		}
//		return func(c *gin.Context) { _ = m.Around(exchange{c}, func() error { c.Next(); return nil }) }
//	}
//
// A middleware for net/http is plugged in by [HTTP], with [HTTP.Mux] for New, or with
// another router by means of [HTTP.Chain] and [HTTP.Handler].
//
// The middlewares of Root must run for requests that match no route, too (with gin that
// means engine.Use instead of a group). exchange implements [Exchange] over the context
// object of the framework; where that is built on net/http, [HTTPServer], [StreamHTTP]
// and [HijackHTTP] do the server's part.
//
// A request that is refused by the framework itself (a parser that answers 400 to a
// malformed request, a limit that answers 431) passes: the cases about such requests
// want a refusal, or the right tenant, and never the wrong one.
//
// # How the suite is tested
//
// Its own tests run each case against a reference, which must pass, and against
// implementations that are wrong in the way that the case is about, each of which must
// fail with the rule that it breaks. A new case comes with such a fault.
//
// # What cases may rely on
//
// A framework's limits must let through a body of 2 MiB and headers of 3 KiB, and
// HEAD and OPTIONS must reach Fallback. A panic must end one request only: put the
// framework's usual recovery in front of everything if its server has none. Services
// must not log to standard error.
package middlewaretest
