package stratumtest_test

import (
	"context"
	"fmt"
	"log"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// fake is a testing.TB that remembers its errors. Fatal ends its goroutine.
type fake struct {
	testing.TB
	ctx    context.Context
	mu     sync.Mutex
	errors []string
}

func (f *fake) Helper()                           {}
func (f *fake) Log(...any)                        {}
func (f *fake) Cleanup(func())                    {}
func (f *fake) Context() context.Context          { return f.ctx }
func (f *fake) Error(args ...any)                 { f.Errorf("%s", fmt.Sprint(args...)) }
func (f *fake) Fatal(args ...any)                 { f.Error(args...); runtime.Goexit() }
func (f *fake) Fatalf(format string, args ...any) { f.Errorf(format, args...); runtime.Goexit() }
func (f *fake) Errorf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

// on runs fn with a fake and returns its errors.
func on(ctx context.Context, fn func(t testing.TB)) []string {
	f := &fake{ctx: ctx}
	var done sync.WaitGroup
	done.Go(func() { fn(f) })
	done.Wait()
	return f.errors
}

// saying reports how many of the errors contain the words.
func saying(errors []string, words string) int {
	n := 0
	for _, e := range errors {
		if strings.Contains(e, words) {
			n++
		}
	}
	return n
}

// exampleT stands in for the *testing.T that an example does not have.
type exampleT struct{ testing.TB }

func (exampleT) Helper()                   {}
func (exampleT) Context() context.Context  { return context.Background() }
func (exampleT) Errorf(f string, a ...any) { log.Printf(f, a...) }
func (exampleT) Error(a ...any)            { log.Print(a...) }
func (exampleT) Fatal(a ...any)            { log.Panic(a...) }
func (exampleT) Fatalf(f string, a ...any) { log.Panicf(f, a...) }
func (exampleT) Log(...any)                {}
