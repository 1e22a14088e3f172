//go:build !race

package stratumecho_test

import (
	"testing"

	"github.com/labstack/echo/v4"
)

// Pools forget at random under the race detector, so this file does without it.
//
// Echo puts the chain of middlewares together for each request, which costs a closure
// for each of them, one that does nothing included.
func TestTwoAllocations(t *testing.T) {
	idle := func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error { return next(c) }
	}
	bare := testing.AllocsPerRun(500, round(idle))
	for name, e := range extractors() {
		t.Run(name, func(t *testing.T) {
			if n := testing.AllocsPerRun(500, round(admitting(e))) - bare; n > 2 {
				t.Errorf("the middleware allocates %v times, want at most 2", n)
			}
		})
	}
}
