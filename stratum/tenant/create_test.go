package tenant_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

func TestCreateAndFind(t *testing.T) {
	t.Parallel()
	s, d := service(t)
	ctx := t.Context()
	root := create(t, s, "root", core.ID{})
	mid := create(t, s, "mid", root.ID)
	leaf, err := s.Create(ctx, tenant.New{Name: "Blatt \u00e4", Slug: "leaf", Parent: mid.ID, Domains: []string{"B.example.com", "a.example.com."}})
	if err != nil {
		t.Fatal(err)
	}
	want := &core.Tenant{
		ID: leaf.ID, Slug: "leaf", Name: "Blatt \u00e4", Status: core.Active, Ancestors: []core.ID{root.ID, mid.ID},
		Domains: []string{"a.example.com", "b.example.com"}, Placement: core.Placement{Strategy: core.SharedRLS},
	}
	if !reflect.DeepEqual(leaf, want) {
		t.Errorf("Create: %+v, want %+v", leaf, want)
	}
	if len(root.Ancestors) != 0 || root.Domains != nil {
		t.Errorf("root: %+v", root)
	}
	for name, find := range map[string]func() (*core.Tenant, error){
		"Get":       func() (*core.Tenant, error) { return s.Get(ctx, leaf.ID) },
		"BySlug":    func() (*core.Tenant, error) { return s.BySlug(ctx, "leaf") },
		"by domain": func() (*core.Tenant, error) { return s.Resolve(ctx, core.ByDomain("B.EXAMPLE.com:80")) },
	} {
		if got, err := find(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	d.Exec(t, embedpg.Lib, `update stratum.tenants set strategy = 'SCHEMA_PER_TENANT', schema_name = 't_leaf', role_name = 'r_leaf',
		database_key = 'k', region = 'eu', statement_timeout_ms = 1500, max_concurrency = 7 where slug = 'leaf'`)
	want.Placement = core.Placement{Strategy: core.SchemaPerTenant, Schema: "t_leaf", Role: "r_leaf", Database: "k", Region: "eu", StatementTimeout: 15e8, MaxConcurrency: 7}
	if got, err := s.Get(ctx, leaf.ID); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("placement: %+v, %v", got, err)
	}
	if n := count(t, d, `select count(*) from stratum.audit_log a join stratum.events e using (tenant_id, created_at)
		where a.action = 'tenant.created' and e.type = a.action and a.actor = 'tests' and a.before is null
		and a.after ->> 'slug' = e.data ->> 'slug'`); n != 3 {
		t.Errorf("%d records of 3 tenants", n)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	for _, ref := range []core.Ref{
		{}, core.ByID(core.ID{}), core.ByID(core.NewID()), core.BySlug("nobody"), core.BySlug("No Slug"), core.BySlug("a\x00"),
		core.BySlug(""), core.ByDomain("nobody.example"), core.ByDomain("a\x00.b"), core.ByDomain("\xff.b"), core.ByKey("k"),
	} {
		if _, err := s.Resolve(t.Context(), ref); !errors.Is(err, core.ErrTenantNotFound) {
			t.Errorf("%v: %v", ref, err)
		}
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	s, d := service(t)
	ctx := t.Context()
	taken, err := s.Create(ctx, tenant.New{Name: "T", Slug: "taken", Domains: []string{"taken.example"}})
	if err != nil {
		t.Fatal(err)
	}
	for field, n := range map[string]tenant.New{
		"name":       {Slug: "a"},
		"name ":      {Name: strings.Repeat("x", 256), Slug: "a"},
		"name  ":     {Name: "\xff", Slug: "a"},
		"name   ":    {Name: " \t", Slug: "a"},
		"slug":       {Name: "A"},
		"slug ":      {Name: "A", Slug: "A"},
		"slug  ":     {Name: "A", Slug: strings.Repeat("a", 64)},
		"domains[0]": {Name: "A", Slug: "a", Domains: []string{"localhost"}},
		"domains[1]": {Name: "A", Slug: "a", Domains: []string{"x.example", "X.example"}},
		"domains[2]": {Name: "A", Slug: "a", Domains: []string{"x.example", "y.example", "10.0.0.1"}},
		"domains":    {Name: "A", Slug: "a", Domains: make([]string, 101)},
	} {
		_, err := s.Create(ctx, n)
		if !errors.Is(err, core.ErrValidation) || detail(err, "field") != strings.TrimSpace(field) {
			t.Errorf("%s: %v with field %s", field, err, detail(err, "field"))
		}
	}
	for field, n := range map[string]tenant.New{
		"slug":    {Name: "A", Slug: "taken"},
		"domains": {Name: "A", Slug: "a", Domains: []string{"TAKEN.example"}},
	} {
		_, err := s.Create(ctx, n)
		if !errors.Is(err, core.ErrTenantExists) || detail(err, "field") != field {
			t.Errorf("%s: %v with field %s", field, err, detail(err, "field"))
		}
	}
	if _, err := s.Create(ctx, tenant.New{Name: "A", Slug: "a", Parent: core.NewID()}); !errors.Is(err, core.ErrTenantNotFound) {
		t.Error("unknown parent:", err)
	}
	for status, want := range map[core.Status]error{core.Suspended: core.ErrTenantSuspended, core.Archived: core.ErrTenantArchived} {
		d.Exec(t, embedpg.Lib, "update stratum.tenants set status = $1 where id = $2", string(status), taken.ID.String())
		if _, err := s.Create(ctx, tenant.New{Name: "A", Slug: "a", Parent: taken.ID}); !errors.Is(err, want) {
			t.Errorf("%s parent: %v", status, err)
		}
	}
	if n := count(t, d, "select count(*) from stratum.audit_log") + count(t, d, "select count(*) from stratum.events"); n != 2 {
		t.Errorf("%d records of one tenant", n)
	}
}

func TestDepth(t *testing.T) {
	t.Parallel()
	s, _ := service(t)
	above := create(t, s, "d0", core.ID{})
	for i := 1; i <= tenant.MaxDepth; i++ {
		above = create(t, s, fmt.Sprintf("d%d", i), above.ID)
	}
	if len(above.Ancestors) != tenant.MaxDepth {
		t.Errorf("%d ancestors", len(above.Ancestors))
	}
	_, err := s.Create(t.Context(), tenant.New{Name: "x", Slug: "x", Parent: above.ID})
	if !errors.Is(err, core.ErrValidation) || detail(err, "field") != "parent" {
		t.Error("too deep:", err)
	}
}

func TestOneSlugOneWinner(t *testing.T) {
	t.Parallel()
	s, d := service(t)
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := s.Create(t.Context(), tenant.New{Name: "Same", Slug: "same", Domains: []string{"same.example"}})
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, core.ErrTenantExists):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := count(t, d, "select count(*) from stratum.events"); won.Load() != 1 || n != 1 {
		t.Errorf("%d won, with %d events", won.Load(), n)
	}
}
