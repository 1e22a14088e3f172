package middlewaretest

import (
	"context"
	"net/http"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// A fault spoils the reference implementation. The zero fault spoils nothing.
type fault struct {
	config   func(*HTTPConfig)                                               // loses or changes what was configured
	resolver func(core.Resolver) core.Resolver                               // answers otherwise
	request  func(*http.Request) core.Request                                // misreads requests
	context  func(r *http.Request, admitted context.Context) context.Context // of the handler
	replace  func(r *http.Request, admitted context.Context) *http.Request   // of the handler, in place of a copy
	headers  func(http.Header)                                               // in place of those for caches
	answer   func(w http.ResponseWriter, r *http.Request, err error)         // in place of the right one
	refused  func(next http.Handler, w http.ResponseWriter, r *http.Request) // after the answer
	guard    func(check func(context.Context) error, ctx context.Context) error
	guardCfg func(*HTTPConfig)
	tenant   func(*http.Request) (*core.Tenant, error)
	around   func(http.Handler) http.Handler                         // around the middleware, and what is behind it
	instead  func(mw HTTPMiddleware, next http.Handler) http.Handler // of the middleware around next
	server   func(http.Handler) http.Handler                         // around the whole service
	swallow  bool                                                    // errors do not reach the central handler
	noted    bool                                                    // refusals reach it although they are answered
}

// reference is a middleware for net/http as the suite wants it, but for the fault,
// with a central error handler added.
func reference(f fault) Framework {
	plug := HTTP{
		Middleware: f.middleware,
		RequirePermission: func(of admit.Permissions, key string, cfg HTTPConfig) HTTPMiddleware {
			return f.require(admit.RequirePermission(of, key), cfg)
		},
		RequireScope: func(of admit.Scopes, scope string, cfg HTTPConfig) HTTPMiddleware {
			return f.require(admit.RequireScope(of, scope), cfg)
		},
		Tenant: func(r *http.Request) (*core.Tenant, error) { return core.FromContext(r.Context()) },
	}
	if f.tenant != nil {
		plug.Tenant = f.tenant
	}
	return Framework{patience: 2 * time.Second, New: func(setup Setup) Server {
		setup, serveCentral := withCentral(setup, plug, f)
		server := plug.Mux(setup).(*http.Server)
		server.Handler = serveCentral(server.Handler)
		if f.server != nil {
			server.Handler = f.server(server.Handler)
		}
		return server
	}}
}

func (f fault) middleware(resolver core.Resolver, cfg HTTPConfig) HTTPMiddleware {
	if f.config != nil {
		f.config(&cfg)
	}
	if f.resolver != nil {
		resolver = f.resolver(resolver)
	}
	skip := cfg.Skip
	cfg.Skip = nil
	admission := admit.New(resolver, cfg)
	mw := func(next http.Handler) http.Handler {
		h := http.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			req := f.read(r)
			if skip != nil && skip(req) {
				next.ServeHTTP(w, r)
				return
			}
			ctx, err := admission.Admit(r.Context(), req)
			if err != nil {
				f.refuse(cfg, next, w, r, err)
				return
			}
			if f.headers != nil {
				f.headers(w.Header())
			} else {
				admission.Headers().Apply(w.Header())
			}
			if f.context != nil {
				ctx = f.context(r, ctx)
			}
			if f.replace != nil {
				r = f.replace(r, ctx)
			} else {
				r = r.WithContext(ctx)
			}
			next.ServeHTTP(w, r)
		}))
		if f.around != nil {
			h = f.around(h)
		}
		return h
	}
	if f.instead == nil {
		return mw
	}
	return func(next http.Handler) http.Handler { return f.instead(mw, next) }
}

func (f fault) read(r *http.Request) core.Request {
	if f.request != nil {
		return f.request(r)
	}
	return admit.HTTP(r)
}

func (f fault) refuse(cfg HTTPConfig, next http.Handler, w http.ResponseWriter, r *http.Request, err error) {
	switch {
	case f.answer != nil:
		f.answer(w, r, err)
	case cfg.OnError != nil:
		w.Header().Set("Cache-Control", "no-store")
		cfg.OnError(w, r, err)
	default:
		respond(w, r, err)
	}
	if f.noted {
		note(r.Context(), err)
	}
	if f.refused != nil {
		f.refused(next, w, r)
	}
}

// respond is the right answer to a refused request.
func respond(w http.ResponseWriter, r *http.Request, err error) {
	write(w)(admit.Answer(admit.HTTP(r), err))
}

func write(w http.ResponseWriter) func(int, http.Header, []byte) {
	return func(status int, header http.Header, body []byte) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

func (f fault) require(check func(context.Context) error, cfg HTTPConfig) HTTPMiddleware {
	if f.guardCfg != nil {
		f.guardCfg(&cfg)
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			err := check(r.Context())
			if f.guard != nil {
				err = f.guard(check, r.Context())
			}
			if err != nil {
				fault{}.refuse(cfg, next, w, r, err)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

type centralKey struct{}

// note keeps an error for the central error handler.
func note(ctx context.Context, err error) {
	if kept, ok := ctx.Value(centralKey{}).(*error); ok && err != nil {
		*kept = err
	}
}

// withCentral gives net/http what it lacks: the errors that handlers return are kept,
// and the central handler is asked once the service is through with the request.
func withCentral(setup Setup, plug HTTP, f fault) (Setup, HTTPMiddleware) {
	keep := func(handle func(Exchange) error) func(Exchange) error {
		return func(x Exchange) error {
			err := handle(x)
			if !f.swallow {
				note(x.Context(), err)
			}
			return nil
		}
	}
	if setup.Central == nil {
		return setup, func(next http.Handler) http.Handler { return next }
	}
	setup.Fallback = keep(setup.Fallback)
	use := append([]Middleware(nil), setup.Root.Use...)
	for i, m := range use {
		if m.Admit != nil && m.Admit.OnError != nil {
			cfg, onError := *m.Admit, m.Admit.OnError
			cfg.OnError = func(x Exchange, err error) error {
				return keep(func(x Exchange) error { return onError(x, err) })(x)
			}
			use[i].Admit = &cfg
		}
	}
	setup.Root.Use = use
	return setup, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var kept error
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), centralKey{}, &kept)))
			if kept != nil {
				setup.Central(plug.Exchange(w, r), kept)
			}
		})
	}
}
