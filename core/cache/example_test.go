package cache_test

import (
	"context"
	"fmt"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/cache"
)

func Example() {
	id := core.MustParseID("0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")
	plan := "trial"
	source := core.ResolverFunc(func(context.Context, core.Ref) (*core.Tenant, error) {
		fmt.Println("asking the database")
		return &core.Tenant{ID: id, Slug: "acme", Name: "Acme, " + plan, Status: core.Active}, nil
	})
	resolver := cache.New(source, cache.Config{})
	show := func() {
		t, err := resolver.Resolve(context.Background(), core.BySlug("acme"))
		fmt.Println(t.Name, err)
	}
	show()
	show()
	plan = "paid"
	resolver.Invalidate(id)
	show()
	// Output:
	// asking the database
	// Acme, trial <nil>
	// Acme, trial <nil>
	// asking the database
	// Acme, paid <nil>
}
