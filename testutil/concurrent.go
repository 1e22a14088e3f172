package stratumtest

import (
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"testing"
	"time"
)

// RunConcurrently calls fn n times at once, with 0 to n-1, and returns when all calls
// have. No call begins before every goroutine is there, so that they really meet. A
// panic fails the test with its stack; so does a call that ends its goroutine, as
// t.FailNow does.
//
// It does not wait for ever: when t.Context is done, or the test's deadline is near, the
// calls that still run are named in an error, and left running.
func RunConcurrently(t testing.TB, n int, fn func(i int)) {
	t.Helper()
	type end struct {
		i   int
		why string // empty: it returned
	}
	start, ends := make(chan struct{}), make(chan end, max(n, 0))
	var there sync.WaitGroup
	there.Add(max(n, 0))
	for i := range n {
		go func() {
			why := "it ended its goroutine"
			defer func() {
				if v := recover(); v != nil {
					why = fmt.Sprintf("panic: %v\n%s", v, debug.Stack())
				}
				ends <- end{i, why}
			}()
			there.Done()
			<-start
			fn(i)
			why = ""
		}()
	}
	there.Wait()
	close(start)
	running := make([]int, max(n, 0))
	for i := range running {
		running[i] = i
	}
	timeout, stop := deadline(t)
	defer stop()
	for len(running) > 0 {
		select {
		case e := <-ends:
			running = slices.DeleteFunc(running, func(i int) bool { return i == e.i })
			if e.why != "" {
				t.Errorf("stratumtest: RunConcurrently: call %d: %s", e.i, e.why)
			}
		case <-t.Context().Done():
			t.Errorf("stratumtest: RunConcurrently: the test ends, and these calls still run: %v", running)
			return
		case <-timeout:
			t.Errorf("stratumtest: RunConcurrently: the deadline of the test is near, and these calls still run: %v", running)
			return
		}
	}
}

// deadline fires a little before the test binary would be killed.
func deadline(t testing.TB) (<-chan time.Time, func() bool) {
	if d, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if at, set := d.Deadline(); set {
			left := time.Until(at)
			timer := time.NewTimer(left - min(time.Second, left/10))
			return timer.C, timer.Stop
		}
	}
	return nil, func() bool { return true }
}
