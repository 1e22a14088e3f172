package core_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

func TestStamp(t *testing.T) {
	own, other := core.NewID(), core.NewID()
	tenant := core.NewContext(t.Context(), &core.Tenant{ID: own})
	for _, c := range []struct {
		name     string
		ctx      context.Context
		in, want core.ID
		err      error
	}{
		{"no scope", t.Context(), core.ID{}, core.ID{}, core.ErrNoTenant},
		{"no scope, stamped", t.Context(), other, other, core.ErrNoTenant},
		{"tenant", tenant, core.ID{}, own, nil},
		{"tenant, its own", tenant, own, own, nil},
		{"tenant, another's", tenant, other, other, core.ErrTenantMismatch},
		{"subtree", core.Subtree(tenant), core.ID{}, own, nil},
		{"subtree, another's", core.Subtree(tenant), other, other, core.ErrTenantMismatch},
		{"system", core.System(tenant, "import"), core.ID{}, core.ID{}, core.ErrNoTenant},
		{"system, stamped", core.System(tenant, "import"), other, other, nil},
		{"system without reason", core.System(tenant, ""), other, other, core.ErrSystemReason},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := c.in
			if err := core.Stamp(c.ctx, &id); !errors.Is(err, c.err) || c.err == nil && err != nil {
				t.Errorf("error %v, want %v", err, c.err)
			}
			if id != c.want {
				t.Errorf("id %s, want %s", id, c.want)
			}
		})
	}
}
