package seal_test

import (
	"errors"

	"pgregory.net/rapid"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/seal"
)

// The example of the package comment, computed by two other implementations of the
// primitives: Python's cryptography and Node's crypto.
const (
	docID       = "2026-08"
	docMaterial = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	docText     = "v2:2026-08:yv66vvrO263eyviIgSaIkXRPADIuEQhVSq6WCm4sU1AX"
	docPlain    = "hello"
)

var (
	docKey = seal.Key{ID: docID, Material: core.NewSecret(docMaterial)}
	docOf  = seal.Of{
		Tenant: core.MustParseID("0198a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"),
		Table:  "config_entries", Row: "42", Field: "value",
	}
)

func ring(t rapid.TB, cfg seal.Config) *seal.Ring {
	t.Helper()
	r, err := seal.NewRing(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func newKey(t rapid.TB, id string) seal.Key {
	t.Helper()
	k, err := seal.NewKey(id)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func sealed(t rapid.TB, r *seal.Ring, plain string, of seal.Of) string {
	t.Helper()
	text, err := r.Seal([]byte(plain), of)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// opens expects that a text opens to plain.
func opens(t rapid.TB, r *seal.Ring, text string, of seal.Of, plain string) {
	t.Helper()
	got, err := r.Open(text, of)
	if err != nil || string(got) != plain {
		t.Errorf("Open(%q) is %q, %v; want %q", text, got, err, plain)
	}
}

// fails expects one of the three errors of a seal, and no value with it.
func fails(t rapid.TB, r *seal.Ring, text string, of seal.Of, want error) {
	t.Helper()
	got, err := r.Open(text, of)
	if !errors.Is(err, want) || got != nil {
		t.Errorf("Open(%q) is %q, %v; want %v", text, got, err, want)
	}
}

// field is the detail of an error that names a field.
func field(err error) any {
	var e *core.Error
	if !errors.As(err, &e) {
		return nil
	}
	return e.Details["field"]
}
