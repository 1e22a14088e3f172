package musicshop_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/examples/demo/musicshop"
)

// TestAlwaysTheSame guards the data against changes that nobody meant.
func TestAlwaysTheSame(t *testing.T) {
	t.Parallel()
	const want = "18b2d227fd8dc622"
	for range 2 {
		if got := fmt.Sprintf("%x", sha256.Sum256([]byte(musicshop.SQL())))[:16]; got != want {
			t.Errorf("the script has the hash %s, want %s", got, want)
		}
	}
}

func Example() {
	script := musicshop.SQL()
	fmt.Println(strings.Count(script, "CREATE TABLE"), "tables,", strings.Count(script, "INSERT INTO"), "of them filled")
	// Output: 11 tables, 11 of them filled
}
