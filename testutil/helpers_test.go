package stratumtest_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/testutil"
)

func TestTenants(t *testing.T) {
	t.Parallel()
	list, other := stratumtest.Tenants(t, 3), stratumtest.Tenants(t, 3)
	for i, tenant := range list {
		if err := tenant.Admissible(); err != nil || !core.ValidSlug(tenant.Slug) || tenant.Name == "" {
			t.Error(tenant, err)
		}
		if tenant.ID == other[i].ID || tenant.Slug != other[i].Slug || tenant.Name != other[i].Name {
			t.Error("ids are fresh and names are not:", tenant, other[i])
		}
	}
	if len(list) != 3 || list[0].ID == list[1].ID || len(stratumtest.Tenants(t, 0)) != 0 {
		t.Error(list)
	}
	if errs := on(t.Context(), func(t testing.TB) { stratumtest.Tenants(t, -1) }); len(errs) != 1 {
		t.Error(errs)
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	all := stratumtest.Tree(t, 2, 3)
	if len(all) != 1+2+6 {
		t.Fatal(len(all))
	}
	root, child, grandchild := all[0], all[2], all[6]
	if root.Slug != "tenant_1" || child.Slug != "tenant_1_2" || grandchild.Slug != "tenant_1_2_1" {
		t.Error(root.Slug, child.Slug, grandchild.Slug)
	}
	if !slices.Equal(grandchild.Ancestors, []core.ID{root.ID, child.ID}) || len(root.Ancestors) != 0 || !grandchild.Within(root.ID) || grandchild.Within(all[1].ID) {
		t.Error(grandchild.Ancestors)
	}
	slugs := map[string]bool{}
	for _, tenant := range all {
		slugs[tenant.Slug] = true
	}
	if len(slugs) != len(all) {
		t.Error(slugs)
	}
	if errs := on(t.Context(), func(t testing.TB) { stratumtest.Tree(t, 1, -1) }); len(errs) != 1 {
		t.Error(errs)
	}
}

func TestRunConcurrentlyIsAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup // a barrier that only callers who run at once pass
	all.Add(8)
	var seen [8]atomic.Int32
	stratumtest.RunConcurrently(t, 8, func(i int) {
		all.Done()
		all.Wait()
		seen[i].Add(1)
	})
	for i := range seen {
		if seen[i].Load() != 1 {
			t.Error(i, seen[i].Load())
		}
	}
	stratumtest.RunConcurrently(t, 0, func(int) { t.Error("called") })
}

func TestRunConcurrentlyReports(t *testing.T) {
	t.Parallel()
	errs := on(t.Context(), func(t testing.TB) {
		stratumtest.RunConcurrently(t, 4, func(i int) {
			switch i {
			case 1:
				panic("boom")
			case 2:
				t.Fatal("ended")
			}
		})
		t.Error("it returned")
	})
	if saying(errs, "call 1: panic: boom") != 1 || saying(errs, "helpers_test.go") != 1 || saying(errs, "call 2: it ended its goroutine") != 1 || saying(errs, "it returned") != 1 || len(errs) != 4 {
		t.Error(errs)
	}
}

func TestRunConcurrentlyDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	var gone sync.WaitGroup
	gone.Add(1)
	errs := on(ctx, func(t testing.TB) {
		stratumtest.RunConcurrently(t, 3, func(i int) {
			if i == 1 {
				defer gone.Done()
				cancel()
				<-release
			}
		})
	})
	close(release)
	gone.Wait()
	if saying(errs, "these calls still run: [") != 1 || saying(errs, "1") == 0 {
		t.Error(errs)
	}
}
