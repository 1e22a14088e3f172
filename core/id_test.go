package core_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

const canonical = "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"

func TestParseID(t *testing.T) {
	bare := strings.ReplaceAll(canonical, "-", "")
	want := core.MustParseID(canonical)
	for _, s := range []string{
		canonical, strings.ToUpper(canonical), bare, strings.ToUpper(bare),
		"{" + canonical + "}", "urn:uuid:" + canonical, "URN:UUID:" + strings.ToUpper(canonical),
	} {
		id, err := core.ParseID(s)
		if err != nil || id != want || id.String() != canonical {
			t.Errorf("ParseID(%q) = %v, %v", s, id, err)
		}
	}
	for _, s := range []string{
		"", "{}", "urn:uuid:", "brazil", canonical[:35], canonical + "0", " " + canonical, canonical + " ",
		"{" + canonical, canonical + "}", "{urn:uuid:" + canonical + "}", "0190a1b2c3d4-7e5f-8a6b-7c8d9e0f1a2b00",
		strings.Replace(canonical, "a", "g", 1), strings.Replace(canonical, "-", "_", 1),
		canonical[:9] + "c3d47e5f-8a6b-7c8d9e0f1a2b", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a\x00b",
	} {
		if id, err := core.ParseID(s); !errors.Is(err, core.ErrTenantRefInvalid) || !id.IsZero() {
			t.Errorf("ParseID(%q) = %v, %v", s, id, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	for _, s := range []string{canonical, "{" + canonical + "}", "urn:uuid:" + canonical, "", "x"} {
		f.Add(s)
	}
	// Written independently of the parser.
	uuid := regexp.MustCompile(`(?i)^(urn:uuid:)?(x{32}|x{8}-x{4}-x{4}-x{4}-x{12})$|^\{(x{32}|x{8}-x{4}-x{4}-x{4}-x{12})\}$`)
	hexadecimal := regexp.MustCompile(`[0-9a-fA-F]`)
	f.Fuzz(func(t *testing.T, s string) {
		prefix, rest := "", s
		if len(s) > 9 && strings.EqualFold(s[:9], "urn:uuid:") {
			prefix, rest = s[:9], s[9:]
		}
		shape := prefix + hexadecimal.ReplaceAllString(strings.Map(noX, rest), "x")
		id, err := core.ParseID(s)
		if (err == nil) != uuid.MatchString(shape) {
			t.Fatalf("ParseID(%q) = %v, %v", s, id, err)
		}
		if err != nil {
			return
		}
		if again, err := core.ParseID(id.String()); err != nil || again != id {
			t.Fatalf("%q does not round-trip: %v, %v", s, again, err)
		}
	})
}

// noX keeps an x of the input from passing for a digit.
func noX(r rune) rune {
	if r == 'x' || r == 'X' {
		return '?'
	}
	return r
}

func TestMustParseIDPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("MustParseID took nonsense")
		}
	}()
	core.MustParseID("nonsense")
}

func TestNewID(t *testing.T) {
	seen := map[core.ID]bool{}
	var last core.ID
	before := time.Now().UnixMilli()
	for range 10_000 {
		id := core.NewID()
		if id[6]>>4 != 7 || id[8]>>6 != 2 {
			t.Fatalf("%s is no UUIDv7", id)
		}
		if string(id[:8]) < string(last[:8]) {
			t.Fatalf("%s was made after %s and sorts before it", id, last)
		}
		if seen[id] {
			t.Fatalf("%s was made twice", id)
		}
		seen[id], last = true, id
	}
	ms := int64(last[0])<<40 | int64(last[1])<<32 | int64(last[2])<<24 | int64(last[3])<<16 | int64(last[4])<<8 | int64(last[5])
	if ms < before || ms > time.Now().UnixMilli() {
		t.Errorf("%s says it was made at %d", last, ms)
	}
}

func TestIDJSON(t *testing.T) {
	type doc struct {
		ID core.ID `json:"id"`
	}
	out, err := json.Marshal(doc{core.MustParseID(canonical)})
	if err != nil || string(out) != `{"id":"`+canonical+`"}` {
		t.Errorf("Marshal = %s, %v", out, err)
	}
	var in doc
	if err := json.Unmarshal([]byte(`{"id":"`+strings.ToUpper(canonical)+`"}`), &in); err != nil || in.ID.String() != canonical {
		t.Errorf("Unmarshal = %v, %v", in.ID, err)
	}
	before := in.ID
	if err := json.Unmarshal([]byte(`{"id":"nonsense"}`), &in); !errors.Is(err, core.ErrTenantRefInvalid) || in.ID != before {
		t.Errorf("Unmarshal of nonsense = %v, %v", in.ID, err)
	}
	keys, err := json.Marshal(map[core.ID]int{before: 1})
	if err != nil || string(keys) != `{"`+canonical+`":1}` {
		t.Errorf("as a key: %s, %v", keys, err)
	}
}

func TestIDScanValue(t *testing.T) {
	want := core.MustParseID(canonical)
	for _, src := range []any{canonical, strings.ToUpper(canonical), []byte(canonical), want[:], [16]byte(want)} {
		var id core.ID
		if err := id.Scan(src); err != nil || id != want {
			t.Errorf("Scan(%T) = %v, %v", src, id, err)
		}
	}
	id := want
	if err := id.Scan(nil); err != nil || !id.IsZero() {
		t.Errorf("Scan(nil) = %v, %v", id, err)
	}
	for _, src := range []any{1, "", []byte{1}, "nonsense", 3.5} {
		id := want
		if err := id.Scan(src); err == nil || id != want {
			t.Errorf("Scan(%v) = %v, %v", src, id, err)
		}
	}
	if v, err := want.Value(); err != nil || v != canonical {
		t.Errorf("Value = %v, %v", v, err)
	}
	if v, err := (core.ID{}).Value(); err != nil || v != nil {
		t.Errorf("Value of the zero ID = %v, %v", v, err)
	}
}
