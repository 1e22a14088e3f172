package admit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

// answers says the same to every question.
type answers struct {
	ok  bool
	err error
}

func (a answers) HasPermission(context.Context, string) (bool, error) { return a.ok, a.err }
func (a answers) HasScope(context.Context, string) (bool, error)      { return a.ok, a.err }

func TestGuards(t *testing.T) {
	as := core.NewContext(t.Context(), brazil)
	var slip *core.Error
	for _, c := range []struct {
		name   string
		ctx    context.Context
		answer answers
		want   error
	}{
		{"allowed", as, answers{ok: true}, nil},
		{"denied", as, answers{}, core.ErrForbidden},
		{"an error and yes", as, answers{true, errors.New("down")}, core.ErrInternal},
		{"a core error", as, answers{true, core.ErrResolverDown}, core.ErrResolverDown},
		{"a nil pointer", as, answers{true, slip}, core.ErrInternal},
	} {
		t.Run(c.name, func(t *testing.T) {
			for kind, check := range map[string]func(context.Context) error{
				"permission": admit.RequirePermission(c.answer, "invoice.write"),
				"scope":      admit.RequireScope(c.answer, "write"),
			} {
				if err := check(c.ctx); !errors.Is(err, c.want) || c.want == nil && err != nil {
					t.Errorf("%s: %v, want %v", kind, err, c.want)
				}
			}
		})
	}
	yes := answers{ok: true}
	if err := admit.RequirePermission(yes, "x")(t.Context()); !errors.Is(err, core.ErrMissingTenant) {
		t.Errorf("a permission without a tenant: %v", err)
	}
	if err := admit.RequireScope(yes, "x")(t.Context()); err != nil {
		t.Errorf("a scope without a tenant: %v", err)
	}
	for name, make := range map[string]func(){
		"no permissions": func() { admit.RequirePermission(nil, "x") },
		"no key":         func() { admit.RequirePermission(yes, "") },
		"no scopes":      func() { admit.RequireScope(nil, "x") },
		"no scope":       func() { admit.RequireScope(yes, "") },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error(name, "was accepted")
				}
			}()
			make()
		}()
	}
}
