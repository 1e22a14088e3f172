package ormtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

// patience bounds each piece of work: one that waits for a connection that was never
// given back ends here.
const patience = 10 * time.Second

// poolSizes are the sizes of pools that the suite runs on: one connection that all
// tenants take turns on, and several.
var poolSizes = []int{1, 4}

// Run runs every shape as a subtest, on each size of pool.
func Run(t *testing.T, orm ORM) {
	for _, conns := range poolSizes {
		t.Run(fmt.Sprintf("conns=%d", conns), func(t *testing.T) {
			s := newSuite(t, orm.Open(t, conns), orm.NotApplicable)
			for _, sp := range specs() {
				t.Run(string(sp.name), func(t *testing.T) { s.check(t, sp) })
			}
		})
	}
}

// tb is the part of [testing.TB] that checks use, so that the suite's own tests can
// watch them fail.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Failed() bool
	Skip(args ...any)
	Context() context.Context
}

// suite is an open database and what is known of it.
type suite struct {
	DB
	lacks  map[Name]string
	seed   *world
	a, b   Rows
	loaded bool // the tables hold the seed
	runs   int
}

func newSuite(t testing.TB, db DB, lacks map[Name]string) *suite {
	t.Helper()
	if db.Admin == nil || db.Wire == nil {
		t.Fatal("the harness must set DB.Admin and DB.Wire")
	}
	s := &suite{DB: db, lacks: lacks, seed: &world{}}
	s.a = s.seed.add(&core.Tenant{ID: core.MustParseID("aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"), Slug: "a", Status: core.Active}, 1*firstID, 4)
	s.b = s.seed.add(&core.Tenant{ID: core.MustParseID("bbbbbbbb-bbbb-7bbb-8bbb-bbbbbbbbbbbb"), Slug: "b", Status: core.Active}, 2*firstID, 5)
	s.seed.add(&core.Tenant{ID: core.MustParseID("cccccccc-cccc-7ccc-8ccc-cccccccccccc"), Slug: "c", Status: core.Active}, 3*firstID, 3)
	return s
}

// check holds a shape to its spec.
func (s *suite) check(t tb, sp spec) {
	shape := s.Shapes[sp.name]
	if shape == nil {
		if why := s.lacks[sp.name]; why != "" {
			t.Skip("not applicable: " + why)
			return
		}
		t.Errorf("the harness has no shape %q and gives no reason in NotApplicable", sp.name)
		return
	}
	for _, step := range []func(){
		func() { s.alone(t, sp, shape, s.a, s.b) },
		func() { s.alone(t, sp, shape, s.b, s.a) },
		func() { s.together(t, sp, shape) },
		func() { s.system(t, sp, shape) },
		func() { s.refused(t, sp, shape) },
		func() { s.cancelled(t, sp, shape) },
		func() { s.alone(t, sp, shape, s.a, s.b) }, // nothing of all this stays
	} {
		if step(); t.Failed() {
			return // more would only repeat it
		}
	}
}

// args are for a run as own.
func (s *suite) args(own, other Rows) Args {
	s.runs++
	return Args{Own: own, Other: other, Fresh: fmt.Sprintf("%s-fresh-%d", own.Tenant.Slug, s.runs)}
}

// alone runs a shape as one tenant.
func (s *suite) alone(t tb, sp spec, shape Shape, own, other Rows) {
	t.Helper()
	who := "as " + own.Tenant.Slug
	if !s.reset(t) {
		return
	}
	a, mine := s.args(own, other), scope{own.Tenant.ID}
	sent := s.Wire.Sent()
	s.run(t, who, sp, shape, own.As(t.Context()), a, mine)
	if sp.silent && s.Wire.Sent() != sent {
		t.Errorf("%s: it was refused only after %d bytes had been sent", who, s.Wire.Sent()-sent)
	}
	s.compare(t, who, sp, effect{mine, a})
}

// together runs a shape as both tenants at once, several times if it changes nothing.
func (s *suite) together(t tb, sp spec, shape Shape) {
	t.Helper()
	if !s.reset(t) {
		return
	}
	times := 5
	if sp.effect != nil {
		times = 1
	}
	var effects []effect
	var group sync.WaitGroup
	for range times {
		for _, pair := range [][2]Rows{{s.a, s.b}, {s.b, s.a}} {
			a, mine := s.args(pair[0], pair[1]), scope{pair[0].Tenant.ID}
			effects = append(effects, effect{mine, a})
			group.Go(func() {
				s.run(t, "concurrently, as "+a.Own.Tenant.Slug, sp, shape, a.Own.As(t.Context()), a, mine)
			})
		}
	}
	group.Wait()
	s.compare(t, "concurrently", sp, effects...)
}

// system runs a shape under [core.System].
func (s *suite) system(t tb, sp spec, shape Shape) {
	t.Helper()
	if sp.notSystem != "" || !s.reset(t) {
		return
	}
	a := s.args(s.a, s.b)
	ctx := core.System(t.Context(), "conformance suite")
	if sp.unstated {
		s.wantError(t, "under System, without stating the tenant", shape, ctx, a, core.ErrNoTenant)
		s.compare(t, "under System, without stating the tenant", sp)
		return
	}
	everybody := s.everybody()
	s.run(t, "under System", sp, shape, ctx, a, everybody)
	s.compare(t, "under System", sp, effect{everybody, a})
}

func (s *suite) everybody() scope {
	var all scope
	for _, c := range s.seed.Customers {
		all = append(all, c.Tenant)
	}
	return slices.Compact(all)
}

// refused runs a shape without a tenant, in the ways in which one can be missing.
func (s *suite) refused(t tb, sp spec, shape Shape) {
	t.Helper()
	if sp.name == Forgotten {
		return // it is nothing else
	}
	for who, ctx := range map[string]context.Context{
		"without a tenant": t.Context(),
		"with no tenant":   core.NewContext(s.a.As(t.Context()), nil),
	} {
		if !s.reset(t) {
			return
		}
		sent := s.Wire.Sent()
		s.wantError(t, who, shape, ctx, s.args(s.a, s.b), core.ErrNoTenant)
		if n := s.Wire.Sent() - sent; n != 0 {
			t.Errorf("%s: %d bytes were sent", who, n)
		}
		s.compare(t, who, sp)
	}
}

// cancelled runs a shape in a context that is cancelled already.
func (s *suite) cancelled(t tb, sp spec, shape Shape) {
	t.Helper()
	if sp.name == Forgotten || !s.reset(t) {
		return
	}
	ctx, cancel := context.WithCancel(s.a.As(t.Context()))
	cancel()
	want := context.Canceled
	if sp.refused != nil {
		want = errAny
	}
	s.wantError(t, "in a cancelled context", shape, ctx, s.args(s.a, s.b), want)
	s.compare(t, "in a cancelled context", sp)
}

// run runs a shape and compares what it returns.
func (s *suite) run(t tb, who string, sp spec, shape Shape, ctx context.Context, a Args, mine scope) {
	t.Helper()
	if sp.refused != nil {
		s.wantError(t, who, shape, ctx, a, sp.refused)
		return
	}
	got, err := call(ctx, shape, a)
	if err != nil {
		t.Errorf("%s: %v", who, err)
		return
	}
	want := sp.want(s.seed.view(mine), a)
	slices.Sort(got)
	slices.Sort(want)
	if slices.Equal(got, want) {
		return
	}
	t.Errorf("%s: it returned\n\t%s\nand not\n\t%s", who, strings.Join(got, " "), strings.Join(want, " "))
	if leaked := kept(got, func(m string) bool { return s.foreign(m, mine) }); len(leaked) > 0 {
		t.Errorf("%s: it saw rows of other tenants: %s", who, strings.Join(leaked, " "))
	}
}

// foreign reports whether a marker is of a row outside the scope.
func (s *suite) foreign(marker string, mine scope) bool {
	theirs := s.seed.view(kept(s.everybody(), func(id core.ID) bool { return !mine.has(id) }))
	return slices.ContainsFunc(theirs.lines(), func(row string) bool { return strings.Contains(row+"|", "|"+marker+"|") })
}

func (s *suite) wantError(t tb, who string, shape Shape, ctx context.Context, a Args, want error) {
	t.Helper()
	got, err := call(ctx, shape, a)
	if err == nil {
		t.Errorf("%s: it must be refused (%v), and it returned %q", who, want, got)
	} else if want == errAny && errors.Is(err, core.ErrNoTenant) {
		t.Errorf("%s: it must be refused for what it does, and it has no tenant: %v", who, err)
	} else if want != errAny && !errors.Is(err, want) {
		t.Errorf("%s: the error must be %q, and it is: %v", who, want, err)
	}
}

// call runs a shape with bounded patience. A panic is an error, so that one shape
// does not end the suite.
func call(ctx context.Context, shape Shape, a Args) (got []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return shape(ctx, a)
}

// effect is a run that has changed the tables.
type effect struct {
	scope scope
	args  Args
}

// compare compares the tables with the seed after the runs' effects.
func (s *suite) compare(t tb, who string, sp spec, effects ...effect) {
	t.Helper()
	got, err := load(t.Context(), s.Admin)
	if err != nil {
		t.Errorf("reading the tables: %v", err)
		return
	}
	before := s.seed.lines()
	s.loaded = slices.Equal(got, before)
	want := s.seed.clone()
	if sp.effect != nil {
		for _, e := range effects {
			sp.effect(want, e.scope, e.args)
		}
	}
	wanted := want.lines()
	for _, row := range missing(wanted, got) {
		t.Errorf("%s: the tables hold a row that they must not: %s", who, row)
	}
	for _, row := range missing(got, wanted) {
		t.Errorf("%s: the tables lack a row that they must hold: %s", who, row)
	}
}

// missing returns the rows that are in rows more often than in from.
func missing(from, rows []string) []string {
	n := map[string]int{}
	for _, row := range from {
		n[row]++
	}
	return kept(rows, func(row string) bool {
		n[row]--
		return n[row] < 0
	})
}

// reset fills the tables with the seed.
func (s *suite) reset(t tb) bool {
	t.Helper()
	if s.loaded {
		return true
	}
	if err := store(t.Context(), s.Admin, s.seed); err != nil {
		t.Errorf("seeding: %v", err)
		return false
	}
	s.loaded = true
	return true
}
