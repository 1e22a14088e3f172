package main

import (
	"syscall"
	"time"
)

// sleep waits with the kernel's precision. The Go runtime rounds short sleeps of an
// idle program up to a millisecond, twice the latency that is played here.
func sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil)
}
