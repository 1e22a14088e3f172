package core_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

func TestAdmissible(t *testing.T) {
	with := func(s core.Status) *core.Tenant { return &core.Tenant{ID: core.ID{1}, Status: s} }
	for _, c := range []struct {
		tenant *core.Tenant
		want   error
	}{
		{with(core.Active), nil},
		{with(core.Suspended), core.ErrTenantSuspended},
		{with(core.Archived), core.ErrTenantArchived},
		{with(""), core.ErrTenantNotFound},
		{with("ACTIVE"), core.ErrTenantNotFound},
		{&core.Tenant{Status: core.Active}, core.ErrTenantNotFound},
		{nil, core.ErrTenantNotFound},
	} {
		if err := c.tenant.Admissible(); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.tenant, err, c.want)
		}
	}
}

func TestTree(t *testing.T) {
	tenant := &core.Tenant{ID: core.ID{3}, Ancestors: []core.ID{{1}, {2}}}
	if tenant.Parent() != (core.ID{2}) || !(&core.Tenant{}).Parent().IsZero() {
		t.Error("Parent is wrong")
	}
	for id, want := range map[core.ID]bool{{1}: true, {2}: true, {3}: true, {4}: false, {}: false} {
		if tenant.Within(id) != want {
			t.Errorf("Within(%v) = %v", id, !want)
		}
	}
	var none *core.Tenant
	if none.Within(core.ID{1}) || none.Within(core.ID{}) || !none.Parent().IsZero() || none.Clone() != nil {
		t.Error("a nil tenant lies somewhere")
	}
	if (&core.Tenant{}).Within(core.ID{}) {
		t.Error("a tenant without id lies within the zero id")
	}
}

// Every field that can be shared must not be: this fails when one is added and Clone forgets it.
func TestCloneSharesNothing(t *testing.T) {
	original := acme()
	c := original.Clone()
	if !reflect.DeepEqual(original, c) {
		t.Fatalf("the clone differs: %+v", c)
	}
	a, b := reflect.ValueOf(*original), reflect.ValueOf(*c)
	for i := range a.NumField() {
		switch f := a.Field(i); f.Kind() {
		case reflect.Slice, reflect.Map, reflect.Pointer:
			if f.IsNil() {
				t.Errorf("the test's tenant leaves %s empty", a.Type().Field(i).Name)
			} else if f.Pointer() == b.Field(i).Pointer() {
				t.Errorf("the clone shares %s", a.Type().Field(i).Name)
			}
		case reflect.Interface, reflect.Chan, reflect.Func:
			t.Errorf("%s cannot be cloned", a.Type().Field(i).Name)
		}
	}
	if !reflect.TypeFor[core.Placement]().Comparable() || !reflect.TypeFor[core.Ref]().Comparable() {
		t.Error("Placement and Ref are compared with ==")
	}
}

func TestValidSlug(t *testing.T) {
	for s, want := range map[string]bool{
		"a": true, "acme": true, "a1_b2": true, "a__": true, strings.Repeat("z", 63): true,
		"": false, "1a": false, "_a": false, "A": false, "a-b": false, "a b": false, "é": false, "a.b": false,
		"a\n": false, strings.Repeat("z", 64): false,
	} {
		if core.ValidSlug(s) != want {
			t.Errorf("ValidSlug(%q) = %v", s, !want)
		}
	}
}

func TestValidRegion(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]bool{
		"eu": true, "EU-west_2": true, strings.Repeat("x", core.RegionMaxLen): true,
		"": false, "eu/1": false, "eu west": false, "é": false, strings.Repeat("x", core.RegionMaxLen+1): false,
	} {
		if got := core.ValidRegion(region); got != want {
			t.Errorf("%q: %v", region, got)
		}
	}
}
