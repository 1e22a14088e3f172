package fleet_test

import (
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
)

// The table changes with an audit row and an event, and what changes nothing has none.
func TestRecords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := w.make(t, core.SchemaPerTenant, 2)
	// The key is for one change, and these are two.
	ctx := core.Idempotent(core.WithActor(t.Context(), core.Actor{Type: "user", ID: "ada"}), "k")
	work := func(version int, cfg fleet.Config) {
		t.Helper()
		if _, err := w.Fleet.Migrate(ctx, upTo(version), cfg); err != nil {
			t.Error(err)
		}
	}
	records := func(before, after, want int) {
		t.Helper()
		var audited, emitted int
		err := w.super.QueryRow(t.Context(), `select count(*) filter (where (before ->> 'version')::int = $1),
				(select count(*) from stratum.events where type = 'tenant.migrated' and (data ->> 'version')::int = $2)
			from stratum.audit_log where action = 'tenant.migrated' and (after ->> 'version')::int = $2
				and resource_type = 'tenant' and resource_id = tenant_id::text and actor_type = 'user' and actor = 'ada'`, before, after).Scan(&audited, &emitted)
		if err != nil || audited != want || emitted != want {
			t.Errorf("from %d to %d: %d are audited and %d emitted, want %d, %v", before, after, audited, emitted, want, err)
		}
	}
	work(3, fleet.Config{DryRun: true})
	records(1, 3, 0)
	work(3, fleet.Config{})
	records(1, 3, 2)
	work(3, fleet.Config{Recheck: true})
	records(1, 3, 2)
	// What failed on its way is told of as far as it came.
	w.in(t, all[0].Placement, "create table t5 (id int)")
	if _, err := w.Fleet.Migrate(ctx, upTo(5), fleet.Config{ContinueOnError: true}); err == nil {
		t.Error("no error")
	}
	records(3, 4, 1)
	records(3, 5, 1)
}
