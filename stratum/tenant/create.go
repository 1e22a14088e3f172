package tenant

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// createLock keeps the parent as it is until the child is there: suspending it waits,
// and then sees the child. Other children may be made meanwhile.
const createLock = "select from stratum.tenants where id = @parent for share"

const createWith = `parent as (
	select id, status, ancestors || id as path from stratum.tenants where id = @parent
),
before as (select null::stratum.tenants where false),
after as (
	insert into stratum.tenants (id, parent_id, ancestors, slug, name)
	select @id, parent.id, coalesce(parent.path, '{}'), @slug, @name
	from (values (1)) as one left join parent on true
	where @parent::uuid is null or parent.status = 'active' and cardinality(parent.path) <= @depth
	returning *
),
named as (
	insert into stratum.tenant_domains (domain, tenant_id)
	select unnest(@domains::text[]), after.id from after
)`

// The domains just made are not in the snapshot of the statement; they are known anyway.
const createSelect = `select (select status from parent), ` + columns + `
from (values (1)) as one left join after t on true`

// Create makes an active tenant: a root, or a child of an active parent. It returns
// [core.ErrTenantExists] if the slug or a domain is taken, by an archived tenant too;
// [core.ErrTenantNotFound], [core.ErrTenantSuspended] or [core.ErrTenantArchived] if the
// parent is not there or not active; and [core.ErrValidation], with the detail "field".
func (s *Service) Create(ctx context.Context, n New) (*core.Tenant, error) {
	n, err := n.validate()
	if err != nil {
		return nil, err
	}
	id := core.NewID()
	m := db.Mutation{
		Action: "tenant.created",
		With:   createWith,
		Tenant: "id",
		Select: createSelect,
		Args: pgx.NamedArgs{
			"id": uuid(id), "parent": uuid(n.Parent), "slug": n.Slug, "name": n.Name,
			"depth": MaxDepth, "domains": n.Domains,
		},
	}
	if !n.Parent.IsZero() {
		m.Lock = []string{createLock}
	}
	var made *core.Tenant
	err = s.mutate(ctx, id, m, func(in scanner) error {
		var parent pgtype.Text
		var r row
		if err := in.Scan(append([]any{&parent}, r.into()...)...); err != nil {
			return err
		}
		if made = r.tenant(); made == nil {
			return refusedParent(n.Parent, parent)
		}
		if len(n.Domains) > 0 {
			made.Domains = n.Domains
		}
		return nil
	})
	if err != nil {
		return nil, taken(err, n)
	}
	return made, nil
}

// refusedParent says why nothing was made below a parent.
func refusedParent(id core.ID, status pgtype.Text) error {
	if !status.Valid {
		return notFound(id)
	}
	parent := &core.Tenant{ID: id, Status: core.Status(status.String)}
	if err := parent.Admissible(); err != nil {
		return err
	}
	return invalid("parent", "a tenant has at most %d tenants above it", MaxDepth)
}

// taken gives a violated unique constraint its code.
func taken(err error, n New) error {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "23505" { // unique_violation
		return err
	}
	switch pg.ConstraintName {
	case "tenants_slug_key":
		return core.Errorf(core.TenantExists, "there is a tenant with the slug %s already", n.Slug).With("field", "slug")
	case "tenant_domains_pkey":
		return core.Errorf(core.TenantExists, "another tenant has one of these domains already").With("field", "domains")
	}
	return err
}
