package middlewaretest

import (
	"context"
	"io"
	"net"
	"time"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// Framework is a web framework with our middleware for it.
type Framework struct {
	// New builds the service that setup describes, with the framework's own means:
	// its router, its groups, its handlers, and the middleware under test. It is called
	// many times; services run at the same time.
	New func(setup Setup) Server

	// Lacks says what the framework cannot do, and why, in a sentence. The cases that
	// need it are skipped with that sentence. Anything not named is tested.
	Lacks map[Capability]string

	patience time.Duration // zero: ten seconds; the suite's own tests have less
}

// Capability is something that not every framework can do.
type Capability string

// The capabilities that cases depend on.
const (
	Streaming     Capability = "streaming"      // Exchange.Stream
	Hijacking     Capability = "hijacking"      // Exchange.Hijack
	Cancellation  Capability = "cancellation"   // a client that goes away cancels Exchange.Context
	Continue      Capability = "continue"       // 100 Continue only once a handler reads the body
	Trailers      Capability = "trailers"       // Exchange.Trailer
	CentralErrors Capability = "central errors" // an error that a handler returns reaches Setup.Central
)

// Server serves HTTP/1 on a listener. An *http.Server is one; see [HTTPServer].
type Server interface {
	// Serve accepts connections until Close, and then returns. It closes ln.
	Serve(ln net.Listener) error
	// Close ends Serve and closes the connections, those in use too.
	Close() error
}

// Setup describes a service.
type Setup struct {
	// Resolver is for each admission in the service.
	Resolver core.Resolver
	// Root holds the whole service; its prefix is empty.
	Root Group
	// Fallback, if not nil, serves what no route matches, whatever the method, below
	// the middlewares of Root. Nil: the framework's own 404.
	Fallback Handler
	// Central, if not nil, is what the framework's central error handler does with an
	// error that a handler or a middleware returned; it answers the request. Frameworks
	// that lack [CentralErrors] leave it alone.
	Central func(x Exchange, err error)
}

// Group is a set of routes below a common prefix and behind common middlewares: a
// sub-router, or whatever the framework calls it.
type Group struct {
	Prefix string       // such as /api, or empty
	Use    []Middleware // outermost first, outside those of the routes
	Routes []Route
	Groups []Group // nested: behind Use as well
}

// Route is one method and path.
type Route struct {
	Method string
	Path   string       // such as /t/{tenant}/x; parameters are whole segments (see [Colons])
	Use    []Middleware // for this route alone, mounted where its parameters are known; outermost first
	Handle Handler
}

// Handler answers a request. Unless the framework has central error handling, the
// adapter may do with the error whatever answers 500.
type Handler func(x Exchange) error

// Middleware is one link of a chain: exactly one of its fields is set.
type Middleware struct {
	Admit      *Config     // the middleware under test, with this configuration (see [Convert])
	Permission *Permission // its RequirePermission
	Scope      *Scope      // its RequireScope
	Around     func(x Exchange, next func() error) error
}

// Config is the configuration of a middleware, with an error handler that any
// framework can adapt. What it returns is what an error handler of the framework
// returns, where those return an error; elsewhere it is ignored.
type Config = admit.Config[func(x Exchange, err error) error]

// Permission is a guard; the configuration for it is the zero one but for OnError.
type Permission struct {
	Of      admit.Permissions
	Key     string
	OnError func(x Exchange, err error) error // nil: the middleware's own answer
}

// Scope is a guard; the configuration for it is the zero one but for OnError.
type Scope struct {
	Of      admit.Scopes
	Name    string
	OnError func(x Exchange, err error) error // nil: the middleware's own answer
}

// Exchange is a request and its response, in terms of the framework's own context
// object. Strings may lie in buffers that the framework recycles; the suite clones
// what it keeps.
type Exchange interface {
	// Context is where handlers of the framework find the context of the request:
	// r.Context(), c.Request().Context(), c.UserContext(). It is asked each time.
	Context() context.Context
	// Tenant is the accessor of the middleware, such as stratumgin.Tenant(c).
	Tenant() (*core.Tenant, error)
	// Param is the framework's own accessor for a parameter of the route.
	Param(name string) string
	// RequestHeader returns the first value of a request header, or "".
	RequestHeader(name string) string
	// Body reads the whole body of the request.
	Body() ([]byte, error)
	// Trailer returns a trailer of the request, once Body has been read.
	Trailer(name string) string
	// SetHeader replaces a response header, AddHeader adds a line of it.
	SetHeader(name, value string)
	AddHeader(name, value string)
	// Send answers with a status and a body, and nothing but the headers set so far.
	Send(status int, body []byte) error
	// Stream answers 200 with what write writes; flush sends what there is so far.
	// write may run after the handler has returned, when the exchange is gone.
	Stream(write func(w io.Writer, flush func() error)) error
	// Hijack takes the connection over, without a response, and closes it after use.
	// use may run after the handler has returned, when the exchange is gone.
	Hijack(use func(conn net.Conn)) error
}
