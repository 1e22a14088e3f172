//go:build !race

package stratumgin_test

import "testing"

// The framework's own pools are counted with the bare application, and subtracted; under
// the race detector they forget at random, so this file does without it.
func TestTwoAllocations(t *testing.T) {
	bare := testing.AllocsPerRun(500, round())
	for name, e := range extractors() {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(500, round(admitting(e))) - bare; n > 2 {
				t.Errorf("the middleware allocates %v times, want at most 2", n)
			}
		})
	}
}
