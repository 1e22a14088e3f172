package middlewaretest

import "github.com/stratum-hq/stratum-go/core"

const (
	northStarID = "0190a000-0000-7000-8000-000000000001"
	brazilID    = "0190a000-0000-7000-8000-000000000002"
	rioID       = "0190a000-0000-7000-8000-000000000003"
	strangerID  = "0190a000-0000-7000-8000-000000000004"
	sleeperID   = "0190a000-0000-7000-8000-000000000005"
	relicID     = "0190a000-0000-7000-8000-000000000006"
)

// asBrazil is the header of a request to the tenant brazil.
const asBrazil = "X-Tenant-ID: brazil"

// everybody resolves north_star with brazil below it and rio below that, a stranger,
// and two who are not admitted: sleeper is suspended, relic archived.
func everybody() core.Resolver {
	northStar, brazil := core.MustParseID(northStarID), core.MustParseID(brazilID)
	return core.Static(
		&core.Tenant{ID: northStar, Slug: "north_star", Status: core.Active},
		&core.Tenant{
			ID: brazil, Slug: "brazil", Status: core.Active, Ancestors: []core.ID{northStar},
			Domains: []string{"brazil.example.org", "xn--bcher-kva.example"},
		},
		&core.Tenant{ID: core.MustParseID(rioID), Slug: "rio", Status: core.Active, Ancestors: []core.ID{northStar, brazil}},
		&core.Tenant{ID: core.MustParseID(strangerID), Slug: "stranger", Status: core.Active},
		&core.Tenant{ID: core.MustParseID(sleeperID), Slug: "sleeper", Status: core.Suspended},
		&core.Tenant{ID: core.MustParseID(relicID), Slug: "relic", Status: core.Archived},
	)
}
