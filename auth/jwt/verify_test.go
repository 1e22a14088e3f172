package stratumjwt_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	stratumjwt "github.com/stratum-hq/stratum-go/auth/jwt"
	"github.com/stratum-hq/stratum-go/core"
)

var all = []string{
	"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

// Each algorithm verifies with its own key, and with that of no other algorithm, even
// where the key material is the same.
func TestAlgorithms(t *testing.T) {
	for _, alg := range all {
		token := sign(alg, private(alg), good(nil), nil)
		for _, configured := range all {
			v := verifier(t, stratumjwt.Config{Keys: []stratumjwt.Key{keyFor("", configured)}})
			want := core.ErrUnauthorized
			if configured == alg {
				want = nil
			}
			t.Run(alg+" for "+configured, func(t *testing.T) {
				if want == nil {
					check(t, v, token, nil)
				} else {
					check(t, v, token, want)
				}
			})
		}
	}
}

func TestClaims(t *testing.T) {
	v := verifier(t, stratumjwt.Config{Audience: []string{"api"}})
	c := check(t, v, hs(good(claims{
		"iss": "id", "sub": "ana", "jti": "1", "aud": []string{"web", "api"}, "nbf": start.Unix() - 1, "iat": 1.5, "roles": []string{"admin"},
	})), nil)
	want := stratumjwt.Claims{
		Tenant: core.ByID(core.MustParseID(brazil)), Issuer: "id", Subject: "ana", ID: "1", Audience: []string{"web", "api"},
		Expires: start.Add(time.Hour), NotBefore: start.Add(-time.Second), IssuedAt: time.Unix(1, 5e8),
	}
	if got := fmt.Sprint(c.Tenant, c.Issuer, c.Subject, c.ID, c.Audience, c.Expires, c.NotBefore, c.IssuedAt); got !=
		fmt.Sprint(want.Tenant, want.Issuer, want.Subject, want.ID, want.Audience, want.Expires, want.NotBefore, want.IssuedAt) {
		t.Errorf("%s", got)
	}
	var own struct{ Roles []string }
	if err := c.Decode(&own); err != nil || len(own.Roles) != 1 || own.Roles[0] != "admin" {
		t.Errorf("%v, %v", own, err)
	}
}

// What a handler does to its claims stays with it.
func TestClaimsCannotBeCorrupted(t *testing.T) {
	v := verifier(t, stratumjwt.Config{Audience: []string{"api"}})
	token := hs(good(claims{"aud": "api"}))
	c := check(t, v, token, nil)
	c.Tenant, c.Subject, c.Audience[0] = core.BySlug("evil"), "evil", "evil"
	if c = check(t, v, token, nil); c.Tenant != core.ByID(core.MustParseID(brazil)) || c.Subject != "" || c.Audience[0] != "api" {
		t.Errorf("%+v", c)
	}
}

func TestTenantClaim(t *testing.T) {
	for _, c := range []struct {
		path   string
		claims claims
		want   core.Ref
		err    error
	}{
		{"", claims{"tenant_id": "north_star"}, core.BySlug("north_star"), nil},
		{"", claims{"tenant_id": nil}, core.Ref{}, nil},
		{"", claims{"tenant_id": ""}, core.Ref{}, core.ErrUnauthorized},
		{"", claims{"tenant_id": "a,b"}, core.Ref{}, core.ErrUnauthorized},
		{"", claims{"tenant_id": " a"}, core.Ref{}, core.ErrUnauthorized},
		{"", claims{"tenant_id": 7}, core.Ref{}, core.ErrUnauthorized},
		{"", claims{"tenant_id": []string{"a"}}, core.Ref{}, core.ErrUnauthorized},
		{"", claims{"tenant_id": claims{"a": "b"}}, core.Ref{}, core.ErrUnauthorized},
		{"", claims{"tenant_id": "00000000-0000-0000-0000-000000000000"}, core.Ref{}, core.ErrUnauthorized},
		{"", claims{"tenant_id": nil, "Tenant_ID": "a"}, core.Ref{}, nil},
		{"org.id", claims{"org": claims{"id": "a"}}, core.BySlug("a"), nil},
		{"org.id", claims{"org": "a"}, core.Ref{}, core.ErrUnauthorized},
		{"org.id", claims{"org": claims{}}, core.Ref{}, nil},
		{"org.id", claims{"org.id": "a"}, core.Ref{}, nil},
		{"a.b.c", claims{"a": claims{"b": claims{"c": "d"}}}, core.BySlug("d"), nil},
		{"https://a.example/tenant", claims{"https://a.example/tenant": "a"}, core.BySlug("a"), nil},
	} {
		v := verifier(t, stratumjwt.Config{Claim: c.path})
		got := check(t, v, hs(good(c.claims)), c.err)
		if c.err == nil && got.Tenant != c.want {
			t.Errorf("%s of %v is %s, want %s", c.path, c.claims, got.Tenant, c.want)
		}
	}
}

// zone says at which seconds, from start, a token is good.
func zone(t *testing.T, cfg stratumjwt.Config, token string, from, to int, early, late error) {
	t.Helper()
	for s, want := range map[int]error{from - 1: early, from: nil, to - 1: nil, to: late} {
		clock := newClock()
		clock.Advance(time.Duration(s) * time.Second)
		cfg.Clock = clock.Now
		t.Run(fmt.Sprint(s), func(t *testing.T) { check(t, verifier(t, cfg), token, want) })
	}
}

func TestTimes(t *testing.T) {
	for _, leeway := range []int{0, 30} {
		cfg := stratumjwt.Config{Leeway: time.Duration(leeway) * time.Second}
		token := hs(good(claims{"nbf": start.Unix() + 100, "exp": start.Unix() + 200}))
		zone(t, cfg, token, 100-leeway, 200+leeway, jwt.ErrTokenNotValidYet, jwt.ErrTokenExpired)
		cfg.MaxAge = 50 * time.Second
		token = hs(good(claims{"iat": start.Unix() + 100}))
		zone(t, cfg, token, 100-leeway, 150+leeway, jwt.ErrTokenUsedBeforeIssued, jwt.ErrTokenExpired)
	}
	v := verifier(t, stratumjwt.Config{})
	for name, c := range map[string]claims{
		"none": {"exp": nil}, "zero": {"exp": 0}, "text": {"exp": "1800000000"}, "huge": {"exp": 1e300},
		"negative": {"exp": -1}, "bool": {"exp": true}, "list": {"exp": []int{1}}, "nbf": {"nbf": "x"}, "iat": {"iat": claims{}},
	} {
		t.Run(name, func(t *testing.T) { check(t, v, hs(good(c)), core.ErrUnauthorized) })
	}
	check(t, v, signRaw("HS256", secret(64), `{"alg":"HS256"}`, `{"exp":1e999}`), core.ErrUnauthorized)
	check(t, v, signRaw("HS256", secret(64), `{"alg":"HS256"}`, `{"exp":null}`), core.ErrUnauthorized)
	check(t, verifier(t, stratumjwt.Config{AllowNoExpiry: true}), hs(good(claims{"exp": nil})), nil)
	check(t, verifier(t, stratumjwt.Config{AllowNoExpiry: true}), hs(good(claims{"exp": 1})), jwt.ErrTokenExpired)
	check(t, verifier(t, stratumjwt.Config{MaxAge: time.Hour}), hs(good(nil)), jwt.ErrTokenRequiredClaimMissing)
}

// A token that is remembered expires all the same.
func TestRememberedExpires(t *testing.T) {
	clock := newClock()
	v := verifier(t, stratumjwt.Config{Clock: clock.Now})
	token := hs(good(nil))
	check(t, v, token, nil)
	clock.Advance(time.Hour)
	check(t, v, token, jwt.ErrTokenExpired)
}

func TestIssuerAndAudience(t *testing.T) {
	cfg := stratumjwt.Config{Issuer: "https://id/", Audience: []string{"api", "api2"}}
	some, none, anyone := verifier(t, cfg), verifier(t, stratumjwt.Config{}), verifier(t, stratumjwt.Config{AnyAudience: true})
	bad := core.ErrUnauthorized
	for _, c := range []struct {
		claims             claims
		some, none, anyone error
	}{
		{claims{"iss": "https://id/", "aud": "api"}, nil, bad, nil},
		{claims{"iss": "https://id/", "aud": []string{"x", "api2"}}, nil, bad, nil},
		{claims{"iss": "https://id/"}, bad, nil, nil},
		{claims{"iss": "https://id/", "aud": []string{}}, bad, bad, nil},
		{claims{"iss": "https://id/", "aud": "API"}, bad, bad, nil},
		{claims{"iss": "https://id/", "aud": []any{"api", 1}}, bad, bad, bad},
		{claims{"iss": "https://id/", "aud": 7}, bad, bad, bad},
		{claims{"iss": "https://id", "aud": "api"}, bad, bad, nil},
		{claims{"iss": "https://id/evil", "aud": "api"}, bad, bad, nil},
		{claims{"iss": []string{"https://id/"}, "aud": "api"}, bad, bad, bad},
		{claims{"aud": "api"}, bad, bad, nil},
	} {
		token := hs(good(c.claims))
		t.Run(fmt.Sprint(c.claims), func(t *testing.T) {
			check(t, some, token, c.some)
			check(t, none, token, c.none)
			check(t, anyone, token, c.anyone)
		})
	}
	check(t, some, hs(good(claims{"iss": "x", "aud": "api"})), jwt.ErrTokenInvalidIssuer)
	check(t, some, hs(good(claims{"iss": "https://id/", "aud": "x"})), jwt.ErrTokenInvalidAudience)
}

// No change of a valid token leaves a valid token.
func TestMutations(t *testing.T) {
	for _, alg := range []string{"HS256", "RS256", "PS256", "ES256", "EdDSA"} {
		v := verifier(t, stratumjwt.Config{Keys: []stratumjwt.Key{keyFor("", alg)}})
		token := sign(alg, private(alg), good(nil), nil)
		check(t, v, token, nil)
		t.Run(alg, rapid.MakeCheck(func(t *rapid.T) {
			b := []byte(token)
			for range rapid.IntRange(1, 4).Draw(t, "changes") {
				at := rapid.IntRange(0, len(b)-1).Draw(t, "at")
				switch rapid.IntRange(0, 3).Draw(t, "how") {
				case 0:
					b[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(t, "bit"))
				case 1:
					b = append(b[:at], b[at+1:]...)
				case 2:
					c := rapid.SampledFrom([]byte("Aa0-_.=+/ \n\r\x00{}\"")).Draw(t, "c")
					b = append(b[:at], append([]byte{c}, b[at:]...)...)
				case 3:
					b = b[:max(at, len(b)/2)]
				}
			}
			if string(b) == token {
				return
			}
			if c, err := v.Verify(context.Background(), string(b)); !errors.Is(err, core.ErrUnauthorized) || c != nil {
				t.Fatalf("%q: %+v, %v", b, c, err)
			}
		}))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	v := verifier(t, stratumjwt.Config{Remembered: 2})
	for i := range 50 {
		check(t, v, hs(good(claims{"jti": fmt.Sprint(i)})), nil)
	}
	off := verifier(t, stratumjwt.Config{Remembered: -1})
	check(t, off, hs(good(nil)), nil)
}

func TestTooLong(t *testing.T) {
	v := verifier(t, stratumjwt.Config{})
	check(t, v, hs(good(claims{"x": strings.Repeat("x", stratumjwt.MaxToken)})), core.ErrUnauthorized)
	check(t, v, hs(good(claims{"x": strings.Repeat("x", stratumjwt.MaxToken/2)})), nil)
}
