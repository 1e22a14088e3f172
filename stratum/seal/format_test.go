package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/seal"
)

func TestDocVector(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}})
	opens(t, r, docText, docOf, docPlain)
	// Without a tenant, and with nothing in it.
	opens(t, r, "v2:2026-08:yv66vvrO263eyviIOjbVaUR7Gtv0SoFvW6sGZw",
		seal.Of{Table: "regions", Row: "eu", Field: "database_url"}, "")
	const aesKey = "e0498f84e545f102deb40f617d19da1a4b4956acc2a8715fd6ce4a56f9e7bd6b"
	if got := hex.EncodeToString(deriveByHand(docMaterial)); got != aesKey {
		t.Errorf("the AES key is %s; the package comment says %s", got, aesKey)
	}
}

// A second implementation, written after the package comment, opens what the first seals.
func TestFormat(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}})
	rapid.Check(t, func(t *rapid.T) {
		plain, of := rapid.SliceOf(rapid.Byte()).Draw(t, "plain"), drawOf(t, "of")
		text := sealed(t, r, string(plain), of)
		got, err := openByHand(docMaterial, text, of)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("by hand, %q opens to %q, %v", text, got, err)
		}
	})
}

func openByHand(material, text string, of seal.Of) ([]byte, error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 || parts[0] != "v2" {
		return nil, fmt.Errorf("%q has another form", text)
	}
	raw, err := base64.URLEncoding.WithPadding(base64.NoPadding).DecodeString(parts[2])
	if err != nil {
		return nil, err
	}
	tenant := of.Tenant.String()
	if of.Tenant == (core.ID{}) {
		tenant = ""
	}
	var additional bytes.Buffer
	number := func(n int) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(n))
		additional.Write(b[:])
	}
	number(5)
	for _, s := range []string{"v2:" + parts[1] + ":", tenant, of.Table, of.Row, of.Field} {
		number(len(s))
		additional.WriteString(s)
	}
	block, err := aes.NewCipher(deriveByHand(material))
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return gcm.Open(nil, raw[:12], raw[12:], additional.Bytes())
}

// deriveByHand is RFC 5869, sections 2.2 and 2.3, for one block.
func deriveByHand(material string) []byte {
	extract := hmac.New(sha256.New, make([]byte, 32))
	extract.Write([]byte(material))
	expand := hmac.New(sha256.New, extract.Sum(nil))
	expand.Write([]byte("stratum-seal-v2\x01"))
	return expand.Sum(nil)
}

// FuzzOpen looks for a text, other than the sealed one, that opens.
func FuzzOpen(f *testing.F) {
	r := ring(f, seal.Config{Keys: []seal.Key{docKey}, Legacy: nodeKeys})
	for _, text := range []string{docText, nodeHello, nodeConfig, withoutV1(nodeHello), "v2:a:", "v3:", ""} {
		f.Add(text, docOf.Table, docOf.Row, docOf.Field)
	}
	f.Fuzz(func(t *testing.T, text, table, row, field string) {
		of := seal.Of{Tenant: docOf.Tenant, Table: table, Row: row, Field: field}
		plain, err := r.Open(text, of)
		if err != nil {
			if plain != nil {
				t.Errorf("a value came with the error %v", err)
			}
			return
		}
		// Old texts have two spellings, and no place.
		old := map[string]bool{nodeHello: true, nodeConfig: true}
		isOld := old["v1:"+withoutV1(strings.ToLower(text))]
		if !isOld && (text != docText || of != docOf) {
			t.Errorf("%q of %+v opens to %q", text, of, plain)
		}
	})
}

// rawOf is nonce, ciphertext and tag of a text.
func rawOf(t rapid.TB, text string) []byte {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(text[strings.LastIndex(text, ":")+1:])
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// nodeText puts a text of the Node system together.
func nodeText(nonce, tag, body []byte) string {
	return fmt.Sprintf("v1:%x:%x:%x", nonce, tag, body)
}
