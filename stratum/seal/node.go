package seal

import (
	"crypto/cipher"
	"encoding/hex"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// The formats of the Node system: v1:<nonce>:<tag>:<ciphertext>, and the same without
// v1, all in hexadecimal.
const (
	nodeVersion = "v1"
	nodeInfo    = "stratum-aes-key"
	nodeNonce   = 2 * 12 // in digits
	nodeTag     = 2 * 16
)

// cipher derives the key as the Node system does.
func (l Legacy) cipher() (cipher.AEAD, error) {
	salt, err := hex.DecodeString(l.Salt)
	if err != nil {
		return nil, err
	}
	return derive(l.Material, salt, nodeInfo)
}

// openNode reads <nonce>:<tag>:<ciphertext>. The texts name no key, so each is tried.
func (r *Ring) openNode(text string) ([]byte, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 || len(parts[0]) != nodeNonce || len(parts[1]) != nodeTag {
		return nil, core.ErrSealMalformed
	}
	sealed, err := hex.DecodeString(parts[0] + parts[2] + parts[1])
	if err != nil {
		return nil, core.ErrSealMalformed
	}
	if len(r.legacy) == 0 {
		return nil, core.Errorf(core.SealKeyUnknown, "the value is in a format of the Node system, and Config.Legacy is not set")
	}
	for _, aead := range r.legacy {
		if plain, err := aead.Open(nil, nil, sealed, nil); err == nil {
			return plain, nil
		}
	}
	return nil, core.Errorf(core.SealBroken,
		"none of the keys in Config.Legacy opens the value: it was changed, or encrypted with another material or salt")
}
