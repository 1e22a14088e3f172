package stratumtest

import (
	"fmt"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

// Tenants makes n active tenants without a parent: Tenant 1 with the slug tenant_1, and
// so on. Their ids are fresh, so that tests which share a database do not meet.
func Tenants(t testing.TB, n int) []*core.Tenant {
	t.Helper()
	if n < 0 {
		t.Fatalf("stratumtest: Tenants: n is %d", n)
	}
	return makeTenants(n)
}

// Tree makes tenants in levels below one root: Tree(t, 2, 3) has a root, its 2
// children, and 3 children of each of these. Parents come before their children, and the
// slug of a tenant extends that of its parent: tenant_1_2 is the second child.
func Tree(t testing.TB, widths ...int) []*core.Tenant {
	t.Helper()
	all := makeTenants(1)
	level := all
	for depth, width := range widths {
		if width < 0 {
			t.Fatalf("stratumtest: Tree: the width of level %d is %d", depth+1, width)
		}
		var below []*core.Tenant
		for _, parent := range level {
			for i := range width {
				child := &core.Tenant{
					ID:        core.NewID(),
					Slug:      fmt.Sprintf("%s_%d", parent.Slug, i+1),
					Name:      fmt.Sprintf("%s.%d", parent.Name, i+1),
					Status:    core.Active,
					Ancestors: append(parent.Clone().Ancestors, parent.ID),
				}
				below = append(below, child)
			}
		}
		all = append(all, below...)
		level = below
	}
	return all
}

func makeTenants(n int) []*core.Tenant {
	list := make([]*core.Tenant, n)
	for i := range list {
		list[i] = &core.Tenant{ID: core.NewID(), Slug: fmt.Sprintf("tenant_%d", i+1), Name: fmt.Sprintf("Tenant %d", i+1), Status: core.Active}
	}
	return list
}
