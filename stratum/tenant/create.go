package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// createLock keeps the parent as it is until the child is there: suspending it waits,
// and then sees the child. Other children may be made meanwhile.
const createLock = "select from stratum.tenants where id = @parent for share"

// createWith takes the place from one of [named] and [spare].
const createWith = `parent as (
	select id, status, strategy, ancestors || id as path from stratum.tenants where id = @parent
),
place as (%s),
after as (
	insert into stratum.tenants (id, parent_id, ancestors, slug, name,
		strategy, schema_name, role_name, database_key, region, statement_timeout_ms, max_concurrency)
	select place.id, parent.id, coalesce(parent.path, '{}'), @slug, @name,
		@strategy::text, place.schema_name, place.role_name, place.database_key, @region, @timeout, @concurrency
	from place left join parent on true
	where (@parent::uuid is null or parent.status = 'active' and cardinality(parent.path) <= @depth)
		and (not @inherit::boolean or coalesce(parent.strategy, 'SHARED_RLS') = @strategy)
	returning *
),
placed as (delete from stratum.provisioning where tenant_id in (select id from place)),
fleet as (
	insert into stratum.fleet (tenant_id, version)
	select after.id, place.version from after, place where after.strategy <> 'SHARED_RLS'
),
named as (
	insert into stratum.tenant_domains (domain, tenant_id)
	select unnest(@domains::text[]), after.id from after
)`

// The place of a tenant to be: one that was made for it, or the oldest one that is ready
// and that nobody else is about to take.
const (
	named = `select @id::uuid as id, @schema::text as schema_name, @role::text as role_name, @database::text as database_key, @version::bigint as version`
	spare = `delete from stratum.spares where id = (
		select id from stratum.spares where strategy = @strategy and revision = @revision order by id limit 1 for update skip locked
	) returning id, schema_name, role_name, database_key, version`
)

// The domains just made are not in the snapshot of the statement; they are known anyway.
const createSelect = `select (select status from parent), (select strategy from parent), exists (select from place), ` + columns + `
from (values (1)) as one left join after t on true`

// inherited is the error of a tenant that is to have the strategy of its parent, when
// that is another than it was tried with.
type inherited struct{ strategy core.Strategy }

func (e inherited) Error() string { return "the strategy of the parent is " + string(e.strategy) }

var (
	// errRehearsed ends a transaction in which everything worked.
	errRehearsed = errors.New("tenant: only rehearsed")
	// errNoSpare says that no place was ready.
	errNoSpare = errors.New("tenant: no place is ready")
)

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
	shared := func() (*core.Tenant, error) {
		return s.insert(ctx, s.db, birth{New: n, id: core.NewID(), at: core.Placement{Strategy: core.SharedRLS}})
	}
	if n.Strategy == core.SharedRLS {
		return shared()
	}
	if n.Strategy == "" {
		made, err := shared()
		var from inherited
		if !errors.As(err, &from) {
			return made, err
		}
		n.Strategy = from.strategy
	}
	if made, err := s.createFromSpare(ctx, n); !errors.Is(err, errNoSpare) {
		return made, err
	}
	return s.createPlaced(ctx, n)
}

// birth is a tenant with its place.
type birth struct {
	New
	id      core.ID
	at      core.Placement
	version int64  // of the application's tables there
	spare   string // revision of the spare to take instead; empty: none
	verdict error  // what the insertion ends with once it has worked
}

// insert makes the tenant's row, with the version of its place, and nothing if there is a verdict: that is then
// returned as the error.
func (s *Service) insert(ctx context.Context, on mutator, b birth) (*core.Tenant, error) {
	place := named
	if b.spare != "" {
		place = spare
	}
	m := db.Mutation{
		Action:  "tenant.created",
		Creates: true,
		With:    fmt.Sprintf(createWith, place),
		Tenant:  "id",
		Select:  createSelect,
		Args: pgx.NamedArgs{
			"id": db.UUID(b.id), "parent": db.UUID(b.Parent), "slug": b.Slug, "name": b.Name,
			"depth": MaxDepth, "domains": b.Domains, "inherit": b.Strategy == "",
			"strategy": string(b.at.Strategy), "schema": b.at.Schema, "role": b.at.Role, "database": b.at.Database,
			"region": b.Region, "timeout": b.StatementTimeout.Milliseconds(), "concurrency": b.MaxConcurrency,
			"version": b.version, "revision": b.spare,
		},
	}
	if !b.Parent.IsZero() {
		m.Lock = []string{createLock}
	}
	var made *core.Tenant
	err := s.mutate(ctx, on, b.id, m, func(in scanner) error {
		var status, strategy pgtype.Text
		var place bool
		var r row
		if err := in.Scan(append([]any{&status, &strategy, &place}, r.into()...)...); err != nil {
			return err
		}
		if !place {
			return errNoSpare
		}
		if made = r.tenant(); made == nil {
			if strategy.Valid && b.Strategy == "" && strategy.String != string(b.at.Strategy) {
				return inherited{core.Strategy(strategy.String)}
			}
			return refusedParent(b.Parent, status)
		}
		if len(b.Domains) > 0 {
			made.Domains = b.Domains
		}
		return b.verdict
	})
	if err != nil {
		return nil, taken(err, b.New)
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
