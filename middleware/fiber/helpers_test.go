package stratumfiber_test

import (
	"log/slog"

	"github.com/stratum-hq/stratum-go/core"
)

// tenants are NorthStar with Brazil below it, a suspended one, and a stranger.
func tenants() core.Resolver {
	northStar := core.MustParseID("0190a000-0000-7000-8000-000000000001")
	return core.Static(
		&core.Tenant{ID: northStar, Slug: "north_star", Status: core.Active},
		&core.Tenant{
			ID: core.MustParseID("0190a000-0000-7000-8000-000000000002"), Slug: "brazil", Status: core.Active,
			Ancestors: []core.ID{northStar}, Domains: []string{"brazil.example.org"},
		},
		&core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-000000000003"), Slug: "late_payer", Status: core.Suspended},
		&core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-000000000004"), Slug: "stranger", Status: core.Active},
	)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
