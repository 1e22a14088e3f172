package seal_test

import (
	"fmt"
	"log"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/seal"
)

func Example() {
	old, err := seal.NewKey("2026-01") // once; old.Material.Reveal() goes to the secret manager
	if err != nil {
		log.Panic(err)
	}
	ring, err := seal.NewRing(seal.Config{Keys: []seal.Key{old}})
	if err != nil {
		log.Panic(err)
	}
	of := seal.Of{Tenant: core.NewID(), Table: "webhooks", Row: "17", Field: "secret"}
	text, err := ring.Seal([]byte("whsec_1"), of)
	if err != nil {
		log.Panic(err)
	}
	plain, err := ring.Open(text, of)
	fmt.Printf("%s %v\n", plain, err)

	other := of
	other.Row = "18"
	_, err = ring.Open(text, other)
	fmt.Println(err)

	// A new key seals from now on; the old one still opens.
	key, err := seal.NewKey("2026-08")
	if err != nil {
		log.Panic(err)
	}
	ring, err = seal.NewRing(seal.Config{Keys: []seal.Key{key, old}})
	if err != nil {
		log.Panic(err)
	}
	rotated, changed, err := ring.Rotate(text, of)
	fmt.Println(changed, ring.NeedsRotation(rotated), err)
	fmt.Println(ring, key)
	// Output:
	// whsec_1 <nil>
	// the sealed value does not open: it was changed, or sealed for another place or with another key (SEAL_BROKEN)
	// true false <nil>
	// ring of 2 keys and 0 legacy ones, current 2026-08 {2026-08 [redacted]}
}
