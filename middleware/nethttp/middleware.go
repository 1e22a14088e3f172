package stratumhttp

import (
	"context"
	"net/http"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// Middleware returns a middleware that admits each request into the tenant it
// names, or refuses it. It panics on a nil resolver.
func Middleware(resolver core.Resolver, cfg Config) func(http.Handler) http.Handler {
	skip, onError := cfg.Skip, errorHandler(cfg)
	cfg.Skip = nil // asked below, so that a skipped request is passed on as it is
	admission := admit.New(resolver, cfg)
	headers := admission.Headers()
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			req := admit.HTTP(r)
			if skip != nil && skip(req) {
				next.ServeHTTP(w, r)
				return
			}
			ctx, err := admission.Admit(r.Context(), req)
			if err != nil {
				refuse(w, r, err, onError)
				return
			}
			headers.Apply(w.Header())
			// A copy of the request: middlewares in front keep theirs, and its context.
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// Tenant returns a copy of the tenant that the request runs as, or [core.ErrNoTenant].
func Tenant(r *http.Request) (*core.Tenant, error) { return core.FromContext(r.Context()) }

// RequirePermission returns a middleware, to stand below that of [Middleware], that
// serves requests whose tenant has the permission key and refuses others with
// [core.ErrForbidden]. Of cfg only OnError counts.
func RequirePermission(permissions admit.Permissions, key string, cfg Config) func(http.Handler) http.Handler {
	return guard(admit.RequirePermission(permissions, key), cfg)
}

// RequireScope returns a middleware that serves requests whose credentials have the
// scope, and refuses others with [core.ErrForbidden]. Of cfg only OnError counts.
func RequireScope(scopes admit.Scopes, scope string, cfg Config) func(http.Handler) http.Handler {
	return guard(admit.RequireScope(scopes, scope), cfg)
}

func guard(check func(context.Context) error, cfg Config) func(http.Handler) http.Handler {
	onError := errorHandler(cfg)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := check(r.Context()); err != nil {
				refuse(w, r, err, onError)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

func refuse(w http.ResponseWriter, r *http.Request, err error, onError func(http.ResponseWriter, *http.Request, error)) {
	w.Header().Set("Cache-Control", "no-store") // whoever answers
	onError(w, r, err)
}

func errorHandler(cfg Config) func(http.ResponseWriter, *http.Request, error) {
	if cfg.OnError != nil {
		return cfg.OnError
	}
	return WriteError
}

// WriteError answers a refused request with the JSON envelope of the project, or in
// the form of RFC 9457 if its Accept header asks for that (see [admit.Answer]). A custom
// OnError may fall back on it.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	write(w)(admit.Answer(admit.HTTP(r), err))
}

// WriteProblem is [WriteError] that always answers in the form of RFC 9457:
//
//	stratumhttp.Config{OnError: stratumhttp.WriteProblem}
func WriteProblem(w http.ResponseWriter, _ *http.Request, err error) {
	write(w)(admit.Problem(err))
}

func write(w http.ResponseWriter) func(status int, header http.Header, body []byte) {
	return func(status int, header http.Header, body []byte) {
		out := w.Header()
		for name, values := range header {
			out[name] = values
		}
		w.WriteHeader(status)
		_, _ = w.Write(body) // the caller may have gone away; there is nobody to tell
	}
}
