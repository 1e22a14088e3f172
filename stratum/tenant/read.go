package tenant

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// The three ways to find one tenant. Each is one round trip.
const (
	byID     = "select " + columns + " from stratum.tenants t where t.id = $1"
	bySlug   = "select " + columns + " from stratum.tenants t where t.slug = $1"
	byDomain = "select " + columns + " from stratum.tenant_domains h join stratum.tenants t on t.id = h.tenant_id where h.domain = $1"
)

// Get returns a tenant, whatever its status ([core.Tenant.Admissible] judges it), or
// [core.ErrTenantNotFound].
func (s *Service) Get(ctx context.Context, id core.ID) (*core.Tenant, error) {
	if id.IsZero() {
		return nil, notFound(id)
	}
	t, err := s.one(ctx, byID, db.UUID(id))
	if err == nil && t == nil {
		return nil, notFound(id)
	}
	return t, err
}

// BySlug is [Service.Get] for a slug.
func (s *Service) BySlug(ctx context.Context, slug string) (*core.Tenant, error) {
	return s.Resolve(ctx, core.BySlug(slug))
}

// Resolve implements [core.Resolver] without a cache, for those that keep one of their
// own; stratum.Stratum.Resolver has one. Nothing is found by API key yet.
func (s *Service) Resolve(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
	var t *core.Tenant
	var err error
	switch ref.Kind() {
	case core.RefID:
		return s.Get(ctx, ref.ID())
	case core.RefSlug:
		if core.ValidSlug(ref.Text()) { // nobody has another
			t, err = s.one(ctx, bySlug, ref.Text())
		}
	case core.RefDomain:
		if d := ref.Text(); utf8.ValidString(d) && !strings.ContainsRune(d, 0) {
			t, err = s.one(ctx, byDomain, d)
		}
	}
	if err == nil && t == nil {
		return nil, core.Errorf(core.TenantNotFound, "there is no tenant with %s", ref)
	}
	return t, err
}

// one returns nil if there is no row.
func (s *Service) one(ctx context.Context, sql string, arg any) (*core.Tenant, error) {
	found, err := s.read(ctx, sql, arg)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}
