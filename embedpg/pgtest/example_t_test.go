package pgtest_test

import (
	"context"
	"log"
	"slices"
	"testing"
)

// exampleT stands in for the *testing.T that an example does not have.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func newT() *exampleT { return &exampleT{} }

func (t *exampleT) Helper()                  {}
func (t *exampleT) Context() context.Context { return context.Background() }
func (t *exampleT) Cleanup(f func())         { t.cleanups = append(t.cleanups, f) }
func (t *exampleT) Error(args ...any)        { log.Print(args...) }
func (t *exampleT) Fatal(args ...any)        { log.Panic(args...) }
func (t *exampleT) Fatalf(format string, args ...any) {
	log.Panicf(format, args...)
}

func (t *exampleT) end() {
	for _, f := range slices.Backward(t.cleanups) {
		f()
	}
}
