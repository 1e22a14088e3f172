package seal_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/seal"
)

func TestRoundTrip(t *testing.T) {
	keys := []seal.Key{newKey(t, "c"), newKey(t, "b"), newKey(t, "a")}
	rapid.Check(t, func(t *rapid.T) {
		sealer := rapid.IntRange(0, len(keys)-1).Draw(t, "sealer")
		first := ring(t, seal.Config{Keys: keys[sealer:]})
		opener := ring(t, seal.Config{Keys: keys})
		plain := rapid.SliceOfN(rapid.Byte(), 0, 4096).Draw(t, "plain")
		before := bytes.Clone(plain)
		of := drawOf(t, "of")

		text, err := first.Seal(plain, of)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(plain, before) {
			t.Fatal("Seal changed the plain text")
		}
		if !strings.HasPrefix(text, first.Prefix()) || strings.Trim(text, textAlphabet) != "" {
			t.Fatalf("%q is no sealed text of the key %s", text, keys[sealer].ID)
		}
		opens(t, opener, text, of, string(plain))

		other := drawOf(t, "other")
		if other == of {
			t.Skip("the same place")
		}
		fails(t, opener, text, other, core.ErrSealBroken)
	})
}

const textAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_:"

// drawOf draws from few letters, so that places are alike, with the parts cut elsewhere.
func drawOf(t *rapid.T, label string) seal.Of {
	part := rapid.StringMatching(`[a:.\x00]{1,4}`)
	of := seal.Of{Table: part.Draw(t, label+".table"), Row: part.Draw(t, label+".row"), Field: part.Draw(t, label+".field")}
	if rapid.Bool().Draw(t, label+".tenanted") {
		of.Tenant = docOf.Tenant
	}
	return of
}

func TestOtherPlace(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}})
	text := sealed(t, r, "secret", docOf)
	opens(t, r, text, docOf, "secret")
	for name, change := range map[string]func(*seal.Of){
		"tenant":          func(o *seal.Of) { o.Tenant[15]++ },
		"no tenant":       func(o *seal.Of) { o.Tenant = core.ID{} },
		"table":           func(o *seal.Of) { o.Table = "webhooks" },
		"row":             func(o *seal.Of) { o.Row = "43" },
		"field":           func(o *seal.Of) { o.Field = "value2" },
		"case":            func(o *seal.Of) { o.Field = "Value" },
		"table into row":  func(o *seal.Of) { o.Table, o.Row = "config_entrie", "s42" },
		"row into field":  func(o *seal.Of) { o.Row, o.Field = "4", "2value" },
		"field into row":  func(o *seal.Of) { o.Row, o.Field = "42v", "alue" },
		"tenant as table": func(o *seal.Of) { o.Tenant, o.Table = core.ID{}, docOf.Tenant.String()+o.Table },
	} {
		t.Run(name, func(t *testing.T) {
			of := docOf
			change(&of)
			fails(t, r, text, of, core.ErrSealBroken)
		})
	}
}

func TestIncompletePlace(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}, Legacy: nodeKeys})
	for name, of := range map[string]seal.Of{
		"Table": {Row: "42", Field: "value"},
		"Row":   {Table: "config_entries", Field: "value"},
		"Field": {Table: "config_entries", Row: "42"},
	} {
		_, err := r.Seal([]byte("secret"), of)
		if !errors.Is(err, core.ErrValidation) || field(err) != name {
			t.Errorf("Seal without %s: %v", name, err)
		}
		for _, text := range []string{docText, nodeHello} {
			if _, err = r.Open(text, of); !errors.Is(err, core.ErrValidation) || field(err) != name {
				t.Errorf("Open of %s without %s: %v", text, name, err)
			}
		}
	}
}

func TestEveryBit(t *testing.T) {
	neighbour := seal.Key{ID: "2026-09", Material: core.NewSecret(docMaterial + "0")} // its id is one bit away
	r := ring(t, seal.Config{Keys: []seal.Key{docKey, neighbour}, Legacy: nodeKeys})
	text := sealed(t, r, "postgres://app:secret@db.example/acme", docOf)
	for i := range len(text) {
		for bit := range 8 {
			changed := []byte(text)
			changed[i] ^= 1 << bit
			if plain, err := r.Open(string(changed), docOf); err == nil || plain != nil {
				t.Errorf("with bit %d of byte %d flipped it opens: %q", bit, i, changed)
			}
		}
		if _, err := r.Open(text[:i], docOf); err == nil {
			t.Errorf("the first %d bytes of it open", i)
		}
	}
}

func TestErrors(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey, {ID: "2026-09", Material: core.NewSecret(docMaterial + "0")}}})
	body := strings.TrimPrefix(docText, "v2:2026-08:")
	opens(t, r, docText, docOf, docPlain)
	for _, c := range []struct {
		text string
		want error
	}{
		{"v2:2026-07:" + body, core.ErrSealKeyUnknown},
		{"v2:2026-09:" + body, core.ErrSealBroken}, // there is such a key, and it is another one
		{docText[:len(docText)-1] + "Y", core.ErrSealBroken},
		{"v2:2026-08:" + base64.RawURLEncoding.EncodeToString(make([]byte, 28)), core.ErrSealBroken},
		{"v2:2026-08:" + base64.RawURLEncoding.EncodeToString(make([]byte, 27)), core.ErrSealMalformed},
		{"v3:2026-08:" + body, core.ErrSealMalformed},
		{"V2:2026-08:" + body, core.ErrSealMalformed},
		{"v02:2026-08:" + body, core.ErrSealMalformed},
		{"v2::" + body, core.ErrSealMalformed},
		{"v2:" + body, core.ErrSealMalformed},
		{"v2:2026 08:" + body, core.ErrSealMalformed},
		{"v2:" + strings.Repeat("k", 33) + ":" + body, core.ErrSealMalformed},
		{"v2", core.ErrSealMalformed},
		{"v2:2026-08:", core.ErrSealMalformed},
		{"", core.ErrSealMalformed},
		{"postgres://app:secret@db.example/acme", core.ErrSealMalformed},
		{"secret", core.ErrSealMalformed}, // one that was never sealed
		{"vsecret:", core.ErrSealMalformed},
		{docText + ":", core.ErrSealMalformed},
		{docText + "=", core.ErrSealMalformed},
		{docText + "\n", core.ErrSealMalformed},
		{docText[:20] + "\r\n" + docText[20:], core.ErrSealMalformed},
		{" " + docText, core.ErrSealMalformed},
		{docText + docText, core.ErrSealMalformed},
	} {
		fails(t, r, c.text, docOf, c.want)
		_, err := r.Open(c.text, docOf)
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), body) {
			t.Errorf("the error repeats what was to be opened: %v", err)
		}
	}
	_, err := r.Open("v3:2026-08:"+body, docOf)
	if !strings.Contains(err.Error(), "version v3") {
		t.Errorf("the error does not name the version: %v", err)
	}
	_, err = r.Open("v2:2026-07:"+body, docOf)
	if !strings.Contains(err.Error(), "key 2026-07") {
		t.Errorf("the error does not name the key: %v", err)
	}
}

// The unused bits at the end of base64 would be another spelling of the same bytes.
func TestOneSpelling(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}})
	for _, plain := range []string{"", "a", "ab"} { // 28 to 30 bytes: two of them leave bits over
		text := sealed(t, r, plain, docOf)
		opened := 0
		for _, last := range textAlphabet {
			if _, err := r.Open(text[:len(text)-1]+string(last), docOf); err == nil {
				opened++
			}
		}
		if opened != 1 {
			t.Errorf("%d spellings of the last digit open", opened)
		}
	}
}

func TestSize(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}})
	most := strings.Repeat("x", seal.MaxPlain)
	opens(t, r, sealed(t, r, most, docOf), docOf, most)
	text, err := r.Seal([]byte(most+"x"), docOf)
	if !errors.Is(err, core.ErrValidation) || field(err) != "plain" || text != "" {
		t.Errorf("one byte more than fits: %v", err)
	}
}

func TestRotate(t *testing.T) {
	old, key := newKey(t, "2026-01"), newKey(t, "2026-08")
	before := ring(t, seal.Config{Keys: []seal.Key{old}})
	during := ring(t, seal.Config{Keys: []seal.Key{key, old}})
	after := ring(t, seal.Config{Keys: []seal.Key{key}})
	text := sealed(t, before, "secret", docOf)
	if before.NeedsRotation(text) || !during.NeedsRotation(text) || !after.NeedsRotation(text) {
		t.Error("the old key is current in the first ring, and only there")
	}

	rotated, changed, err := during.Rotate(text, docOf)
	if err != nil || !changed || during.NeedsRotation(rotated) || !strings.HasPrefix(rotated, "v2:2026-08:") {
		t.Fatalf("Rotate is %q, %t, %v", rotated, changed, err)
	}
	opens(t, after, rotated, docOf, "secret")
	fails(t, before, rotated, docOf, core.ErrSealKeyUnknown)
	if again, changed, err := during.Rotate(rotated, docOf); again != rotated || changed || err != nil {
		t.Errorf("the second Rotate is %q, %t, %v", again, changed, err)
	}

	for text, want := range map[string]error{text: core.ErrSealKeyUnknown, "secret": core.ErrSealMalformed} {
		got, changed, err := after.Rotate(text, docOf)
		if got != "" || changed || !errors.Is(err, want) {
			t.Errorf("Rotate(%q) is %q, %t, %v; want %v", text, got, changed, err, want)
		}
	}
	other := docOf
	other.Row = "43"
	if _, changed, err := during.Rotate(text, other); changed || !errors.Is(err, core.ErrSealBroken) {
		t.Errorf("Rotate took a text to another row: %t, %v", changed, err)
	}
}

// An id that begins like the current one is not the current one.
func TestPrefixOfID(t *testing.T) {
	long, short := newKey(t, "2026-10"), newKey(t, "2026-1")
	text := sealed(t, ring(t, seal.Config{Keys: []seal.Key{long}}), "secret", docOf)
	if r := ring(t, seal.Config{Keys: []seal.Key{short, long}}); !r.NeedsRotation(text) {
		t.Errorf("%q is taken for a text of the key %s", text, short.ID)
	}
}

func TestNonces(t *testing.T) {
	r := ring(t, seal.Config{Keys: []seal.Key{docKey}})
	const seals = 100_000
	seen := make(map[[12]byte]bool, seals)
	for range seals {
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(sealed(t, r, "", docOf), r.Prefix()))
		if err != nil {
			t.Fatal(err)
		}
		seen[[12]byte(raw)] = true
	}
	if len(seen) != seals {
		t.Errorf("%d seals have %d nonces", seals, len(seen))
	}
}

func TestConcurrent(t *testing.T) {
	old, key := newKey(t, "old"), newKey(t, "new")
	before := ring(t, seal.Config{Keys: []seal.Key{old}})
	r := ring(t, seal.Config{Keys: []seal.Key{key, old}, Legacy: nodeKeys})
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 200 {
				plain := fmt.Sprintf("value %d of %d", i, g)
				of := seal.Of{Table: "t", Row: plain, Field: "f"}
				rotated, changed, err := r.Rotate(sealed(t, before, plain, of), of)
				if err != nil || !changed {
					t.Error(changed, err)
				}
				opens(t, r, rotated, of, plain)
				opens(t, r, nodeHello, of, "hello")
				of.Field = "g"
				fails(t, r, rotated, of, core.ErrSealBroken)
			}
		})
	}
	wg.Wait()
}
