package admit

import (
	"context"
	"log/slog"

	"github.com/stratum-hq/stratum-go/core"
)

// DefaultImpersonationHeader is where [Impersonation] looks for the target.
const DefaultImpersonationHeader = "X-Impersonate-Tenant"

// Impersonation lets callers who may, run a request as another tenant than their own.
// The request is admitted into its own tenant first, authorization included. If it
// then names a target that differs, and Authorize agrees, it runs as the target;
// core.Caller finds its own tenant. A target that may not be impersonated, or does not
// exist, is [core.ErrImpersonationDenied]: callers cannot find out which.
type Impersonation struct {
	// Header names the target by id or slug. Empty: X-Impersonate-Tenant.
	Header string

	// Authorize decides whether the caller may run as target; both are copies. It must
	// not be nil. A *core.Error is passed on as it is, any other error becomes
	// [core.ErrImpersonationDenied] with the error as its cause.
	Authorize func(ctx context.Context, req core.Request, caller, target *core.Tenant) error

	// Notify, if not nil, is told before the request is served; ctx runs as the
	// target. An impersonation is logged in any case.
	Notify func(ctx context.Context, caller, target *core.Tenant)
}

// target returns the tenant to run as, or nil if the request asks for none but its own.
func (a *Admission) target(ctx context.Context, req core.Request, caller *core.Tenant) (*core.Tenant, error) {
	name, n := req.Header(a.impersonate.Header)
	switch {
	case n == 0:
		return nil, nil
	case n > 1:
		return nil, core.ErrTenantAmbiguous
	}
	ref, err := core.ParseRef(name)
	if err != nil {
		return nil, err
	}
	t, err := a.lookUp(ctx, ref)
	if err != nil {
		if e := coreError(err); e != nil && e.Code == core.TenantNotFound {
			return nil, core.ErrImpersonationDenied.Wrap(err)
		}
		return nil, err
	}
	if t.ID == caller.ID {
		return nil, nil
	}
	if err := a.impersonate.Authorize(ctx, req, caller.Clone(), t.Clone()); err != nil {
		if coreError(err) != nil {
			return nil, err
		}
		return nil, core.ErrImpersonationDenied.Wrap(err)
	}
	return t, t.Admissible() // asked last: its status is nobody's business but that of those who may
}

// impersonating is the context of a request that runs as target.
func (a *Admission) impersonating(ctx context.Context, caller, target *core.Tenant) context.Context {
	ctx = core.Impersonate(core.NewContext(ctx, caller), target)
	a.logger().LogAttrs(ctx, slog.LevelInfo, "stratum: impersonation",
		slog.String("caller", caller.ID.String()), slog.String("target", target.ID.String()))
	if a.impersonate.Notify != nil {
		a.impersonate.Notify(ctx, caller.Clone(), target.Clone())
	}
	return ctx
}
