package admit

import (
	"context"
	"log/slog"

	"github.com/stratum-hq/stratum-go/core"
)

// DefaultHeader is where the zero Config looks for the tenant.
const DefaultHeader = "X-Tenant-ID"

// Config configures the admission of every middleware; each one gives E, the type
// of its error handler. The zero value admits active tenants named by the header
// X-Tenant-ID.
type Config[E any] struct {
	// Extract finds out which tenant a request names. Nil: the header X-Tenant-ID.
	Extract core.Extractor

	// Authorize decides whether the caller may act in t: nil admits. It runs after
	// the status check, with the context of the request as it was before admission;
	// a hook that wants to query as the tenant makes core.NewContext itself. t is a
	// copy. A *core.Error is passed on as it is, any other error becomes
	// [core.ErrTenantForbidden] with the error as its cause.
	Authorize func(ctx context.Context, req core.Request, t *core.Tenant) error

	// Skip lets requests pass as they are, with whatever context they have: health
	// checks, static files. It decides before anything else.
	Skip func(req core.Request) bool

	// Optional serves a request that names no tenant, without a tenant; a query on
	// its behalf is still refused. A reference that is no good is refused as ever.
	Optional bool

	// Observe, for the adoption in a running service, logs what would have been
	// refused, and serves it without a tenant. Never leave it on.
	Observe bool

	// Impersonate lets authorized callers run as another tenant, which a header names.
	// Nil: that header means nothing.
	Impersonate *Impersonation

	// Vary lists the request headers that the tenant depends on; they go into the Vary of
	// responses, so that no cache answers one tenant with what is another's. Nil:
	// X-Tenant-ID, Authorization and Cookie. Name those that Extract reads.
	Vary []string

	// CacheControl is the Cache-Control of responses whose handler sets none. Empty:
	// private, which keeps them out of shared caches.
	CacheControl string

	// Trace, if not nil, is called before admission; the context it returns is used
	// for admission and for the request, and the function it returns, if any, is
	// called with the outcome: the tenant, or the zero ID and why not. Under Observe
	// it sees the refusals too.
	Trace func(ctx context.Context) (context.Context, func(tenant core.ID, err error))

	// Logger gets the warning about missing authorization, the causes of failures
	// on our side, and what Observe would have refused. Nil: slog.Default().
	Logger *slog.Logger

	// OnError answers a refused request in place of the middleware's own answer,
	// which is what [Response] says.
	OnError E
}
