package middlewaretest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"
)

// Run runs every case as a subtest. A failure begins with the rule that is broken.
func Run(t *testing.T, f Framework) {
	if err := f.check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) { c.run(t, f) })
	}
}

// check refuses excuses that excuse nothing, or give no reason.
func (f Framework) check() error {
	for lack, reason := range f.Lacks {
		if reason == "" || !slices.ContainsFunc(cases(), func(c testCase) bool { return slices.Contains(c.needs, lack) }) {
			return fmt.Errorf("middlewaretest: Framework.Lacks has %q for %q: want a capability that cases need, and a reason", reason, lack)
		}
	}
	return nil
}

// A testCase holds a service to one rule.
type testCase struct {
	name  string
	rule  string // what must hold, as a sentence
	needs []Capability
	check func(e *env)
}

// cases are those of all families.
func cases() []testCase {
	return slices.Concat(
		valueCases, hostCases, pathCases, combinedCases, spellingCases,
		failureCases, errorHandlerCases, admissionCases, impersonationCases, guardCases, cacheCases,
		chainCases, lifetimeCases, panicCases, protocolCases, streamCases,
	)
}

func (c testCase) run(t tb, f Framework) {
	t.Helper()
	for _, need := range c.needs {
		if reason, lacks := f.Lacks[need]; lacks {
			t.Skipf("not tested, for want of %s: %s", need, reason)
		}
	}
	if f.patience == 0 {
		f.patience = 10 * time.Second
	}
	c.check(&env{tb: t, framework: f, rule: c.rule})
}

// tb is the part of [testing.TB] that cases use, so that the suite's own tests can
// watch them fail.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	FailNow()
	Skipf(format string, args ...any)
	Cleanup(func())
	Context() context.Context
}

// env is what a case works with.
type env struct {
	tb
	framework Framework
	rule      string
}

// broken reports that the rule does not hold, and what was seen. It may be called
// from any goroutine.
func (e *env) broken(format string, args ...any) {
	e.Helper()
	e.Errorf("broken rule: %s\n%s", e.rule, fmt.Sprintf(format, args...))
}

// abort is broken for a case that cannot go on. Only the goroutine of the case may call it.
func (e *env) abort(format string, args ...any) {
	e.Helper()
	e.broken(format, args...)
	e.FailNow()
}

// wait waits for a signal from a handler, and reports what is missing if none comes.
func (e *env) wait(signal <-chan struct{}, what string) bool {
	e.Helper()
	select {
	case <-signal:
		return true
	case <-time.After(e.framework.patience):
		e.broken("%s: it did not happen within %v", what, e.framework.patience)
	case <-e.Context().Done(): // the case is over already
	}
	return false
}

// start serves what setup describes until the case ends.
func (e *env) start(setup Setup) *service {
	e.Helper()
	if setup.Resolver == nil {
		setup.Resolver = everybody()
	}
	server := e.framework.New(setup)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		e.abort("the suite cannot listen: %v", err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(ln)
	}()
	e.Cleanup(func() {
		_ = server.Close()
		select {
		case <-served:
		case <-time.After(e.framework.patience):
			e.broken("Server.Serve did not return after Close")
		}
	})
	return &service{env: e, addr: ln.Addr().String()}
}

// admitting serves every path with the handler behind one admission.
func (e *env) admitting(cfg Config, handle Handler) *service {
	e.Helper()
	return e.start(Setup{Root: Group{Use: []Middleware{admission(cfg)}}, Fallback: handle})
}
