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
	select id, status, strategy, ancestors || id as path from stratum.tenants where id = @parent
),
before as (select null::stratum.tenants where false),
after as (
	insert into stratum.tenants (id, parent_id, ancestors, slug, name,
		strategy, schema_name, role_name, database_key, region, statement_timeout_ms, max_concurrency)
	select @id, parent.id, coalesce(parent.path, '{}'), @slug, @name,
		@strategy::text, @schema, @role, @database, @region, @timeout, @concurrency
	from (values (1)) as one left join parent on true
	where (@parent::uuid is null or parent.status = 'active' and cardinality(parent.path) <= @depth)
		and (not @inherit::boolean or coalesce(parent.strategy, 'SHARED_RLS') = @strategy)
	returning *
),
placed as (delete from stratum.provisioning where tenant_id = @id),
fleet as (
	insert into stratum.fleet (tenant_id, version)
	select after.id, @version::bigint from after where after.strategy <> 'SHARED_RLS'
),
named as (
	insert into stratum.tenant_domains (domain, tenant_id)
	select unnest(@domains::text[]), after.id from after
)`

// The domains just made are not in the snapshot of the statement; they are known anyway.
const createSelect = `select (select status from parent), (select strategy from parent), ` + columns + `
from (values (1)) as one left join after t on true`

// inherited is the error of a tenant that is to have the strategy of its parent, when
// that is another than it was tried with.
type inherited struct{ strategy core.Strategy }

func (e inherited) Error() string { return "the strategy of the parent is " + string(e.strategy) }

// errRehearsed ends a transaction in which everything worked.
var errRehearsed = errors.New("tenant: only rehearsed")

// Create makes an active tenant: a root, or a child of an active parent. When it returns,
// the tenant's schema or database is there, with the application's tables; if it fails,
// nothing is, and if the process dies, [Service.Recover] removes what was made. It returns
// [core.ErrTenantExists] if the slug or a domain is taken, by an archived tenant too;
// [core.ErrTenantNotFound], [core.ErrTenantSuspended] or [core.ErrTenantArchived] if the
// parent is not there or not active; [core.ErrScopeUnsupported] if the strategy needs
// stratum.Config.Provision; and [core.ErrValidation], with the detail "field".
func (s *Service) Create(ctx context.Context, n New) (*core.Tenant, error) {
	n, err := n.validate()
	if err != nil {
		return nil, err
	}
	id := core.NewID()
	if n.Strategy == "" || n.Strategy == core.SharedRLS {
		made, err := s.insert(ctx, s.db, id, n, n.placed(core.Placement{Strategy: core.SharedRLS}), 0, nil)
		var from inherited
		if !errors.As(err, &from) {
			return made, err
		}
		n.Strategy = from.strategy
	}
	return s.createPlaced(ctx, id, n)
}

// insert makes the tenant's row, with the version of its place, and nothing if there is a verdict: that is then
// returned as the error.
func (s *Service) insert(ctx context.Context, on mutator, id core.ID, n New, at core.Placement, version int64, verdict error) (*core.Tenant, error) {
	m := db.Mutation{
		Action: "tenant.created",
		With:   createWith,
		Tenant: "id",
		Select: createSelect,
		Args: pgx.NamedArgs{
			"id": uuid(id), "parent": uuid(n.Parent), "slug": n.Slug, "name": n.Name,
			"depth": MaxDepth, "domains": n.Domains, "inherit": n.Strategy == "",
			"strategy": string(at.Strategy), "schema": at.Schema, "role": at.Role, "database": at.Database,
			"region": at.Region, "timeout": at.StatementTimeout.Milliseconds(), "concurrency": at.MaxConcurrency,
			"version": version,
		},
	}
	if !n.Parent.IsZero() {
		m.Lock = []string{createLock}
	}
	var made *core.Tenant
	err := s.mutate(ctx, on, id, m, func(in scanner) error {
		var status, strategy pgtype.Text
		var r row
		if err := in.Scan(append([]any{&status, &strategy}, r.into()...)...); err != nil {
			return err
		}
		if made = r.tenant(); made == nil {
			if strategy.Valid && n.Strategy == "" && strategy.String != string(at.Strategy) {
				return inherited{core.Strategy(strategy.String)}
			}
			return refusedParent(n.Parent, status)
		}
		if len(n.Domains) > 0 {
			made.Domains = n.Domains
		}
		return verdict
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
