package stratumhttp_test

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi/v5"
	"go.uber.org/goleak"

	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
	"github.com/stratum-hq/stratum-go/testutil/middlewaretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var plug = middlewaretest.HTTP{
	Middleware:        stratumhttp.Middleware,
	RequirePermission: stratumhttp.RequirePermission,
	RequireScope:      stratumhttp.RequireScope,
	Tenant:            stratumhttp.Tenant,
}

var lacks = map[middlewaretest.Capability]string{
	middlewaretest.CentralErrors: "handlers of net/http return no error",
}

func TestConformance(t *testing.T) {
	t.Run("mux", func(t *testing.T) {
		middlewaretest.Run(t, middlewaretest.Framework{New: plug.Mux, Lacks: lacks})
	})
	t.Run("chi", func(t *testing.T) {
		middlewaretest.Run(t, middlewaretest.Framework{New: onChi, Lacks: lacks})
	})
}

// onChi builds the service with chi's own means.
func onChi(setup middlewaretest.Setup) middlewaretest.Server {
	r := chi.NewRouter()
	group(setup, r, setup.Root)
	if setup.Fallback != nil {
		serve := plug.Handler(setup.Fallback).ServeHTTP
		r.HandleFunc("/*", serve) // a chi router without routes runs no middleware
		r.NotFound(serve)
		r.MethodNotAllowed(serve)
	}
	return middlewaretest.HTTPServer(r)
}

func group(setup middlewaretest.Setup, r chi.Router, g middlewaretest.Group) {
	for _, m := range g.Use {
		r.Use(middleware(setup, m))
	}
	for _, route := range g.Routes {
		use := make([]func(http.Handler) http.Handler, 0, len(route.Use))
		for _, m := range route.Use {
			use = append(use, middleware(setup, m))
		}
		r.With(use...).Method(route.Method, route.Path, plug.Handler(route.Handle))
	}
	for _, inner := range g.Groups {
		r.Route(inner.Prefix, func(r chi.Router) { group(setup, r, inner) })
	}
}

// middleware is m alone, of whatever kind.
func middleware(setup middlewaretest.Setup, m middlewaretest.Middleware) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return plug.Chain(setup, []middlewaretest.Middleware{m}, next)
	}
}
