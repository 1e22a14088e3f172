package seal

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/stratum-hq/stratum-go/core"
)

// MinMaterial is the length of the shortest material of a key, in bytes.
const MinMaterial = 16

const maxID = 32 // longest id of a key, in bytes

// Config says which keys there are. Its zero value is refused: without a key there is
// nothing to seal with.
type Config struct {
	// Keys seal and open. The first is the current one, which seals; all of them open.
	Keys []Key

	// Legacy are keys of the Node system, which open its values and are tried in this
	// order. Without any, its values are refused. [Legacy] says what they cost.
	Legacy []Legacy
}

// Key is a named secret.
type Key struct {
	// ID is 1 to 32 letters, digits, - and _. It stands in the clear in every value.
	ID string

	// Material is what the AES key is derived from: at least [MinMaterial] bytes from a
	// random source, as of [NewKey]. It is no password; nothing slows down guessing.
	Material core.Secret
}

// Legacy is a key of the Node system. Values of that are not bound to a place: who can
// write to the database can put them into another row. Take the keys out of the
// configuration when all values are rotated.
type Legacy struct {
	// Material is STRATUM_ENCRYPTION_KEY, or WEBHOOK_ENCRYPTION_KEY where that is not set;
	// for older values STRATUM_ENCRYPTION_KEY_PREVIOUS. It may be short, not empty.
	Material core.Secret

	// Salt is STRATUM_HKDF_SALT, or STRATUM_HKDF_SALT_PREVIOUS, in hexadecimal; empty if
	// there was none. The Node system left out all from the first pair on that is no
	// hexadecimal: configure the part before it.
	Salt string
}

// NewKey makes a key of 32 random bytes. Its material is 64 hexadecimal digits, which
// every format of configuration takes as it is.
func NewKey(id string) (Key, error) {
	if !isID(id) {
		return Key{}, core.Errorf(core.Validation, "id %s", wantedID).With("field", "id")
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	return Key{ID: id, Material: core.NewSecret(hex.EncodeToString(random))}, nil
}

// wantedID does not repeat what is no id: it may be the material in the wrong field.
const wantedID = "must be 1 to 32 letters, digits, - and _"

func (c Config) validate() error {
	if len(c.Keys) == 0 {
		return invalid("Keys", "is empty: there is nothing to seal with")
	}
	for i, k := range c.Keys {
		field := fmt.Sprintf("Keys[%d]", i)
		switch earlier := c.Keys[:i]; {
		case !isID(k.ID):
			return invalid(field+".ID", wantedID)
		case len(k.Material.Reveal()) < MinMaterial:
			return invalid(field+".Material", "has %d bytes, and needs %d", len(k.Material.Reveal()), MinMaterial)
		case slices.ContainsFunc(earlier, func(o Key) bool { return o.ID == k.ID }):
			return invalid(field+".ID", "is %s, and so is that of an earlier key", k.ID)
		case slices.ContainsFunc(earlier, func(o Key) bool { return o.Material.Equal(k.Material) }):
			return invalid(field+".Material", "is that of an earlier key: rotation between them would change nothing")
		}
	}
	for i, l := range c.Legacy {
		field := fmt.Sprintf("Legacy[%d]", i)
		if l.Material.Reveal() == "" {
			return invalid(field+".Material", "is empty")
		}
		if _, err := hex.DecodeString(l.Salt); err != nil {
			return invalid(field+".Salt", "is not hexadecimal")
		}
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return core.Errorf(core.Validation, "Config."+field+" "+format, args...).With("field", field)
}

func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}
