package tenant

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// transition is one edge of the state machine.
type transition struct {
	operation string        // for people
	action    string        // for the records
	from      []core.Status // where it may begin
	to        core.Status
	upward    bool // an active parent is needed; otherwise, that no child is active
}

func suspend() transition {
	return transition{operation: "suspend", action: "tenant.suspended", from: []core.Status{core.Active}, to: core.Suspended}
}

func resume() transition {
	return transition{operation: "resume", action: "tenant.resumed", from: []core.Status{core.Suspended, core.Archived}, to: core.Active, upward: true}
}

// Rows are locked from the top down, so that nobody waits in a circle. Whoever makes
// or resumes a child holds a share of its parent's row; whoever suspends the parent
// wants it alone.
const (
	lockParent = "select from stratum.tenants where id = (select parent_id from stratum.tenants where id = @id) for share"
	lockSelf   = "select from stratum.tenants where id = @id for no key update"
)

const stateWith = `before as (select * from stratum.tenants where id = @id),
parent as (select p.id, p.status from stratum.tenants p join before on p.id = before.parent_id),
children as (select count(*) as active from stratum.tenants where parent_id = @id and status = 'active'),
after as (
	update stratum.tenants t set status = @to::text, updated_at = now()
	from before, children
	where t.id = @id and t.status = any (@from::text[])
		and case when @upward::boolean
			then not exists (select from parent where parent.status <> 'active')
			else children.active = 0 end
	returning t.*
)`

const stateSelect = `select before.status, (select active from children), (select id from parent), (select status from parent), ` + columns + `
from before left join after t on true`

// Suspend takes an active tenant out of service: requests for it are refused until it is
// resumed. It returns [core.ErrTenantInvalidState] unless the tenant is active, and
// [core.ErrTenantHasChildren] if one of its children is.
func (s *Service) Suspend(ctx context.Context, id core.ID) (*core.Tenant, error) {
	return s.move(ctx, id, suspend())
}

// Resume puts a suspended or archived tenant back into service. It returns
// [core.ErrTenantInvalidState] if it is active already, and [core.ErrTenantSuspended] or
// [core.ErrTenantArchived] if its parent is.
func (s *Service) Resume(ctx context.Context, id core.ID) (*core.Tenant, error) {
	return s.move(ctx, id, resume())
}

func (s *Service) move(ctx context.Context, id core.ID, step transition) (*core.Tenant, error) {
	if id.IsZero() {
		return nil, notFound(id)
	}
	from := make([]string, len(step.from))
	for i, status := range step.from {
		from[i] = string(status)
	}
	m := db.Mutation{
		Action: step.action,
		Lock:   []string{lockSelf},
		With:   stateWith,
		Tenant: "id",
		Select: stateSelect,
		Args:   pgx.NamedArgs{"id": db.UUID(id), "to": string(step.to), "from": from, "upward": step.upward},
	}
	if step.upward {
		m.Lock = []string{lockParent, lockSelf}
	}
	var moved *core.Tenant
	err := s.mutate(ctx, s.db, id, m, func(in scanner) error {
		var was situation
		var r row
		err := in.Scan(append([]any{&was.status, &was.children, &was.parent, &was.parentStatus}, r.into()...)...)
		if errors.Is(err, pgx.ErrNoRows) {
			return notFound(id)
		}
		if err != nil {
			return err
		}
		if moved = r.tenant(); moved == nil {
			return step.refused(id, was)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return moved, nil
}

// situation is what a transition met.
type situation struct {
	status       string
	children     int64 // active ones
	parent       pgtype.UUID
	parentStatus pgtype.Text
}

// refused says why a transition did nothing.
func (step transition) refused(id core.ID, was situation) error {
	if !slices.Contains(step.from, core.Status(was.status)) {
		return core.Errorf(core.TenantInvalidState, "a tenant that is %s cannot be %s", was.status, step.past()).
			With("tenant_id", id.String()).With("from", was.status).
			With("operation", step.operation).With("allowed_from", step.from)
	}
	if step.upward {
		parent := &core.Tenant{ID: was.parent.Bytes, Status: core.Status(was.parentStatus.String)}
		if err := parent.Admissible(); err != nil {
			return err
		}
	}
	return core.Errorf(core.TenantHasChildren, "%d children of the tenant are active", was.children).
		With("tenant_id", id.String()).With("child_count", was.children)
}

// past is the operation's participle.
func (step transition) past() string {
	if step.to == core.Suspended {
		return "suspended"
	}
	return "resumed"
}
