package stratumecho

import (
	"context"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// Request is an [echo.Context] as a [core.Request]. Like the context itself, it is
// used again for other requests, and must not be kept beyond its own.
type Request struct{ c *echo.Context } // a pointer to the interface, as one word costs nothing to pass on

var _ core.Request = Request{}

// Echo returns the context itself: for an Authorize hook or an extractor that needs
// more than core.Request shows.
func (r Request) Echo() echo.Context { return *r.c }

func (r Request) http() admit.HTTPRequest { return admit.HTTP((*r.c).Request()) }

// Context implements [core.Request].
func (r Request) Context() context.Context { return r.http().Context() }

// Host implements [core.Request].
func (r Request) Host() string { return r.http().Host() }

// Path implements [core.Request].
func (r Request) Path() string { return r.http().Path() }

// RemoteAddr implements [core.Request].
func (r Request) RemoteAddr() string { return r.http().RemoteAddr() }

// Header implements [core.Request].
func (r Request) Header(name string) (value string, n int) { return r.http().Header(name) }

// Query implements [core.Request].
func (r Request) Query(name string) (value string, n int) { return r.http().Query(name) }

// Cookie implements [core.Request].
func (r Request) Cookie(name string) (value string, n int) { return r.http().Cookie(name) }

// Param implements [core.Request]. Echo matches routes against the encoded path, and
// hands out parameters encoded, only where a path has an encoding of its own, as %2F
// is; elsewhere they are decoded, and decoding them again would make a% out of a%25.
func (r Request) Param(name string) string {
	value := (*r.c).Param(name)
	if (*r.c).Request().URL.RawPath == "" {
		return value
	}
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}
