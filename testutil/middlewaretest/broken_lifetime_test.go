package middlewaretest

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/stratum-hq/stratum-go/core"
)

// byConnection remembers the tenant of a connection for requests that name none.
func byConnection() fault {
	var known sync.Map
	return fault{context: func(r *http.Request, admitted context.Context) context.Context {
		if t, err := core.FromContext(admitted); err == nil {
			known.Store(r.RemoteAddr, t)
		} else if t, ok := known.Load(r.RemoteAddr); ok {
			return core.NewContext(admitted, t.(*core.Tenant))
		}
		return admitted
	}}
}

// currentContext is the one of whichever request came last.
type currentContext struct {
	context.Context
	current *atomic.Value
}

func (c currentContext) Value(key any) any { return c.current.Load().(holder).Value(key) }

type holder struct{ context.Context }

func oneForAll() fault {
	var current atomic.Value
	return fault{context: func(r *http.Request, admitted context.Context) context.Context {
		current.Store(holder{admitted})
		return currentContext{r.Context(), &current}
	}}
}

// recycled hands out one tenant again and again, with the values of each.
func recycled(right core.Resolver) core.Resolver {
	var mu sync.Mutex
	var one core.Tenant
	return shared(func(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
		t, err := right.Resolve(ctx, ref)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		one = *t
		return &one, nil
	})
}

// aliased hands out slugs that lie in one buffer, as a fast server's strings do.
func aliased(right core.Resolver) core.Resolver {
	buffer := make([]byte, core.SlugMaxLen)
	return core.ResolverFunc(func(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
		t, err := right.Resolve(ctx, ref)
		if err == nil && t.Slug != "" {
			n := copy(buffer, t.Slug)
			t.Slug = unsafe.String(&buffer[0], n)
		}
		return t, err
	})
}

// shared is a resolver that is asked for tenants without a copy.
type shared func(ctx context.Context, ref core.Ref) (*core.Tenant, error)

func (s shared) Resolve(ctx context.Context, ref core.Ref) (*core.Tenant, error) { return s(ctx, ref) }

func (s shared) ResolveShared(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
	return s(ctx, ref)
}

type originalKey struct{}

// original is an accessor that gives away the tenant of a cache itself.
func original() fault {
	var cache sync.Map
	return fault{
		context: func(_ *http.Request, admitted context.Context) context.Context {
			t, err := core.FromContext(admitted)
			if err != nil {
				return admitted
			}
			kept, _ := cache.LoadOrStore(t.ID, t)
			return context.WithValue(admitted, originalKey{}, kept)
		},
		tenant: func(r *http.Request) (*core.Tenant, error) {
			if t, ok := r.Context().Value(originalKey{}).(*core.Tenant); ok {
				return t, nil
			}
			return nil, core.ErrNoTenant
		},
	}
}

func lifetimeFaults() map[string][]fault {
	endless := fault{context: func(_ *http.Request, ctx context.Context) context.Context { return context.WithoutCancel(ctx) }}
	return map[string][]fault{
		"copies":             {original()},
		"keep_alive":         {byConnection()},
		"pipelined":          {byConnection()},
		"concurrent_tenants": {oneForAll()},
		"detached_goroutine": {{resolver: recycled}, {resolver: aliased}},
		"kept_strings":       {{resolver: aliased}},
		"deadline":           {endless},
		"cancellation":       {endless},
	}
}

// passing lets some requests around the middleware.
func passing(some func(r *http.Request) bool) fault {
	return fault{instead: func(mw HTTPMiddleware, next http.Handler) http.Handler {
		behind := mw(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if some(r) {
				next.ServeHTTP(w, r)
				return
			}
			behind.ServeHTTP(w, r)
		})
	}}
}

// first runs f in front of the middleware.
func first(f func(r *http.Request)) fault {
	return fault{around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f(r); next.ServeHTTP(w, r) })
	}}
}

func protocolFaults() map[string][]fault {
	return map[string][]fault{
		"head":    {passing(func(r *http.Request) bool { return r.Method == http.MethodHead })},
		"methods": {passing(func(r *http.Request) bool { return r.Method == http.MethodOptions })},
		"bodies": {misreads(misread{query: func(r *http.Request, name string) (string, int) {
			_ = r.ParseForm()
			return parsedQuery(r.Form.Encode(), name)
		}})},
		"body_of_refused": {{refused: func(next http.Handler, w http.ResponseWriter, r *http.Request) {
			if inner, err := http.ReadRequest(bufio.NewReader(r.Body)); err == nil { // a server that has lost count
				next.ServeHTTP(httptest.NewRecorder(), inner)
			}
		}}},
		"continue_admitted": {first(func(r *http.Request) { r.Body = http.NoBody })},
		"continue_refused":  {first(func(r *http.Request) { _, _ = io.ReadAll(r.Body) })},
		"trailers": {
			{replace: func(r *http.Request, ctx context.Context) *http.Request {
				r = r.WithContext(ctx)
				r.Trailer = nil // a copy that forgets them
				return r
			}},
			misreads(misread{header: func(r *http.Request, name, v string, n int) (string, int) {
				if _, declared := r.Trailer[http.CanonicalHeaderKey(name)]; declared {
					_, _ = io.ReadAll(r.Body)
					return r.Trailer.Get(name), 1
				}
				return v, n
			}}),
		},
	}
}

func streamFaults() map[string][]fault {
	plain := fault{around: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ http.ResponseWriter }{w}, r) // neither flushes nor is hijacked
		})
	}}
	return map[string][]fault{
		"stream":             {plain},
		"server_sent_events": {plain},
		"stream_headers":     {{headers: func(http.Header) {}}},
		"hijack":             {plain},
		"websocket":          {plain, passing(func(r *http.Request) bool { return r.Header.Get("Upgrade") != "" })},
	}
}
