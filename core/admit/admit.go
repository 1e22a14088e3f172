package admit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// Admission admits requests. It is safe for concurrent use.
type Admission struct {
	extract   core.Extractor
	resolve   func(context.Context, core.Ref) (*core.Tenant, error)
	authorize func(context.Context, core.Request, *core.Tenant) error
	skip      func(core.Request) bool
	trace     func(context.Context) (context.Context, func(core.ID, error))
	optional  bool
	observe   bool
	headers   Headers

	impersonate *Impersonation // with its defaults; nil: not allowed
	log         *slog.Logger
	warned      sync.Once
}

// New computes once what requests need. It panics on a nil resolver, with which
// no request could ever be admitted, and on an Impersonation without Authorize. OnError is the middleware's business.
func New[E any](resolver core.Resolver, cfg Config[E]) *Admission {
	if resolver == nil {
		panic("admit: the resolver is nil")
	}
	a := &Admission{
		extract:   cfg.Extract,
		resolve:   resolver.Resolve,
		authorize: cfg.Authorize,
		skip:      cfg.Skip,
		trace:     cfg.Trace,
		optional:  cfg.Optional,
		observe:   cfg.Observe,
		log:       cfg.Logger,
	}
	impersonation := ""
	if cfg.Impersonate != nil {
		if cfg.Impersonate.Authorize == nil {
			panic("admit: Impersonation.Authorize is nil: nobody says who may impersonate whom")
		}
		i := *cfg.Impersonate
		if i.Header == "" {
			i.Header = DefaultImpersonationHeader
		}
		i.Header = http.CanonicalHeaderKey(i.Header)
		a.impersonate, impersonation = &i, i.Header
	}
	a.headers = headersFor(cfg.Vary, cfg.CacheControl, impersonation)
	if a.extract == nil {
		a.extract = extract.Header(DefaultHeader)
	}
	if shared, ok := resolver.(core.SharedResolver); ok {
		a.resolve = shared.ResolveShared // no copy: the tenant is only read here
	}
	return a
}

// Admit decides about one request. It returns the context to go on with, or the
// refusal, for which see [Response]. ctx is the context of the request, where the
// framework keeps it; whatever tenant it has is replaced.
func (a *Admission) Admit(ctx context.Context, req core.Request) (context.Context, error) {
	if a.skip != nil && a.skip(req) {
		return ctx, nil
	}
	if a.trace != nil {
		return a.admitTraced(ctx, req)
	}
	o, err := a.decide(ctx, req)
	return a.conclude(ctx, o, err)
}

func (a *Admission) admitTraced(ctx context.Context, req core.Request) (context.Context, error) {
	traced, done := a.trace(ctx)
	if traced != nil {
		ctx = traced
	}
	o, err := a.decide(ctx, req)
	if done != nil {
		var id core.ID
		if err == nil && o.tenant != nil {
			id = o.tenant.ID
		}
		done(id, err)
	}
	return a.conclude(ctx, o, err)
}

// outcome is a decision to admit.
type outcome struct {
	tenant *core.Tenant // to run as; nil: none is named and none is needed
	caller *core.Tenant // who runs as it; nil: itself
}

// conclude turns the decision into what the request goes on with.
func (a *Admission) conclude(ctx context.Context, o outcome, err error) (context.Context, error) {
	if err == nil {
		switch {
		case o.caller != nil:
			return a.impersonating(ctx, o.caller, o.tenant), nil
		case o.tenant == nil && !core.HasScope(ctx):
			return ctx, nil // optional, and there is nothing to hide
		}
		return core.NewContext(ctx, o.tenant), nil
	}
	status := statusOf(err)
	if status >= 500 {
		level := slog.LevelError
		if ctx.Err() != nil {
			level = slog.LevelDebug // the caller has gone away: nothing of ours is broken
		}
		a.logger().LogAttrs(ctx, level, "stratum: a request could not be admitted", slog.Any("error", err))
	}
	if a.observe {
		a.logger().LogAttrs(ctx, slog.LevelWarn, "stratum: observe mode: this request would have been refused",
			slog.Int("status", status), slog.Any("error", err))
		return core.NewContext(ctx, nil), nil
	}
	return nil, err
}

// decide returns the tenant to run as, and on whose behalf.
func (a *Admission) decide(ctx context.Context, req core.Request) (outcome, error) {
	own, err := a.own(ctx, req)
	if err != nil || own == nil || a.impersonate == nil {
		return outcome{tenant: own}, err
	}
	target, err := a.target(ctx, req, own)
	if err != nil || target == nil {
		return outcome{tenant: own}, err
	}
	return outcome{tenant: target, caller: own}, nil
}

// own returns the tenant that the request is from, or nil if none is named and none is needed.
func (a *Admission) own(ctx context.Context, req core.Request) (*core.Tenant, error) {
	sel, err := a.extract(req)
	if err != nil {
		return nil, err
	}
	if sel.IsZero() {
		if a.optional {
			return nil, nil
		}
		return nil, core.ErrMissingTenant
	}
	t, err := a.lookUp(ctx, sel.Ref)
	if err != nil {
		return nil, err
	}
	if err := a.agree(ctx, t, sel.Ref, sel.Also); err != nil {
		return nil, err
	}
	if !sel.Within.IsZero() {
		if err := a.within(ctx, t, sel); err != nil {
			return nil, err
		}
	}
	if err := t.Admissible(); err != nil {
		return nil, err
	}
	if a.authorize == nil {
		if !sel.Verified {
			a.warned.Do(a.warn)
		}
		return t, nil
	}
	if err := a.ask(ctx, req, t); err != nil {
		return nil, err
	}
	return t, nil
}

// agree checks that every other reference means t too.
func (a *Admission) agree(ctx context.Context, t *core.Tenant, main core.Ref, others []core.Ref) error {
	for _, ref := range others {
		if ref == main {
			continue
		}
		other, err := a.lookUp(ctx, ref)
		if err != nil {
			return err
		}
		if other.ID != t.ID {
			return core.ErrTenantAmbiguous
		}
	}
	return nil
}

// within checks that t lies in the subtree of the tenant that the caller is
// authenticated for, which must be in good standing itself. It comes before t's own
// status: outsiders do not learn that.
func (a *Admission) within(ctx context.Context, t *core.Tenant, sel core.Selection) error {
	root, err := a.lookUp(ctx, sel.Within)
	if err != nil {
		return err
	}
	if err := a.agree(ctx, root, sel.Within, sel.WithinAlso); err != nil {
		return err
	}
	if err := root.Admissible(); err != nil {
		return err
	}
	if !t.Within(root.ID) {
		return core.Errorf(core.TenantForbidden, "the tenant lies outside the one that the caller is authenticated for")
	}
	return nil
}

// lookUp resolves one reference, and trusts no more of the answer than it must.
func (a *Admission) lookUp(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
	t, err := a.resolve(ctx, ref)
	if err != nil {
		if coreError(err) != nil {
			return nil, err
		}
		return nil, core.ErrResolverDown.Wrap(err)
	}
	if t == nil || t.ID.IsZero() {
		return nil, core.ErrTenantNotFound
	}
	if ref.Kind() == core.RefID && t.ID != ref.ID() {
		return nil, core.ErrInternal.Wrap(fmt.Errorf("the resolver was asked for tenant %s and answered with %s", ref.ID(), t.ID))
	}
	return t, nil
}

// ask runs the hook, on a copy: what it does to the tenant stays with it.
func (a *Admission) ask(ctx context.Context, req core.Request, t *core.Tenant) error {
	err := a.authorize(ctx, req, t.Clone())
	if err == nil || coreError(err) != nil {
		return err
	}
	return core.ErrTenantForbidden.Wrap(err)
}

func (a *Admission) warn() {
	a.logger().Warn("stratum: TENANTS ARE IDENTIFIED BUT NOT AUTHORIZED: whoever can send a request can name any tenant. " +
		"Set Config.Authorize, or extract the tenant from a verified source such as a signed token.")
}

func (a *Admission) logger() *slog.Logger {
	if a.log != nil {
		return a.log
	}
	return slog.Default()
}

// coreError returns the *core.Error in err. A nil pointer in a non-nil error, a
// classic slip of hooks, is none.
func coreError(err error) *core.Error {
	var ce *core.Error
	if errors.As(err, &ce) {
		return ce
	}
	return nil
}
