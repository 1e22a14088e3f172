package propagate

import (
	"context"
	"errors"
	"fmt"

	"github.com/stratum-hq/stratum-go/core"
)

// Inject puts the tenant of ctx into the carrier, and under core.Impersonate its
// caller too. Without a tenant it is [core.ErrNoTenant]. Work across tenants and
// subtrees does not travel ([core.ErrScopeUnsupported]): on the other side it would be
// the work of one tenant. What stands in the carrier already is never overwritten
// ([core.ErrTenantMismatch]). After an error the carrier is as it was.
func (p *Propagator) Inject(ctx context.Context, c Carrier) error {
	scope, err := core.ScopeFrom(ctx)
	if err != nil {
		return err
	}
	if scope.Mode != core.ModeTenant {
		return core.Errorf(core.ScopeUnsupported, "a %s scope does not travel; send the message in the context of one tenant", scope.Mode)
	}
	if _, n := read(c, p.name); n > 0 {
		return core.Errorf(core.TenantMismatch, "the message has a %s already", p.name)
	}
	pass := passport{tenant: scope.Tenant}
	if caller, ok := core.Caller(ctx); ok {
		pass.caller = caller.ID
	}
	c.Set(p.name, p.seal(pass))
	return nil
}

// Receive returns ctx in the scope of the tenant that came with a message, whatever
// scope it had. The tenant is resolved and must be active, and so must the caller if one
// runs as it, which core.Caller finds then. Without a tenant it is
// [core.ErrMissingTenant]; a seal that is missing, not valid, expired, or meant for
// somebody else is [core.ErrUnauthorized].
func (p *Propagator) Receive(ctx context.Context, c Carrier, resolver core.Resolver) (context.Context, error) {
	value, n := read(c, p.name)
	pass, err := p.one(value, n)
	if err != nil {
		return nil, err
	}
	if pass.tenant.IsZero() {
		return nil, core.Errorf(core.MissingTenant, "the message has no %s", p.name)
	}
	tenant, err := resolve(ctx, resolver, pass.tenant)
	if err != nil {
		return nil, err
	}
	if pass.caller.IsZero() {
		return core.NewContext(ctx, tenant), nil
	}
	caller, err := resolve(ctx, resolver, pass.caller)
	if err != nil {
		return nil, err
	}
	return core.Impersonate(core.NewContext(ctx, caller), tenant), nil
}

// resolve returns an active tenant, and trusts no more of the resolver than it must.
func resolve(ctx context.Context, resolver core.Resolver, id core.ID) (*core.Tenant, error) {
	t, err := resolver.Resolve(ctx, core.ByID(id))
	if err != nil {
		if ce := (*core.Error)(nil); errors.As(err, &ce) && ce != nil {
			return nil, err
		}
		return nil, core.ErrResolverDown.Wrap(err)
	}
	if err := t.Admissible(); err != nil {
		return nil, err
	}
	if t.ID != id {
		return nil, core.ErrInternal.Wrap(fmt.Errorf("the resolver was asked for tenant %s and answered with %s", id, t.ID))
	}
	return t, nil
}

// Extractor reads the tenant that [Transport] sends, for the middleware of the
// receiver. What was sealed is verified, and needs no Authorize hook. A request without
// the header names no tenant here; one whose seal is no good is refused, and never gives
// way to another extractor.
//
// An extractor tells the tenant and nothing else: where the receiver wants to know the
// caller under impersonation, it uses [Propagator.Receive] in place of the middleware.
func (p *Propagator) Extractor() core.Extractor {
	return func(r core.Request) (core.Selection, error) {
		pass, err := p.one(r.Header(p.name))
		if err != nil || pass.tenant.IsZero() {
			return core.Selection{}, err
		}
		return core.Selection{Ref: core.ByID(pass.tenant), Verified: pass.sealed}, nil
	}
}

// one opens the one value that may be there. The zero passport means that there is none.
func (p *Propagator) one(value string, n int) (passport, error) {
	switch {
	case n > 1:
		return passport{}, core.Errorf(core.TenantAmbiguous, "%s occurs %d times", p.name, n)
	case n < 1 || value == "":
		return passport{}, nil
	}
	return p.open(value)
}
