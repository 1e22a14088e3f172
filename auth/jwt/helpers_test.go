package stratumjwt_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	stratumjwt "github.com/stratum-hq/stratum-go/auth/jwt"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start is when the tests' clocks stand.
var start = time.Unix(1_700_000_000, 0)

const brazil = "0190a000-0000-7000-8000-000000000002"

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: start} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func secret(n int) []byte { return bytes.Repeat([]byte{7}, n) }

// The private keys of the tests, made once.
var (
	rsaKey   = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	otherRSA = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	edKey    = sync.OnceValue(func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) })
	p256     = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	p384     = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	p521     = sync.OnceValue(func() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader)) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// private returns what signs with an algorithm.
func private(alg string) any {
	switch alg {
	case "HS256", "HS384", "HS512":
		return secret(64)
	case "ES256":
		return p256()
	case "ES384":
		return p384()
	case "ES512":
		return p521()
	case "EdDSA":
		return edKey()
	}
	return rsaKey()
}

// keyFor returns the key that verifies with an algorithm.
func keyFor(id, alg string) stratumjwt.Key {
	k := stratumjwt.Key{ID: id, Algorithm: alg}
	switch p := private(alg).(type) {
	case []byte:
		k.Secret = core.NewSecret(p)
	case crypto.Signer:
		k.Public = p.Public()
	}
	return k
}

type claims map[string]any

// good are the claims of a token that is good with the zero configuration.
func good(with claims) claims {
	c := claims{"tenant_id": brazil, "exp": start.Add(time.Hour).Unix()}
	maps.Copy(c, with)
	for name, v := range c {
		if v == nil {
			delete(c, name)
		}
	}
	return c
}

// sign makes a token; header is added to its own, and overrides it but for what is signed with.
func sign(alg string, key any, c claims, header claims) string {
	h := claims{"alg": alg, "typ": "JWT"}
	maps.Copy(h, header)
	return signRaw(alg, key, string(must(json.Marshal(h))), string(must(json.Marshal(c))))
}

func signRaw(alg string, key any, header, payload string) string {
	text := encode(header) + "." + encode(payload)
	return text + "." + encode(string(must(jwt.GetSigningMethod(alg).Sign(text, key))))
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// verifier makes one whose clock stands, with the HS256 key if there is none.
func verifier(t testing.TB, cfg stratumjwt.Config) *stratumjwt.Verifier {
	t.Helper()
	if cfg.Keys == nil && cfg.JWKS.URL == "" {
		cfg.Keys = []stratumjwt.Key{keyFor("", "HS256")}
	}
	if cfg.Clock == nil {
		cfg.Clock = newClock().Now
	}
	v, err := stratumjwt.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// hs signs with the key of verifier.
func hs(c claims) string { return sign("HS256", secret(64), c, nil) }

// check verifies, twice: what is remembered must make no difference.
func check(t testing.TB, v *stratumjwt.Verifier, token string, want error) *stratumjwt.Claims {
	t.Helper()
	var c *stratumjwt.Claims
	for range 2 {
		var err error
		c, err = v.Verify(context.Background(), token)
		if !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%v, want %v", err, want)
		}
		if err != nil {
			unrepeated(t, err, token)
			if c != nil {
				t.Error("claims of a token that is no good")
			}
		}
	}
	return c
}

// unrepeated makes sure that no part of a token is in an error, causes included.
func unrepeated(t testing.TB, err error, token string) {
	t.Helper()
	for e := err; e != nil; e = errors.Unwrap(e) {
		for _, part := range strings.Split(token, ".") {
			if len(part) >= 4 && strings.Contains(e.Error(), part) {
				t.Errorf("the error repeats the token: %v", e)
			}
			if plain, bad := base64.RawURLEncoding.DecodeString(part); bad == nil && len(plain) > 3 && strings.Contains(e.Error(), string(plain)) {
				t.Errorf("the error repeats the token: %v", e)
			}
		}
	}
}

// request has the headers given, name and value in turn.
func request(headers ...string) core.Request {
	r := httptest.NewRequest("GET", "/", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return admit.HTTP(r)
}
