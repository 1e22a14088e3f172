package propagate_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
	"github.com/stratum-hq/stratum-go/core/propagate"
)

func request(value string) core.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set(propagate.DefaultName, value)
	return admit.HTTP(r)
}

func TestRotation(t *testing.T) {
	before, during, after := billing(t, k1), billing(t, k2, k1), billing(t, k2)
	old, fresh := sent(t, before, as(brazil)), sent(t, during, as(brazil))
	if !strings.HasPrefix(fresh, "v1.k2.") {
		t.Errorf("the first key does not seal: %s", fresh)
	}
	for _, c := range []struct {
		name  string
		p     *propagate.Propagator
		value string
		want  core.Code
	}{
		{"old, before", before, old, ""},
		{"old, during", during, old, ""},
		{"old, after", after, old, core.Unauthorized},
		{"new, before", before, fresh, core.Unauthorized},
		{"new, during", during, fresh, ""},
		{"new, after", after, fresh, ""},
	} {
		if _, err := received(t, c.p, c.value); code(err) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAnotherSecretOrAudience(t *testing.T) {
	value := sent(t, billing(t, k1), as(brazil))
	for name, cfg := range map[string]propagate.Config{
		"secret":   {Keys: []propagate.Key{{ID: "k1", Secret: core.NewSecret(secret(9))}}, Audience: "billing"},
		"audience": {Keys: []propagate.Key{k1}, Audience: "shipping"},
		"prefix":   {Keys: []propagate.Key{k1}, Audience: "billin"},
	} {
		cfg.Clock = at(start)
		if _, err := received(t, propagator(t, cfg), value); !errors.Is(err, core.ErrUnauthorized) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever is done to a sealed value, nothing comes of it but a refusal.
func TestTampering(t *testing.T) {
	p := billing(t, k1, k2)
	seen := []string{
		sent(t, p, as(brazil)), sent(t, p, as(northStar)),
		sent(t, billing(t, k2, k1), as(brazil)), sent(t, p, core.Impersonate(as(northStar), brazil)),
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	const bytesOf = "abcdef0123456789ABC._-=+/ \r\n\x00\xff"
	for i := range 20_000 {
		v := []byte(seen[rnd.IntN(len(seen))])
		for range 1 + rnd.IntN(3) {
			at, c := rnd.IntN(len(v)), bytesOf[rnd.IntN(len(bytesOf))]
			switch rnd.IntN(4) {
			case 0:
				v[at] = c
			case 1:
				v = append(v[:at], append([]byte{c}, v[at:]...)...)
			case 2:
				v = append(v[:at], v[at+1:]...)
			case 3: // a field of another value
				a, b := strings.Split(string(v), "."), strings.Split(seen[rnd.IntN(len(seen))], ".")
				f := rnd.IntN(min(len(a), len(b)))
				a[f] = b[f]
				v = []byte(strings.Join(a, "."))
			}
		}
		original := false
		for _, s := range seen {
			original = original || s == string(v)
		}
		sel, err := p.Extractor()(request(string(v)))
		if original == (err != nil) && string(v) != "" {
			t.Fatalf("%d: %q: %+v, %v", i, v, sel, err)
		}
		if err != nil && (!errors.Is(err, core.ErrUnauthorized) || !sel.IsZero()) {
			t.Fatalf("%d: %q: %+v, %v", i, v, sel, err)
		}
	}
}

func TestEveryPrefixAndBit(t *testing.T) {
	p := billing(t, k1)
	value := sent(t, p, as(brazil))
	for i := range value {
		if _, err := received(t, p, value[:i]); err == nil {
			t.Errorf("the first %d bytes are enough", i)
		}
		for bit := range 8 {
			b := []byte(value)
			b[i] ^= 1 << bit
			if _, err := p.Extractor()(request(string(b))); err == nil {
				t.Errorf("bit %d of byte %d does not matter", bit, i)
			}
		}
	}
}

func TestErrorsDoNotRepeatTheValue(t *testing.T) {
	p := billing(t, k1)
	value := sent(t, p, as(brazil))
	for _, v := range []string{value + "x", value[:len(value)-1] + "x", "plain.SECRET.-", "v1.SECRET", strings.Repeat("SECRET", 200)} {
		_, err := received(t, p, v)
		if err == nil || strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), brazil.ID.String()) {
			t.Errorf("%q: %v", v, err)
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	key := propagate.Key{ID: "k1", Secret: core.NewSecret([]byte("TOP-SECRET-TOP-SECRET-TOP-SECRET"))}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", key)
	_, _ = fmt.Fprintf(&out, "%v %+v %s %#v %v %+v", key, key, key, key, []propagate.Key{key}, struct{ key propagate.Key }{key})
	if strings.Contains(out.String(), "SECRET") || strings.Contains(out.String(), "84 79") {
		t.Error(out.String())
	}
}

func TestConfig(t *testing.T) {
	good := propagate.Config{Keys: []propagate.Key{k1}, Audience: "billing"}
	for field, spoil := range map[string]func(*propagate.Config){
		"Keys":           func(c *propagate.Config) { c.Keys = nil },
		"Keys[0].ID":     func(c *propagate.Config) { c.Keys = []propagate.Key{{ID: "a.b", Secret: core.NewSecret(secret(1))}} },
		"Keys[0].Secret": func(c *propagate.Config) { c.Keys = []propagate.Key{{ID: "a", Secret: core.NewSecret(secret(1)[1:])}} },
		"Keys[1].ID":     func(c *propagate.Config) { c.Keys = []propagate.Key{k1, k1} },
		"Audience":       func(c *propagate.Config) { c.Audience = "" },
		"TTL":            func(c *propagate.Config) { c.TTL = -1 },
		"Name":           func(c *propagate.Config) { c.Name = "a b" },
	} {
		cfg := good
		spoil(&cfg)
		_, err := propagate.New(cfg)
		if !errors.Is(err, core.ErrValidation) || !strings.Contains(err.Error(), "Config."+field+" ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := propagate.New(propagate.Config{Unsealed: true, Audience: "x"}); !errors.Is(err, core.ErrValidation) {
		t.Errorf("an audience that nothing seals: %v", err)
	}
	if _, err := propagate.New(propagate.Config{}); !errors.Is(err, core.ErrValidation) {
		t.Errorf("the zero configuration trusts everybody: %v", err)
	}
}

func TestKeysAreCopied(t *testing.T) {
	own := secret(1)
	p := billing(t, propagate.Key{ID: "k1", Secret: core.NewSecret(own)})
	clear(own)
	if sent(t, p, as(brazil)) != sent(t, billing(t, k1), as(brazil)) {
		t.Error("the caller's slice is used")
	}
}

func FuzzOpen(f *testing.F) {
	p := billing(f, k1)
	both := propagator(f, propagate.Config{Keys: []propagate.Key{k1}, Audience: "billing", Unsealed: true, Clock: at(start)})
	good := sent(f, p, as(brazil))
	for _, s := range []string{good, "", "v1", "v1.", "v1.....", "plain", "plain." + brazil.ID.String() + ".-", "plain..", "v2.x", good + "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if sel, err := p.Extractor()(request(s)); s != "" && s != good && err == nil {
			t.Fatalf("%q is %+v", s, sel)
		}
		sel, err := both.Extractor()(request(s))
		if err == nil && !sel.IsZero() && s != good && (sel.Verified || !strings.HasPrefix(s, "plain."+sel.Ref.ID().String()+".")) {
			t.Fatalf("%q is %+v", s, sel)
		}
	})
}
