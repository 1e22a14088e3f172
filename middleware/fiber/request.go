package stratumfiber

import (
	"bytes"
	"context"
	"net/url"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// Request is a [fiber.Ctx] as a [core.Request]. Like that it is used again for other
// requests, and must not be kept beyond its own; nor must the strings that it
// returns, unless cloned or the application is Immutable.
type Request struct{ c *fiber.Ctx }

var _ core.Request = Request{}

// Fiber returns the context itself: for an Authorize hook or an extractor that needs
// more than core.Request shows.
func (r Request) Fiber() *fiber.Ctx { return r.c }

// Context implements [core.Request].
func (r Request) Context() context.Context { return r.c.UserContext() }

// Host implements [core.Request]. It is that of the request-target where this is a
// whole URL (RFC 9112, section 3.2.2), else the Host header; never X-Forwarded-Host.
func (r Request) Host() string {
	header := &r.c.Request().Header
	if target := header.RequestURI(); target[0] != '/' && bytes.Contains(target, []byte("://")) {
		return r.text(r.c.Request().URI().Host())
	}
	return r.text(header.Host())
}

// Path implements [core.Request]. After c.Path("/other") it is the path that was set.
func (r Request) Path() string { return r.text(r.c.Request().URI().PathOriginal()) }

// RemoteAddr implements [core.Request].
func (r Request) RemoteAddr() string { return r.c.Context().RemoteAddr().String() }

// Header implements [core.Request].
func (r Request) Header(name string) (value string, n int) {
	values, sound := r.values(name)
	switch n = len(values); {
	case n == 0:
		return "", 0
	case !sound:
		return "", max(n, 2)
	}
	return r.text(values[0]), n
}

// Query implements [core.Request] with [admit.QueryValue].
func (r Request) Query(name string) (value string, n int) {
	return admit.QueryValue(r.text(r.c.Request().URI().QueryString()), name)
}

// Cookie implements [core.Request] with [admit.CookieValue], for all Cookie headers.
func (r Request) Cookie(name string) (value string, n int) {
	lines, sound := r.values(fiber.HeaderCookie)
	for _, line := range lines {
		v, more := admit.CookieValue(r.text(line), name)
		if n == 0 {
			value = v
		}
		n += more
	}
	if n > 0 && !sound {
		return "", max(n, 2)
	}
	return value, n
}

// Param implements [core.Request]. Fiber hands parameters out as they were sent, unless
// the application has UnescapePath; decoding twice would make a% out of a%2525.
func (r Request) Param(name string) string {
	value := r.c.Params(name)
	if r.c.App().Config().UnescapePath {
		return value
	}
	if decoded, err := url.PathUnescape(value); err == nil {
		return decoded
	}
	return value
}

// text is b without a copy, as c.Get and its like do it.
func (r Request) text(b []byte) string {
	if r.c.App().Config().Immutable {
		return string(b)
	}
	return utils.UnsafeString(b)
}
