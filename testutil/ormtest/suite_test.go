package ormtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

// TestCorrect: the suite passes what is right.
func TestCorrect(t *testing.T) { Run(t, ORM{Open: open}) }

// recorder is a test that may fail.
type recorder struct {
	ctx     context.Context
	mu      sync.Mutex
	failed  []string
	skipped string
}

func (r *recorder) Helper()                  {}
func (r *recorder) Skip(args ...any)         { r.skipped = fmt.Sprint(args...) }
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Failed() bool             { return len(r.failed) > 0 }
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = append(r.failed, fmt.Sprintf(format, args...))
}

// asTenant reports whether ctx runs as a tenant.
func asTenant(ctx context.Context) bool {
	scope, err := core.ScopeFrom(ctx)
	return err == nil && scope.Mode == core.ModeTenant
}

// A flaw breaks every shape in one way, and the suite must see it in each one.
type flaw struct {
	name   string
	breaks func(s *suite, sp spec, right Shape) Shape
	unseen []Name // shapes in which it makes no difference
}

var flaws = []flaw{
	{
		name: "does nothing",
		breaks: func(*suite, spec, Shape) Shape {
			return func(context.Context, Args) ([]string, error) { return nil, nil }
		},
	},
	{
		name: "ignores the tenant",
		breaks: func(_ *suite, _ spec, right Shape) Shape {
			return func(ctx context.Context, a Args) ([]string, error) {
				if asTenant(ctx) {
					ctx = core.System(ctx, "flaw")
				}
				return right(ctx, a)
			}
		},
		// What a tenant does by the id of its own row, everybody could do, and what foreign
		// keys refuse, they refuse to everybody.
		unseen: []Name{Find, Association, Update, Delete, SoftDelete, InsertStated, Move, SwitchTenant, Forgotten},
	},
	{
		name: "runs as the other tenant",
		breaks: func(_ *suite, _ spec, right Shape) Shape {
			return func(ctx context.Context, a Args) ([]string, error) {
				if asTenant(ctx) {
					ctx = a.Other.As(ctx)
				}
				return right(ctx, a)
			}
		},
		// The other tenant's key conflicts as well.
		unseen: []Name{UpsertNothing, UpsertSkipOther, SwitchTenant, Forgotten},
	},
	{
		name: "falls back to a tenant",
		breaks: func(s *suite, _ spec, right Shape) Shape {
			return func(ctx context.Context, a Args) ([]string, error) {
				if _, err := core.ScopeFrom(ctx); err != nil {
					ctx = s.a.As(ctx)
				}
				return right(ctx, a)
			}
		},
		unseen: []Name{SwitchTenant, Forgotten},
	},
	{
		name: "asks the database first",
		breaks: func(s *suite, _ spec, right Shape) Shape {
			return func(ctx context.Context, a Args) ([]string, error) {
				s.Wire.bytes.Add(1)
				return right(ctx, a)
			}
		},
	},
	{
		name: "swallows errors",
		breaks: func(_ *suite, _ spec, right Shape) Shape {
			return func(ctx context.Context, a Args) ([]string, error) {
				got, _ := right(ctx, a)
				return got, nil
			}
		},
	},
	{
		name: "does it for the other tenant, too",
		breaks: func(s *suite, sp spec, right Shape) Shape {
			return func(ctx context.Context, a Args) ([]string, error) {
				if got, err := right(ctx, a); err != nil || !asTenant(ctx) {
					return got, err
				}
				b := s.args(a.Other, a.Own)
				if _, err := right(b.Own.As(ctx), b); err != nil {
					return nil, err
				}
				return sp.want(s.seed.view(scope{a.Own.Tenant.ID}), a), nil
			}
		},
		// The other tenant's other is this one.
		unseen: []Name{UpdateOther, DeleteOther},
	},
	{
		name: "goes on when it is cancelled",
		breaks: func(_ *suite, _ spec, right Shape) Shape {
			return func(ctx context.Context, a Args) ([]string, error) { return right(context.WithoutCancel(ctx), a) }
		},
		unseen: []Name{Forgotten},
	},
}

// TestFlaws: the suite fails what is wrong.
func TestFlaws(t *testing.T) {
	if testing.Short() {
		t.Skip("each case with each flaw")
	}
	db := open(t, 4)
	right := db.Shapes
	s := newSuite(t, db, nil)
	for _, f := range flaws {
		t.Run(f.name, func(t *testing.T) {
			for _, sp := range specs() {
				if slices.Contains(f.unseen, sp.name) || sp.effect == nil && strings.HasPrefix(f.name, "does it") ||
					sp.refused != nil && strings.HasPrefix(f.name, "goes on") {
					continue
				}
				s.Shapes = map[Name]Shape{sp.name: f.breaks(s, sp, right[sp.name])}
				r := &recorder{ctx: t.Context()}
				if s.check(r, sp); len(r.failed) == 0 {
					t.Errorf("nothing was noticed in %q", sp.name)
				}
			}
		})
	}
}

func TestEveryShapeIsAskedFor(t *testing.T) {
	s := newSuite(t, open(t, 1), map[Name]string{Has: "there is no EXISTS"})
	seen := map[Name]bool{}
	for _, sp := range specs() {
		if seen[sp.name] {
			t.Errorf("%q is there twice", sp.name)
		}
		seen[sp.name] = true
		s.Shapes = nil
		r := &recorder{ctx: t.Context()}
		s.check(r, sp)
		if sp.name == Has && (len(r.failed) > 0 || !strings.Contains(r.skipped, "there is no EXISTS")) {
			t.Errorf("%q: failed %q, skipped %q", sp.name, r.failed, r.skipped)
		}
		if sp.name != Has && (len(r.failed) != 1 || !strings.Contains(r.failed[0], string(sp.name))) {
			t.Errorf("%q is missing, and the suite says %q", sp.name, r.failed)
		}
	}
}

// TestTenantsDiffer: no figure of a tenant is the other's, so that it could not be told from it.
func TestTenantsDiffer(t *testing.T) {
	s := newSuite(t, open(t, 1), nil)
	a, b := s.args(s.a, s.b), s.args(s.b, s.a)
	for _, sp := range specs() {
		if sp.want == nil || sp.name == FindOther || sp.name == UpdateOther || sp.name == DeleteOther || sp.name == Delete {
			continue
		}
		x, y := sp.want(s.seed.view(scope{s.a.Tenant.ID}), a), sp.want(s.seed.view(scope{s.b.Tenant.ID}), b)
		if len(x) > 0 && slices.Equal(x, y) {
			t.Errorf("%q is %q for both", sp.name, x)
		}
	}
}
