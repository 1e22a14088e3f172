package middlewaretest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The suite passes what is right.
func TestReference(t *testing.T) { Run(t, reference(fault{})) }

// The suite fails what is wrong: each case catches the fault that it is there for.
func TestEachCaseCatchesItsFault(t *testing.T) {
	known := faults()
	for _, c := range cases() {
		broken := known[c.name]
		delete(known, c.name)
		if len(broken) == 0 {
			t.Errorf("there is no fault that proves %s", c.name)
		}
		for i, f := range broken {
			t.Run(fmt.Sprintf("%s/%d", c.name, i), func(t *testing.T) {
				r := observe(c, reference(f))
				failures := r.failures()
				if len(failures) == 0 {
					t.Errorf("%s passes a middleware that breaks its rule: %s", c.name, c.rule)
				}
				for _, text := range failures {
					if !strings.HasPrefix(text, "broken rule: "+c.rule+"\n") || strings.TrimSpace(strings.TrimPrefix(text, "broken rule: "+c.rule)) == "" {
						t.Errorf("the failure does not say which rule broke, and how: %s", text)
					}
				}
			})
		}
	}
	for name := range known {
		t.Errorf("there is a fault for %s, which is no case", name)
	}
}

func TestCasesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cases() {
		if seen[c.name] || c.rule == "" || seen[c.rule] {
			t.Errorf("%s: its name or its rule is not its own", c.name)
		}
		seen[c.name], seen[c.rule] = true, true
	}
	t.Logf("%d cases", len(cases()))
}

// A framework that lacks something is told so, and nothing else is skipped.
func TestLacking(t *testing.T) {
	f := reference(fault{})
	f.Lacks = map[Capability]string{Hijacking: "there is no connection to take over"}
	if err := f.check(); err != nil {
		t.Error(err)
	}
	for _, wrong := range []map[Capability]string{{Hijacking: ""}, {"flying": "it has no wings"}} {
		if (Framework{Lacks: wrong}).check() == nil {
			t.Errorf("the excuse %v is accepted", wrong)
		}
	}
	for _, c := range cases() {
		if !slices.Contains(c.needs, Hijacking) {
			continue
		}
		r := observe(c, f)
		if len(r.failures()) > 0 || !strings.Contains(r.skipped, "hijacking") || !strings.Contains(r.skipped, "there is no connection") {
			t.Errorf("%s: %q, %q", c.name, r.skipped, r.failures())
		}
	}
}

// recorder is a tb that remembers.
type recorder struct {
	mu       sync.Mutex
	errors   []string
	skipped  string
	cleanups []func()
	ctx      context.Context
}

// observe runs a case to its end, whatever that is.
func observe(c testCase, f Framework) *recorder {
	ctx, cancel := context.WithCancel(context.Background())
	r := &recorder{ctx: ctx}
	done := make(chan struct{})
	go func() { // its own, which FailNow can end
		defer close(done)
		c.run(r, f)
	}()
	<-done
	cancel()
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
	return r
}

func (r *recorder) Helper()                  {}
func (r *recorder) FailNow()                 { runtime.Goexit() }
func (r *recorder) Context() context.Context { return r.ctx }
func (r *recorder) Cleanup(f func())         { r.cleanups = append(r.cleanups, f) }

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorder) failures() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.errors)
}

func (r *recorder) Skipf(format string, args ...any) {
	r.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
