package stratumbun

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/stratum-hq/stratum-go/core"
)

// Owned makes the rows of a model belong to tenants:
//
//	type Invoice struct {
//		bun.BaseModel `bun:"table:invoice"`
//		stratumbun.Owned
//
//		ID    int64 `bun:",pk,autoincrement"`
//		Total string
//	}
//
// It is a hook: a row that does not state its tenant gets that of the context, and one
// that states another's is [core.ErrTenantMismatch] before anything is sent. Under
// [core.System] a new row must state its tenant. A model with a BeforeAppendModel of its
// own calls that of Owned in it; if it forgets, the database does the same, later.
type Owned struct {
	TenantID core.ID `bun:"tenant_id,type:uuid,notnull,nullzero" json:"tenant_id"`
}

var _ bun.BeforeAppendModelHook = (*Owned)(nil)

// BeforeAppendModel implements [bun.BeforeAppendModelHook]. bun calls it for each row
// of a slice, too.
//
// A context that says nothing of tenancy is left to the adapter below: in a
// transaction it inherits, and a zero id becomes DEFAULT, which is the transaction's
// tenant; anywhere else it is refused.
func (o *Owned) BeforeAppendModel(ctx context.Context, query bun.Query) error {
	if !core.HasScope(ctx) {
		return nil
	}
	switch query.(type) {
	case *bun.InsertQuery:
		return core.Stamp(ctx, &o.TenantID)
	case *bun.UpdateQuery:
		if err := core.Stamp(ctx, &o.TenantID); !o.TenantID.IsZero() {
			return err
		} // system work that does not say whose the row is leaves the column alone
	}
	return nil
}
