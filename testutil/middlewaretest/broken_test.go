package middlewaretest

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// faults are, for each case, the ways to be wrong that it must catch.
func faults() map[string][]fault {
	all := map[string][]fault{}
	for _, family := range []map[string][]fault{
		valueFaults(), hostFaults(), pathFaults(), combinedFaults(), spellingFaults(), failureFaults(),
		handlerFaults(), admissionFaults(), impersonationFaults(), guardFaults(), cacheFaults(),
		chainFaults(), lifetimeFaults(), panicFaults(), protocolFaults(), streamFaults(),
	} {
		maps.Copy(all, family)
	}
	return all
}

// relabeled is a resolver for which every tenant is active.
func relabeled(right core.Resolver) core.Resolver {
	return core.ResolverFunc(func(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
		t, err := right.Resolve(ctx, ref)
		if err == nil {
			t.Status = core.Active
		}
		return t, err
	})
}

// forced is a writer that has the last word about Cache-Control.
type forced struct {
	http.ResponseWriter
	value string
}

func (f forced) WriteHeader(status int) {
	f.Header().Set("Cache-Control", f.value)
	f.ResponseWriter.WriteHeader(status)
}

func forcing(value string) fault {
	return fault{server: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(forced{w, value}, r) })
	}}
}

// asSleeper is a request that runs as a tenant that must be refused.
func asSleeper(r *http.Request) *http.Request {
	sleeper, _ := everybody().Resolve(r.Context(), core.BySlug("sleeper"))
	return r.WithContext(core.NewContext(r.Context(), sleeper))
}

func handlerFaults() map[string][]fault {
	return map[string][]fault{
		"on_error": {
			configured(func(cfg *HTTPConfig) { cfg.OnError = nil }),
			configured(func(cfg *HTTPConfig) {
				right := cfg.OnError
				cfg.OnError = func(w http.ResponseWriter, r *http.Request, err error) { right(w, r, errors.New(err.Error())) }
			}),
		},
		"on_error_headers": {forcing("no-store")},
		"on_error_tenantless": {configured(func(cfg *HTTPConfig) {
			right := cfg.OnError
			cfg.OnError = func(w http.ResponseWriter, r *http.Request, err error) { right(w, asSleeper(r), err) }
		})},
		"default_answer_is_final": {{noted: true}},
		"on_error_to_central":     {{swallow: true}},
		"handler_to_central":      {{swallow: true}},
	}
}

func admissionFaults() map[string][]fault {
	quiet := configured(func(cfg *HTTPConfig) { cfg.Logger = slog.New(slog.DiscardHandler) })
	return map[string][]fault{
		"skip": {configured(func(cfg *HTTPConfig) { cfg.Skip = nil }), configured(func(cfg *HTTPConfig) {
			skip := cfg.Skip
			cfg.Skip = func(r core.Request) bool { return skip(r) || strings.HasPrefix(r.Path(), "/health") }
		})},
		"request_as_sent": {misreadsPath(func(r *http.Request) string { return r.URL.Path }), once},
		"optional":        {configured(func(cfg *HTTPConfig) { cfg.Observe = true }), configured(func(cfg *HTTPConfig) { cfg.Optional = false })},
		"observe":         {quiet, {context: func(r *http.Request, _ context.Context) context.Context { return asSleeper(r).Context() }}},
		"trace": {{context: func(r *http.Request, ctx context.Context) context.Context {
			t, _ := core.FromContext(ctx)
			return core.NewContext(r.Context(), t)
		}}, configured(func(cfg *HTTPConfig) { cfg.Trace = nil })},
		"trace_counts_observed": {configured(func(cfg *HTTPConfig) {
			trace := cfg.Trace
			cfg.Trace = func(ctx context.Context) (context.Context, func(core.ID, error)) {
				ctx, done := trace(ctx)
				return ctx, func(id core.ID, err error) {
					if err == nil {
						done(id, nil)
					}
				}
			}
		})},
		"authorize_before_tenant": {configured(func(cfg *HTTPConfig) {
			hook := cfg.Authorize
			cfg.Authorize = func(ctx context.Context, r core.Request, t *core.Tenant) error {
				return hook(core.NewContext(ctx, t.Clone()), r, t)
			}
		})},
		"not_authorized_is_said": {quiet},
	}
}

func impersonationFaults() map[string][]fault {
	allowed := func(change func(*admit.Impersonation)) fault {
		return configured(func(cfg *HTTPConfig) {
			i := admit.Impersonation{Authorize: resellers}
			if cfg.Impersonate != nil {
				i = *cfg.Impersonate
			}
			change(&i)
			cfg.Impersonate = &i
		})
	}
	return map[string][]fault{
		"impersonation": {
			configured(func(cfg *HTTPConfig) { cfg.Impersonate = nil }),
			{context: func(r *http.Request, ctx context.Context) context.Context {
				t, _ := core.FromContext(ctx)
				return core.NewContext(r.Context(), t) // the caller is lost
			}},
		},
		"impersonation_off": {allowed(func(*admit.Impersonation) {})},
		"impersonation_denied": {allowed(func(i *admit.Impersonation) {
			i.Authorize = func(context.Context, core.Request, *core.Tenant, *core.Tenant) error { return nil }
		})},
		"impersonation_malformed": {once},
		"impersonation_notified":  {allowed(func(i *admit.Impersonation) { i.Notify = nil })},
	}
}

func guardFaults() map[string][]fault {
	type checking = func(context.Context) error
	return map[string][]fault{
		"guard_allows": {{guard: func(check checking, ctx context.Context) error {
			return check(context.WithoutCancel(core.NewContext(ctx, nil)))
		}}},
		"guard_denies": {{guard: func(check checking, ctx context.Context) error { _ = check(ctx); return nil }}},
		"guard_error": {{guard: func(check checking, ctx context.Context) error {
			if err := check(ctx); errors.Is(err, core.ErrForbidden) {
				return err
			}
			return nil
		}}},
		"guard_without_tenant": {{guard: func(check checking, ctx context.Context) error {
			if _, err := core.TenantID(ctx); err != nil {
				return nil
			}
			return check(ctx)
		}}},
		"guard_on_error": {{guardCfg: func(cfg *HTTPConfig) { cfg.OnError = nil }}},
	}
}

func cacheFaults() map[string][]fault {
	return map[string][]fault{
		"vary":                    {{headers: func(http.Header) {}}, configured(func(cfg *HTTPConfig) { cfg.Vary = nil })},
		"vary_of_others":          {{headers: func(h http.Header) { h.Set("Vary", "X-Org") }}},
		"cache_control":           {{headers: func(http.Header) {}}, configured(func(cfg *HTTPConfig) { cfg.CacheControl = "" })},
		"cache_control_of_others": {forcing("private"), {headers: func(h http.Header) { h.Set("Cache-Control", "private") }}},
		"refusals_not_stored": {{answer: func(w http.ResponseWriter, r *http.Request, err error) {
			status, header, body := admit.Answer(admit.HTTP(r), err)
			delete(header, "Cache-Control")
			write(w)(status, header, body)
		}}},
	}
}

// keepsOuter leaves the tenant that the context has already.
var keepsOuter = fault{context: func(r *http.Request, admitted context.Context) context.Context {
	if _, err := core.TenantID(r.Context()); err == nil {
		return r.Context()
	}
	return admitted
}}

func chainFaults() map[string][]fault {
	return map[string][]fault{
		"middleware_behind":   {{context: func(r *http.Request, _ context.Context) context.Context { return r.Context() }}},
		"middleware_in_front": {{replace: sameRequest}},
		"accessor_without_tenant": {{tenant: func(r *http.Request) (*core.Tenant, error) {
			t, err := core.FromContext(r.Context())
			if err != nil {
				return nil, errors.New("none")
			}
			return t, nil
		}}},
		"mounted_twice":        {keepsOuter, {replace: sameRequest}},
		"inner_without_tenant": {keepsOuter},
		"groups": {{instead: func(mw HTTPMiddleware, next http.Handler) http.Handler {
			behind := mw(next)
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/deep/") { // groups in groups are forgotten
					next.ServeHTTP(w, r)
					return
				}
				behind.ServeHTTP(w, r)
			})
		}}},
		"group_narrows": {keepsOuter},
		"no_route": {{server: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/x" {
					_, _ = w.Write([]byte("index.html")) // whatever is not found is the single page
					return
				}
				next.ServeHTTP(w, r)
			})
		}}},
	}
}

// sameRequest changes the request that middlewares in front hold as well.
func sameRequest(r *http.Request, ctx context.Context) *http.Request {
	*r = *r.WithContext(ctx)
	return r
}

func panicFaults() map[string][]fault {
	// Whatever panics, the show goes on without a tenant.
	opens := fault{around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				if recover() != nil {
					_ = whoami(HTTP{Tenant: func(r *http.Request) (*core.Tenant, error) { return core.FromContext(r.Context()) }}.Exchange(w, r))
				}
			}()
			next.ServeHTTP(w, r)
		})
	}}
	// What a panic leaves behind is found by the next request.
	var left atomic.Pointer[core.Tenant]
	leaves := fault{
		context: func(r *http.Request, ctx context.Context) context.Context {
			if t := left.Load(); t != nil && r.Header.Get(admit.DefaultHeader) == "" {
				return core.NewContext(ctx, t)
			}
			if t, err := core.FromContext(ctx); err == nil {
				left.Store(t)
			}
			return ctx
		},
	}
	return map[string][]fault{
		"handler_panics":   {opens, leaves},
		"hook_panics":      {opens},
		"extractor_panics": {opens},
		"resolver_panics":  {opens},
		"on_error_panics":  {opens},
		"panic_passes": {{around: func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer func() {
					if v := recover(); v != nil {
						panic(errors.New("wrapped"))
					}
				}()
				next.ServeHTTP(w, r)
			})
		}}, opens},
	}
}
