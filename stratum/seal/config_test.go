package seal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/seal"
)

func TestConfigErrors(t *testing.T) {
	const secret = "correct-horse-battery-staple-0123456789"
	key := func(id, material string) seal.Config {
		return seal.Config{Keys: []seal.Key{docKey, {ID: id, Material: core.NewSecret(material)}}}
	}
	legacy := func(material, salt string) seal.Config {
		return seal.Config{Keys: []seal.Key{docKey}, Legacy: []seal.Legacy{oldNode, {Material: core.NewSecret(material), Salt: salt}}}
	}
	for _, c := range []struct {
		cfg   seal.Config
		field string
	}{
		{seal.Config{}, "Keys"},
		{seal.Config{Legacy: nodeKeys}, "Keys"},
		{key("", secret), "Keys[1].ID"},
		{key("a:b", secret), "Keys[1].ID"},
		{key("a.b", secret), "Keys[1].ID"},
		{key("ä", secret), "Keys[1].ID"},
		{key("a\n", secret), "Keys[1].ID"},
		{key(strings.Repeat("k", 33), secret), "Keys[1].ID"},
		{key(secret, "new"), "Keys[1].ID"}, // the fields are swapped
		{key(docID, secret), "Keys[1].ID"},
		{key("new", ""), "Keys[1].Material"},
		{seal.Config{Keys: []seal.Key{docKey, {ID: "new"}}}, "Keys[1].Material"},
		{key("new", secret[:15]), "Keys[1].Material"},
		{key("new", docMaterial), "Keys[1].Material"},
		{legacy("", zeroSalt), "Legacy[1].Material"},
		{legacy(secret, secret), "Legacy[1].Salt"},
		{legacy(secret, "abc"), "Legacy[1].Salt"},
	} {
		r, err := seal.NewRing(c.cfg)
		if r != nil || !errors.Is(err, core.ErrValidation) || field(err) != c.field {
			t.Errorf("%s: NewRing is %v, %v", c.field, r, err)
			continue
		}
		if !strings.HasPrefix(err.Error(), "Config."+c.field+" ") {
			t.Errorf("the sentence does not begin with the field: %v", err)
		}
		if text := logged(err); strings.Contains(text, secret[:15]) || strings.Contains(text, docMaterial) {
			t.Errorf("%s: the error repeats the material: %s", c.field, text)
		}
	}
	for _, cfg := range []seal.Config{
		key(strings.Repeat("k", 32), secret),
		key("Az_09-", secret[:16]),
		legacy("x", ""),
		legacy(docMaterial, "ABcd"),
	} {
		if _, err := seal.NewRing(cfg); err != nil {
			t.Errorf("NewRing(%v): %v", cfg, err)
		}
	}
}

// A ring does not change with the slice that it was made from.
func TestConfigIsCopied(t *testing.T) {
	keys := []seal.Key{docKey}
	r := ring(t, seal.Config{Keys: keys})
	keys[0] = newKey(t, "other")
	opens(t, r, docText, docOf, docPlain)
	if r.Prefix() != "v2:2026-08:" {
		t.Errorf("the prefix is %s", r.Prefix())
	}
}

func TestNewKey(t *testing.T) {
	a, b := newKey(t, "a"), newKey(t, "b")
	text := a.Material.Reveal()
	if a.ID != "a" || len(text) != 64 || strings.Trim(text, "0123456789abcdef") != "" || text == b.Material.Reveal() {
		t.Errorf("two new keys are %q and %q", text, b.Material.Reveal())
	}
	// Through JSON, as a configuration would take it.
	var read seal.Config
	err := json.Unmarshal(fmt.Appendf(nil, `{"Keys": [{"ID": "a", "Material": %q}]}`, text), &read)
	if err != nil || len(read.Keys) != 1 || read.Keys[0].ID != "a" || read.Keys[0].Material.Reveal() != text {
		t.Fatalf("read %v, %v", read, err)
	}
	opens(t, ring(t, read), sealed(t, ring(t, seal.Config{Keys: []seal.Key{a}}), "secret", docOf), docOf, "secret")
	opens(t, ring(t, read), sealed(t, ring(t, read), "secret", docOf), docOf, "secret")

	for _, id := range []string{"", "a:b", strings.Repeat("k", 33)} {
		if k, err := seal.NewKey(id); !errors.Is(err, core.ErrValidation) || field(err) != "id" || k != (seal.Key{}) {
			t.Errorf("NewKey(%q) is %v, %v", id, k, err)
		}
	}
}

// A configuration that went through a log is refused, not taken for one with that key.
func TestRedactedIsNoSecret(t *testing.T) {
	text, err := json.Marshal(docKey)
	if err != nil {
		t.Fatal(err)
	}
	var read seal.Key
	if err := json.Unmarshal(text, &read); err == nil || read.Material.Reveal() != "" {
		t.Errorf("%s is read as a key, %v", text, err)
	}
}

func TestRedaction(t *testing.T) {
	const secret = "correct-horse-battery-staple"
	key := seal.Key{ID: "2026-08", Material: core.NewSecret(secret)}
	cfg := seal.Config{Keys: []seal.Key{key}, Legacy: []seal.Legacy{{Material: key.Material}}}
	r := ring(t, cfg)
	values := map[string]any{
		"Secret": key.Material, "*Secret": &key.Material, "Key": key, "*Key": &key, "Legacy": cfg.Legacy[0],
		"Config": cfg, "*Config": &cfg, "Ring": r,
		"exported field": struct{ Seal seal.Config }{cfg}, "field": struct{ seal seal.Config }{cfg},
		"map": map[string]any{"seal": cfg}, "ring in a field": struct{ r *seal.Ring }{r}, "slice": []any{r, cfg},
	}
	for name, v := range values {
		said := []string{logged(v)}
		for _, verb := range "bcdefgijkopqrstvwxzEFGTUX" { // those that do not fit print in a way of their own
			for _, flags := range []string{"", "+", "#", " ", "10.3"} {
				format := "%" + flags + string(verb)
				said = append(said, fmt.Sprintf(format, v), fmt.Errorf(format, v).Error())
			}
		}
		if s, ok := v.(fmt.GoStringer); ok {
			said = append(said, s.GoString())
		}
		for _, text := range said {
			for _, spelling := range spellings(secret) {
				if strings.Contains(text, spelling) {
					t.Errorf("%s tells the secret: %s", name, text)
				}
			}
		}
	}
	for _, v := range []any{key, cfg} {
		if text := fmt.Sprintf("%+v", v); !strings.Contains(text, "2026-08") || !strings.Contains(text, "[redacted]") {
			t.Errorf("it does not say which key it is: %s", text)
		}
	}
	if text := logged(r); strings.Count(text, "current 2026-08") != 4 {
		t.Errorf("it does not say which key is current: %s", text)
	}
}

// spellings are those of a secret, and of the AES key that is derived from it.
func spellings(secret string) []string {
	var all []string
	for _, b := range [][]byte{[]byte(secret), deriveByHand(secret)} {
		all = append(all, string(b), fmt.Sprintf("%x", b), fmt.Sprintf("%X", b), fmt.Sprintf("% x", b), fmt.Sprint(b),
			base64.StdEncoding.EncodeToString(b))
	}
	return all
}

// logged is what slog, JSON and XML make of a value.
func logged(v any) string {
	var b bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("configured", "seal", v)
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, xml.Marshal} {
		text, err := marshal(v)
		fmt.Fprintf(&b, "%s %v\n", text, err)
	}
	return b.String()
}
