package stratumjwt_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	stratumjwt "github.com/stratum-hq/stratum-go/auth/jwt"
	"github.com/stratum-hq/stratum-go/core"
)

// wantInvalid wants New to refuse, and to name the field.
func wantInvalid(t *testing.T, cfg stratumjwt.Config, field string) {
	t.Helper()
	v, err := stratumjwt.New(t.Context(), cfg)
	if v != nil || !errors.Is(err, core.ErrValidation) || !strings.HasPrefix(err.Error(), "Config."+field+" ") {
		t.Errorf("%v, want an error about Config.%s", err, field)
	}
}

func TestConfig(t *testing.T) {
	wantInvalid(t, stratumjwt.Config{}, "Keys")
	for _, c := range []struct {
		field string
		spoil func(*stratumjwt.Config)
	}{
		{"Keys", func(c *stratumjwt.Config) { c.Keys = make([]stratumjwt.Key, 17) }},
		{"AnyAudience", func(c *stratumjwt.Config) { c.AnyAudience, c.Audience = true, []string{"a"} }},
		{"Audience", func(c *stratumjwt.Config) { c.Audience = []string{"a", ""} }},
		{"Leeway", func(c *stratumjwt.Config) { c.Leeway = -1 }},
		{"Leeway", func(c *stratumjwt.Config) { c.Leeway = 6 * time.Minute }},
		{"MaxAge", func(c *stratumjwt.Config) { c.MaxAge = -1 }},
		{"Claim", func(c *stratumjwt.Config) { c.Claim = "a..b" }},
		{"Claim", func(c *stratumjwt.Config) { c.Claim = "." }},
		{"Cookie", func(c *stratumjwt.Config) { c.Cookie = "a b" }},
		{"JWKS", func(c *stratumjwt.Config) { c.JWKS.Refresh = 1 }},
		{"JWKS", func(c *stratumjwt.Config) { c.JWKS.Client = &http.Client{} }},
	} {
		cfg := stratumjwt.Config{Keys: []stratumjwt.Key{keyFor("", "HS256")}}
		c.spoil(&cfg)
		wantInvalid(t, cfg, c.field)
	}
	for _, c := range []struct {
		field string
		spoil func(*stratumjwt.Config)
	}{
		{"Issuer", func(c *stratumjwt.Config) { c.Issuer = "" }},
		{"Audience", func(c *stratumjwt.Config) { c.Audience = nil }},
		{"JWKS", func(c *stratumjwt.Config) { c.JWKS.Cooldown = -1 }},
		{"Keys[0].ID", func(c *stratumjwt.Config) { c.Keys = []stratumjwt.Key{keyFor("", "HS256")} }},
		{"JWKS.Algorithms", func(c *stratumjwt.Config) { c.JWKS.Algorithms = []string{"RS256", "HS256"} }},
		{"JWKS.Algorithms", func(c *stratumjwt.Config) { c.JWKS.Algorithms = []string{"none"} }},
		{"JWKS.URL", func(c *stratumjwt.Config) { c.JWKS.URL = "http://id.example.com/" }},
		{"JWKS.URL", func(c *stratumjwt.Config) { c.JWKS.URL = "https:///keys" }},
		{"JWKS.URL", func(c *stratumjwt.Config) { c.JWKS.URL = "https://user:pass@id.example.com/" }},
		{"JWKS.URL", func(c *stratumjwt.Config) { c.JWKS.URL = "file:///etc/passwd" }},
		{"JWKS.URL", func(c *stratumjwt.Config) { c.JWKS.URL = "http://127.0.0.1.evil.example/" }},
		{"JWKS.URL", func(c *stratumjwt.Config) { c.JWKS.URL = "::" }},
	} {
		cfg := stratumjwt.Config{Issuer: "id", Audience: []string{"api"}, JWKS: stratumjwt.JWKS{URL: "https://id.example.com/"}}
		c.spoil(&cfg)
		wantInvalid(t, cfg, c.field)
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	key := stratumjwt.Key{ID: "k", Algorithm: "HS256", Secret: core.NewSecret([]byte("TOP-SECRET-TOP-SECRET-TOP-SECRET"))}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", key)
	_, _ = fmt.Fprintf(&out, "%v %+v %s %#v %v %+v", key, key, key, key, []stratumjwt.Key{key}, struct{ key stratumjwt.Key }{key})
	if strings.Contains(out.String(), "SECRET") || strings.Contains(out.String(), "84 79") {
		t.Error(out.String())
	}
}

func TestSecretsAreCopied(t *testing.T) {
	own := secret(64)
	v := verifier(t, stratumjwt.Config{Keys: []stratumjwt.Key{{Algorithm: "HS256", Secret: core.NewSecret(own)}}})
	clear(own)
	check(t, v, hs(good(nil)), nil)
}
