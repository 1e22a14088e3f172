package stratument

import (
	"context"
	"fmt"

	"entgo.io/ent"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/mixin"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
)

// Mixin makes the rows of a schema belong to tenants:
//
//	func (Invoice) Mixin() []ent.Mixin { return []ent.Mixin{stratument.Mixin{}} }
//
// It adds the field tenant_id, which cannot be updated, and a hook: a row that does not
// state its tenant gets that of the context, and one that states another's is
// [core.ErrTenantMismatch] before anything is sent. Under [core.System] a new row must
// state its tenant, with SetTenantID. What is unique for a tenant is unique with the
// tenant: index.Fields("tenant_id", "number").Unique(). An index of the tenant alone
// is not needed, since [Migrate] makes sure that one leads with it.
//
// As with all hooks of schemas, the program imports the generated package
// ent/runtime, for example with a blank import in main.
type Mixin struct{ mixin.Schema }

var _ ent.Mixin = Mixin{}

// Fields implements [ent.Mixin].
func (Mixin) Fields() []ent.Field {
	return []ent.Field{field.UUID(rls.DefaultColumn, core.ID{}).Immutable()}
}

// Hooks implements [ent.Mixin].
func (Mixin) Hooks() []ent.Hook { return []ent.Hook{stamp} }

// stamp sets or compares the tenant of each row that is about to be written. ent
// calls it for each row of a bulk insert or upsert.
func stamp(next ent.Mutator) ent.Mutator {
	return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
		value, stated := m.Field(rls.DefaultColumn)
		if !stated && !m.Op().Is(ent.OpCreate) {
			return next.Mutate(ctx, m)
		}
		var id core.ID
		if stated {
			var ok bool
			if id, ok = value.(core.ID); !ok {
				return nil, fmt.Errorf("stratument: the field %s of %s is a %T and not a core.ID", rls.DefaultColumn, m.Type(), value)
			}
		}
		if id.IsZero() || core.HasScope(ctx) { // else a transaction's: the database compares
			if err := core.Stamp(ctx, &id); err != nil {
				return nil, err
			}
			if err := m.SetField(rls.DefaultColumn, id); err != nil {
				return nil, err
			}
		}
		return next.Mutate(ctx, m)
	})
}
