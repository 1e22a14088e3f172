package tenant_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

func TestList(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	ctx := t.Context()
	if page, err := s.List(ctx, tenant.ListOptions{}); err != nil || len(page.Tenants) != 0 || page.Next != "" {
		t.Errorf("of none: %+v, %v", page, err)
	}
	var all []core.ID
	for i := range 7 {
		all = append(all, create(t, s, fmt.Sprintf("t%d", i), core.ID{}).ID)
	}
	if _, err := s.Suspend(ctx, all[3]); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{0, 1, 3, 6, 7, 100} {
		if got := ids(t, s, tenant.ListOptions{Limit: limit}); !slices.Equal(got, all) {
			t.Errorf("limit %d: %v, want %v", limit, got, all)
		}
	}
	if got := ids(t, s, tenant.ListOptions{Limit: 1, Status: core.Suspended}); !slices.Equal(got, all[3:4]) {
		t.Errorf("suspended: %v", got)
	}
	if got := ids(t, s, tenant.ListOptions{Status: core.Archived}); len(got) != 0 {
		t.Errorf("archived: %v", got)
	}
	first, err := s.List(ctx, tenant.ListOptions{Limit: 7})
	if err != nil || first.Next != "" {
		t.Errorf("a full last page has the cursor %q, %v", first.Next, err)
	}
	for range s.All(ctx, tenant.ListOptions{Limit: 2}) {
		break
	}
}

// ids reads through the iterator, twice, since it can be used again.
func ids(t *testing.T, s *tenant.Service, opts tenant.ListOptions) []core.ID {
	t.Helper()
	var runs [2][]core.ID
	seq := s.All(t.Context(), opts)
	for i := range runs {
		for got, err := range seq {
			if err != nil {
				t.Fatal(err)
			}
			runs[i] = append(runs[i], got.ID)
		}
	}
	if !slices.Equal(runs[0], runs[1]) {
		t.Errorf("two runs differ: %v", runs)
	}
	return runs[0]
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	for _, c := range []struct {
		field string
		opts  tenant.ListOptions
	}{
		{"limit", tenant.ListOptions{Limit: -1}},
		{"limit", tenant.ListOptions{Limit: 101}},
		{"status", tenant.ListOptions{Status: "ACTIVE"}},
		{"cursor", tenant.ListOptions{Cursor: "?"}},
		{"cursor", tenant.ListOptions{Cursor: "AAAA"}},
		{"cursor", tenant.ListOptions{Cursor: core.NewID().String()}},
	} {
		_, err := s.List(t.Context(), c.opts)
		if !errors.Is(err, core.ErrValidation) || detail(err, "field") != c.field {
			t.Errorf("%+v: %v", c.opts, err)
		}
		n := 0
		for got, err := range s.All(t.Context(), c.opts) {
			if n++; got != nil || err == nil {
				t.Errorf("%+v: All yields %v, %v", c.opts, got, err)
			}
		}
		if n != 1 {
			t.Errorf("%+v: All yields %d times", c.opts, n)
		}
	}
}
