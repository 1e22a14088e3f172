package stratumhttp

import (
	"net/http"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// Middleware returns a middleware that admits each request into the tenant it
// names, or refuses it. It panics on a nil resolver.
func Middleware(resolver core.Resolver, cfg Config) func(http.Handler) http.Handler {
	skip, onError := cfg.Skip, cfg.OnError
	if onError == nil {
		onError = WriteError
	}
	cfg.Skip = nil // asked below, so that a skipped request is passed on as it is
	admission := admit.New(resolver, cfg)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			req := admit.HTTP(r)
			if skip != nil && skip(req) {
				next.ServeHTTP(w, r)
				return
			}
			ctx, err := admission.Admit(r.Context(), req)
			if err != nil {
				w.Header().Set("Cache-Control", "no-store") // whoever answers
				onError(w, r, err)
				return
			}
			// A copy of the request: middlewares in front keep theirs, and its context.
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}

// WriteError answers a refused request with the JSON envelope of the project (see
// [admit.Response]). A custom OnError may fall back on it.
func WriteError(w http.ResponseWriter, _ *http.Request, err error) {
	status, header, body := admit.Response(err)
	out := w.Header()
	for name, values := range header {
		out[name] = values
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // the caller may have gone away; there is nobody to tell
}
