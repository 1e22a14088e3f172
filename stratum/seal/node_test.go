package seal_test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/seal"
)

// Texts that the Node system wrote: encrypt of packages/lib/src/crypto.ts.
const (
	nodeHello  = "v1:e10b1f64d0929f251fb26d78:d241eecdf6feb7bcfd431d220f20772a:d1324a047c"
	nodeConfig = "v1:711814b02b58c6da33b82f34:00c663dc3e54a798e294207bb1a0761e:b0bf4f054c9de36f2b18"
	nodeEmpty  = "v1:c44196466133cf51e95f2907:184f3da9ce781310359cc7b186703b40:"
	nodeSalted = "v1:0649d87f17f12cd98edaa431:6e4b07e984d73c3066804abbb37445fc:f65aef3ad10f473d01"
	nodeCut    = "v1:3cbc8502b5411b65add5745f:e4cd75a7a421395628d3041907edd3ee:43c9a635ea" // with the salt abzz

	zeroSalt = "0000000000000000000000000000000000000000000000000000000000000000"
	nodeSalt = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

	// The AES key that the Node system derives from oldkey and zeroSalt.
	nodeAESKey = "9eed099904b28ce26545d43fd2855fd6e793b4659ae75f78c13870f711d8b166"
)

var (
	oldNode   = seal.Legacy{Material: core.NewSecret("oldkey"), Salt: zeroSalt}
	newNode   = seal.Legacy{Material: core.NewSecret("newkey"), Salt: nodeSalt}
	nodeKeys  = []seal.Legacy{oldNode}
	withoutV1 = func(text string) string { return strings.TrimPrefix(text, "v1:") }
)

func TestNodeVectors(t *testing.T) {
	unsalted := seal.Legacy{Material: oldNode.Material}
	cut := seal.Legacy{Material: oldNode.Material, Salt: "ab"}
	for name, c := range map[string]struct {
		legacy      []seal.Legacy
		text, plain string
	}{
		"hello":          {nodeKeys, nodeHello, "hello"},
		"config value":   {nodeKeys, nodeConfig, `"A-secret"`},
		"three parts":    {nodeKeys, withoutV1(nodeConfig), `"A-secret"`},
		"empty":          {nodeKeys, nodeEmpty, ""},
		"empty of three": {nodeKeys, withoutV1(nodeEmpty), ""},
		"no salt":        {[]seal.Legacy{unsalted}, nodeHello, "hello"},
		"salted":         {[]seal.Legacy{newNode}, nodeSalted, "s3cret é"},
		"salt cut off":   {[]seal.Legacy{cut}, nodeCut, "hello"},
		"current of two": {[]seal.Legacy{newNode, oldNode}, nodeSalted, "s3cret é"},
		"previous":       {[]seal.Legacy{newNode, oldNode}, nodeHello, "hello"},
		"last of three":  {[]seal.Legacy{newNode, cut, oldNode}, withoutV1(nodeHello), "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			r := ring(t, seal.Config{Keys: []seal.Key{docKey}, Legacy: c.legacy})
			opens(t, r, c.text, docOf, c.plain)
		})
	}
}

func TestNodeDerivation(t *testing.T) {
	secret, err := hex.DecodeString(nodeAESKey)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, 12)
	raw := gcm.Seal(nil, nonce, []byte("secret"), nil)
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}, Legacy: nodeKeys})
	opens(t, r, nodeText(nonce, raw[6:], raw[:6]), docOf, "secret")
}

func TestNodeErrors(t *testing.T) {
	keys := []seal.Key{docKey}
	r := ring(t, seal.Config{Keys: keys, Legacy: nodeKeys})
	without := ring(t, seal.Config{Keys: keys})
	for _, text := range []string{nodeHello, withoutV1(nodeHello)} {
		fails(t, without, text, docOf, core.ErrSealKeyUnknown)
		for _, other := range []seal.Legacy{
			{Material: core.NewSecret("oldkeY"), Salt: zeroSalt},
			{Material: oldNode.Material, Salt: nodeSalt},
		} {
			others := ring(t, seal.Config{Keys: keys, Legacy: []seal.Legacy{newNode, other}})
			fails(t, others, text, docOf, core.ErrSealBroken)
		}
		fails(t, r, text+"00", docOf, core.ErrSealBroken)
		for i := range len(text) {
			if _, err := r.Open(text[:i], docOf); err == nil {
				t.Errorf("the first %d bytes of %s open", i, text)
			}
		}
		for _, bad := range []string{text + "0", text + ":", text + ":00", text + "\n", "v1:" + text + ":", text[:30] + "g" + text[31:]} {
			fails(t, r, bad, docOf, core.ErrSealMalformed)
		}
	}
	// A tag of 4 bytes could be guessed.
	fails(t, r, "e10b1f64d0929f251fb26d78:d241eecd:d1324a047c", docOf, core.ErrSealMalformed)
	fails(t, r, "v9:"+withoutV1(nodeHello), docOf, core.ErrSealMalformed)
}

func TestNodeRotate(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}, Legacy: nodeKeys})
	after := ring(t, seal.Config{Keys: []seal.Key{docKey}})
	for _, text := range []string{nodeConfig, withoutV1(nodeConfig)} {
		if !r.NeedsRotation(text) {
			t.Errorf("%s needs no rotation", text)
		}
		rotated, changed, err := r.Rotate(text, docOf)
		if err != nil || !changed || !strings.HasPrefix(rotated, r.Prefix()) {
			t.Fatalf("Rotate is %q, %t, %v", rotated, changed, err)
		}
		opens(t, after, rotated, docOf, `"A-secret"`)
		other := docOf
		other.Tenant = core.NewID()
		fails(t, after, rotated, other, core.ErrSealBroken)
	}
	if _, changed, err := after.Rotate(nodeConfig, docOf); changed || !errors.Is(err, core.ErrSealKeyUnknown) {
		t.Errorf("Rotate without Config.Legacy: %t, %v", changed, err)
	}
}

// The bytes of a new text do not open as those of an old one, although the material is
// the same: the place would be off it.
func TestNoWayBack(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}, Legacy: []seal.Legacy{{Material: core.NewSecret(docMaterial)}}})
	opens(t, r, docText, docOf, docPlain)
	raw := rawOf(t, docText)
	nonce, body, tag := raw[:12], raw[12:len(raw)-16], raw[len(raw)-16:]
	fails(t, r, nodeText(nonce, tag, body), docOf, core.ErrSealBroken)
}
