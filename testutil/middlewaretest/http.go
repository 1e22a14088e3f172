package middlewaretest

import (
	"bufio"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"slices"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// HTTPServer is the server for a framework whose service is an [http.Handler]. It
// does not log: many cases provoke what it would report.
func HTTPServer(h http.Handler) Server {
	return &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
}

// StreamHTTP is Exchange.Stream for a framework built on net/http.
func StreamHTTP(w http.ResponseWriter, write func(w io.Writer, flush func() error)) error {
	w.WriteHeader(http.StatusOK)
	write(w, http.NewResponseController(w).Flush)
	return nil
}

// HijackHTTP is Exchange.Hijack for a framework built on net/http.
func HijackHTTP(w http.ResponseWriter, use func(conn net.Conn)) error {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	defer conn.Close()
	use(hijacked{conn, buffered.Reader})
	return nil
}

// hijacked reads first what the server had read already.
type hijacked struct {
	net.Conn
	r *bufio.Reader
}

func (h hijacked) Read(b []byte) (int, error) { return h.r.Read(b) }

// HTTPMiddleware is a middleware for net/http.
type HTTPMiddleware = func(http.Handler) http.Handler

// HTTPConfig is the configuration of a middleware for net/http.
type HTTPConfig = admit.Config[func(w http.ResponseWriter, r *http.Request, err error)]

// HTTP plugs in a middleware for net/http, with whatever router: its exported functions.
type HTTP struct {
	Middleware        func(core.Resolver, HTTPConfig) HTTPMiddleware
	RequirePermission func(of admit.Permissions, key string, cfg HTTPConfig) HTTPMiddleware
	RequireScope      func(of admit.Scopes, scope string, cfg HTTPConfig) HTTPMiddleware
	Tenant            func(r *http.Request) (*core.Tenant, error)
}

// Chain puts middlewares around a handler, the first one outermost.
func (h HTTP) Chain(setup Setup, use []Middleware, next http.Handler) http.Handler {
	for _, m := range slices.Backward(use) {
		switch {
		case m.Admit != nil:
			next = h.Middleware(setup.Resolver, Convert(*m.Admit, h.onError))(next)
		case m.Permission != nil:
			next = h.RequirePermission(m.Permission.Of, m.Permission.Key, h.onErrorOnly(m.Permission.OnError))(next)
		case m.Scope != nil:
			next = h.RequireScope(m.Scope.Of, m.Scope.Name, h.onErrorOnly(m.Scope.OnError))(next)
		default:
			next = h.around(m.Around, next)
		}
	}
	return next
}

func (h HTTP) around(f func(x Exchange, next func() error) error, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = f(h.Exchange(w, r), func() error { next.ServeHTTP(w, r); return nil })
	})
}

// Handler adapts a handler. An error of it is answered with 500.
func (h HTTP) Handler(handle Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := handle(h.Exchange(w, r)); err != nil {
			http.Error(w, "the handler failed", http.StatusInternalServerError)
		}
	})
}

// Mux is Framework.New on [http.ServeMux].
func (h HTTP) Mux(setup Setup) Server {
	mux := http.NewServeMux()
	root := setup.Root
	h.group(setup, mux, Group{Routes: root.Routes, Groups: root.Groups}, nil)
	if setup.Fallback != nil {
		mux.Handle("/", h.Handler(setup.Fallback))
	}
	return HTTPServer(h.Chain(setup, root.Use, mux)) // around the mux: for what no route matches, too
}

func (h HTTP) group(setup Setup, mux *http.ServeMux, g Group, outer []Middleware) {
	use := slices.Concat(outer, g.Use)
	for _, r := range g.Routes {
		mux.Handle(r.Method+" "+g.Prefix+r.Path, h.Chain(setup, slices.Concat(use, r.Use), h.Handler(r.Handle)))
	}
	for _, inner := range g.Groups {
		inner.Prefix = g.Prefix + inner.Prefix
		h.group(setup, mux, inner, use)
	}
}

// onError adapts an error handler. net/http has nobody to return an error to.
func (h HTTP) onError(f func(Exchange, error) error) func(http.ResponseWriter, *http.Request, error) {
	return func(w http.ResponseWriter, r *http.Request, err error) { _ = f(h.Exchange(w, r), err) }
}

func (h HTTP) onErrorOnly(f func(Exchange, error) error) HTTPConfig {
	return Convert(Config{OnError: f}, h.onError)
}

// Exchange returns the exchange of a request.
func (h HTTP) Exchange(w http.ResponseWriter, r *http.Request) Exchange {
	return httpExchange{w: w, r: r, tenant: h.Tenant}
}

type httpExchange struct {
	w      http.ResponseWriter
	r      *http.Request
	tenant func(*http.Request) (*core.Tenant, error)
}

func (x httpExchange) Context() context.Context         { return x.r.Context() }
func (x httpExchange) Tenant() (*core.Tenant, error)    { return x.tenant(x.r) }
func (x httpExchange) Param(name string) string         { return x.r.PathValue(name) }
func (x httpExchange) RequestHeader(name string) string { return x.r.Header.Get(name) }
func (x httpExchange) Body() ([]byte, error)            { return io.ReadAll(x.r.Body) }
func (x httpExchange) Trailer(name string) string       { return x.r.Trailer.Get(name) }
func (x httpExchange) SetHeader(name, value string)     { x.w.Header().Set(name, value) }
func (x httpExchange) AddHeader(name, value string)     { x.w.Header().Add(name, value) }

func (x httpExchange) Send(status int, body []byte) error {
	x.w.WriteHeader(status)
	_, err := x.w.Write(body)
	return err
}

func (x httpExchange) Stream(write func(w io.Writer, flush func() error)) error {
	return StreamHTTP(x.w, write)
}

func (x httpExchange) Hijack(use func(conn net.Conn)) error { return HijackHTTP(x.w, use) }
