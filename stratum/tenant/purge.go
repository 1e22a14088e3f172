package tenant

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// The tenant goes and the journal's entry comes in one statement: from then on its place
// is nobody's, and is removed, if not by this process then by another.
const (
	purgeLock = "select from stratum.tenants where id = @id for update"
	purgeWith = `before as (select * from stratum.tenants where id = @id),
children as (select count(*) as any from stratum.tenants where parent_id = @id),
after as (
	delete from stratum.tenants t using children
	where t.id = @id and t.status = 'archived' and children.any = 0
	returning t.*
),
journal as (
	insert into stratum.provisioning (tenant_id, strategy, schema_name, role_name, database_key)
	select id, strategy, schema_name, role_name, database_key from after where strategy <> 'SHARED_RLS'
)`
	purgeSelect = "select before.status, children.any from before, children"
)

// Purge removes an archived tenant for ever: its row, and its schema and role or its
// database with all that is in it. The audit log keeps what is known of it, and its slug
// and domains are free again. Rows in shared tables are the application's to delete
// first: the library has no rights there.
//
// It returns [core.ErrTenantInvalidState] unless the tenant is archived,
// [core.ErrTenantHasChildren] if there are tenants below it in whatever state, and
// [core.ErrScopeUnsupported] if its place is one that stratum.Config.Provision did not
// make. With any other error the tenant may be gone and its place left to
// [Service.Recover].
func (s *Service) Purge(ctx context.Context, id core.ID) error {
	t, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	shared := t.Placement.Strategy == core.SharedRLS
	if !shared && s.places == nil {
		return unprovisioned(t.Placement.Strategy)
	}
	if !shared && !s.places.Made(t.Placement, id) {
		return core.Errorf(core.ScopeUnsupported, "the place of tenant %s was made by hand, or is on a server that stratum.Config.Provision does not name; remove it by hand, and say so in its row", id)
	}
	leave, err := s.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	err = s.mutate(ctx, s.db, id, db.Mutation{
		Action:  "tenant.purged",
		Lock:    []string{purgeLock},
		With:    purgeWith,
		Tenant:  "id",
		Removes: true,
		Select:  purgeSelect,
		Args:    pgx.NamedArgs{"id": db.UUID(id)},
	}, func(in scanner) error { return purged(id, in) })
	if err != nil || shared {
		return err
	}
	session, err := s.db.Lock(ctx, lockOf(id))
	if err != nil {
		return err
	}
	defer session.Close()
	_, err = s.clear(ctx, session, id)
	return err
}

// purged reads what Purge met.
func purged(id core.ID, in scanner) error {
	var status string
	var children int64
	err := in.Scan(&status, &children)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return notFound(id)
	case err != nil:
		return err
	case status != string(core.Archived):
		return core.Errorf(core.TenantInvalidState, "a tenant that is %s cannot be purged", status).
			With("tenant_id", id.String()).With("from", status).
			With("operation", "purge").With("allowed_from", []core.Status{core.Archived})
	case children > 0:
		return core.Errorf(core.TenantHasChildren, "there are %d tenants directly below the tenant", children).
			With("tenant_id", id.String()).With("child_count", children)
	}
	return nil
}
