package stratumgin

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// Request is a [gin.Context] as a [core.Request]. Like the context itself, it is used
// again for other requests, and must not be kept beyond its own.
type Request struct{ c *gin.Context }

var _ core.Request = Request{}

// Gin returns the context itself: for an Authorize hook or an extractor that needs
// more than core.Request shows.
func (r Request) Gin() *gin.Context { return r.c }

func (r Request) http() admit.HTTPRequest { return admit.HTTP(r.c.Request) }

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

// Param implements [core.Request]. Gin has decoded the parameter, unless the engine was
// told not to, with UnescapePathValues; it then comes as it is, for handlers as well.
func (r Request) Param(name string) string { return r.c.Param(name) }
