package core

import (
	"context"
	"fmt"
)

// Mode is the kind of a [Scope].
type Mode uint8

// The modes of a scope.
const (
	ModeTenant  Mode = iota + 1 // one tenant
	ModeSubtree                 // one tenant and everything below it, for reading
	ModeSystem                  // across tenants, explicitly
)

// String returns tenant, subtree or system.
func (m Mode) String() string {
	switch m {
	case ModeTenant:
		return "tenant"
	case ModeSubtree:
		return "subtree"
	case ModeSystem:
		return "system"
	}
	return "none"
}

// Scope is what a context says about whose data may be touched. It is a value:
// nothing that holds one can change the context it came from.
type Scope struct {
	Mode      Mode
	Tenant    ID        // zero in ModeSystem
	Placement Placement // zero in ModeSystem
	Reason    string    // ModeSystem: why
	ReadOnly  bool      // see [ReadOnly]
}

// scopeKey is the one context key of this module.
type scopeKey struct{}

// scoped is a context node. It is one allocation: the scope is captured by value,
// and the tenant pointer never leaves this package uncopied.
type scoped struct {
	context.Context
	scope  Scope
	tenant *Tenant
	caller *Tenant // who runs as tenant, under Impersonate
}

func (s *scoped) Value(key any) any {
	if _, ok := key.(scopeKey); ok {
		return s
	}
	return s.Context.Value(key)
}

// String names the context for people, in the way of package context. It keeps
// fmt from walking into the values of the parents.
func (s *scoped) String() string {
	name := fmt.Sprintf("%T", s.Context)
	if parent, ok := s.Context.(fmt.Stringer); ok {
		name = parent.String()
	}
	if s.scope.Mode == ModeTenant || s.scope.Mode == ModeSubtree {
		return name + ".Scope(" + s.scope.Mode.String() + " " + s.scope.Tenant.String() + ")"
	}
	return name + ".Scope(" + s.scope.Mode.String() + ")"
}

// parent refuses a nil context where the mistake is made, as package context does.
func parent(ctx context.Context) context.Context {
	if ctx == nil {
		panic("core: the parent context is nil")
	}
	return ctx
}

func find(ctx context.Context) *scoped {
	if ctx == nil {
		return nil
	}
	if s, ok := ctx.(*scoped); ok {
		return s
	}
	s, _ := ctx.Value(scopeKey{}).(*scoped)
	return s
}

// NewContext returns a context that runs as tenant t. It replaces whatever scope
// ctx had, [System] included. A nil tenant, or one with a zero id, is no tenant:
// the returned context has no scope at all.
//
// t must not be modified afterwards; resolvers and caches return tenants that
// nobody modifies, and everything taken out of a context is a copy.
func NewContext(ctx context.Context, t *Tenant) context.Context {
	if t == nil || t.ID.IsZero() {
		return &scoped{Context: parent(ctx)}
	}
	return &scoped{
		Context: parent(ctx),
		scope:   Scope{Mode: ModeTenant, Tenant: t.ID, Placement: t.Placement},
		tenant:  t,
	}
}

// FromContext returns a copy of the tenant in ctx, or [ErrNoTenant]. Under
// [Subtree] and [System] it is the tenant that the context had before, if any.
// Use [TenantID] where the id is enough: it does not allocate.
func FromContext(ctx context.Context) (*Tenant, error) {
	s := find(ctx)
	if s == nil || s.tenant == nil {
		return nil, ErrNoTenant
	}
	t := s.tenant.Clone()
	// The id and placement that were checked, whatever became of the original since.
	t.ID, t.Placement = s.id(), s.placement()
	return t, nil
}

// TenantID returns the id of the tenant in ctx, or [ErrNoTenant].
func TenantID(ctx context.Context) (ID, error) {
	s := find(ctx)
	if s == nil || s.tenant == nil {
		return ID{}, ErrNoTenant
	}
	return s.id(), nil
}

// ScopeFrom returns the scope of ctx. Without one it is [ErrNoTenant]; for a
// [System] context without a reason it is [ErrSystemReason]. Adapters call this
// once for each unit of work; applications seldom need it.
func ScopeFrom(ctx context.Context) (Scope, error) {
	s := find(ctx)
	switch {
	case s == nil || s.scope.Mode == 0:
		return Scope{}, ErrNoTenant
	case s.scope.Mode == ModeSystem && s.scope.Reason == "":
		return Scope{}, ErrSystemReason
	}
	return s.scope, nil
}

// HasScope reports whether ctx says anything about tenancy: a transaction
// accepts a context that says nothing, and inherits. A context that was given no
// tenant on purpose (NewContext with nil) says something, and does not inherit.
func HasScope(ctx context.Context) bool {
	return find(ctx) != nil
}

// System returns a context for explicit work across tenants: reports, back-office
// jobs, support. The reason is logged and traced with each use, and an empty one is
// an error at first use ([ErrSystemReason]). Adapters run such work over a login of
// its own, and refuse where none is configured. The tenant of ctx, if it has one,
// stays visible to [FromContext].
func System(ctx context.Context, reason string) context.Context {
	n := &scoped{Context: parent(ctx), scope: Scope{Mode: ModeSystem, Reason: reason}}
	if s := find(ctx); s != nil && s.tenant != nil {
		n.tenant, n.caller = s.tenant.withScope(s), s.caller
	}
	return n
}

// Subtree returns a context whose reads reach the tenant of ctx and everything
// below it. Without a tenant it has no scope, and the first use is [ErrNoTenant].
func Subtree(ctx context.Context) context.Context {
	s := find(ctx)
	if s == nil || s.tenant == nil {
		return &scoped{Context: parent(ctx)}
	}
	n := &scoped{Context: ctx, tenant: s.tenant.withScope(s), caller: s.caller}
	n.scope = Scope{Mode: ModeSubtree, Tenant: n.tenant.ID, Placement: n.tenant.Placement, ReadOnly: s.scope.ReadOnly}
	return n
}

// ReadOnly returns a context whose work only reads, and may read what is a little old:
// adapters send it to a replica where there is one, and have the server refuse writes
// wherever it goes. A context without a scope stays as it is.
func ReadOnly(ctx context.Context) context.Context {
	s := find(ctx)
	if s == nil {
		return ctx
	}
	n := &scoped{Context: ctx, scope: s.scope, tenant: s.tenant, caller: s.caller}
	n.scope.ReadOnly = true
	return n
}

// Detach returns a context with the scope and the actor of ctx and nothing else of it:
// no deadline, no cancellation, no values. Use it for a goroutine that outlives its
// request; frameworks recycle what their request contexts point to.
func Detach(ctx context.Context) context.Context {
	detached := context.Background()
	if a := ActorFrom(ctx); a != (Actor{}) {
		detached = WithActor(detached, a)
	}
	s := find(ctx)
	if s == nil {
		return detached
	}
	return &scoped{Context: detached, scope: s.scope, tenant: s.tenant, caller: s.caller}
}

// Impersonate returns a context that runs as target on behalf of the tenant of ctx,
// which [Caller] finds from then on: an administrator of a reseller who looks at what
// its customer sees. Whoever calls it has checked that the caller may. If ctx
// impersonates already, its caller stays. Without a tenant in ctx or a target, the
// returned context has no scope.
func Impersonate(ctx context.Context, target *Tenant) context.Context {
	s := find(ctx)
	if s == nil || s.tenant == nil {
		return &scoped{Context: parent(ctx)}
	}
	n := NewContext(ctx, target).(*scoped)
	if n.tenant != nil {
		if n.caller = s.caller; n.caller == nil {
			n.caller = s.tenant.withScope(s)
		}
	}
	return n
}

// Caller returns a copy of the tenant that runs as the tenant of ctx by
// [Impersonate], and whether there is one.
func Caller(ctx context.Context) (*Tenant, bool) {
	s := find(ctx)
	if s == nil || s.caller == nil {
		return nil, false
	}
	return s.caller.Clone(), true
}

func (s *scoped) id() ID {
	if s.scope.Mode == ModeSystem {
		return s.tenant.ID
	}
	return s.scope.Tenant
}

func (s *scoped) placement() Placement {
	if s.scope.Mode == ModeSystem {
		return s.tenant.Placement
	}
	return s.scope.Placement
}

// withScope freezes the tenant as the context s captured it.
func (t *Tenant) withScope(s *scoped) *Tenant {
	c := *t
	c.ID, c.Placement = s.id(), s.placement()
	return &c
}
