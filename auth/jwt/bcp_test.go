package stratumjwt_test

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	stratumjwt "github.com/stratum-hq/stratum-go/auth/jwt"
	"github.com/stratum-hq/stratum-go/core"
)

var errNo = core.ErrUnauthorized

// RFC 8725, sections 2.1 and 3.1.
func TestNone(t *testing.T) {
	for _, alg := range all {
		v := verifier(t, stratumjwt.Config{Keys: []stratumjwt.Key{keyFor("", alg)}})
		for _, none := range []string{"none", "None", "NONE", "nOnE", "", " ", "HS257"} {
			for _, signature := range []string{"", encode("x")} {
				header := fmt.Sprintf(`{"alg":%q}`, none)
				check(t, v, encode(header)+"."+encode(`{"tenant_id":"a","exp":9999999999}`)+"."+signature, errNo)
			}
		}
		check(t, v, signRaw("none", jwt.UnsafeAllowNoneSignatureType, `{"alg":"none"}`, `{"tenant_id":"a","exp":9999999999}`), errNo)
		check(t, v, encode(`{}`)+"."+encode(`{"tenant_id":"a","exp":9999999999}`)+".", errNo)
		check(t, v, encode(`{"alg":["`+alg+`"]}`)+"."+encode(`{}`)+".", errNo)
	}
}

// RFC 8725, section 2.1: a public key, in any of its forms, as the secret of an HMAC.
func TestPublicKeyAsSecret(t *testing.T) {
	for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		k := keyFor("k", alg)
		v := verifier(t, stratumjwt.Config{Keys: []stratumjwt.Key{k}})
		der, err := x509.MarshalPKIXPublicKey(k.Public)
		if err != nil {
			t.Fatal(err)
		}
		forms := [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})}
		if p, ok := k.Public.(*rsa.PublicKey); ok {
			forms = append(forms, x509.MarshalPKCS1PublicKey(p), p.N.Bytes())
		}
		for i, form := range forms {
			for _, hmac := range []string{"HS256", "HS384", "HS512"} {
				check(t, v, sign(hmac, form, good(nil), claims{"kid": "k"}), errNo)
				check(t, v, sign(hmac, form, good(nil), nil), errNo)
			}
			if i == 3 {
				continue // the bare modulus cannot be told from random bytes
			}
			_, err := stratumjwt.New(t.Context(), stratumjwt.Config{Keys: []stratumjwt.Key{{Algorithm: "HS256", Secret: core.NewSecret(append(form, "    "...)[:len(form)])}}})
			if err == nil && len(form) >= 32 {
				t.Errorf("%s: form %d of a public key is accepted as a secret", alg, i)
			}
		}
	}
}

// RFC 8725, sections 3.4 and 3.5, and RFC 7518, sections 3.2 and 3.3.
func TestWeakKeys(t *testing.T) {
	small := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 2046, 1), E: 65537}
	huge := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 9000, 1), E: 65537}
	even := &rsa.PublicKey{N: rsaKey().N, E: 4}
	off := *p256().Public().(*ecdsa.PublicKey)
	//lint:ignore SA1019 a point beside the curve has no other way in
	off.X = new(big.Int).Add(off.X, big.NewInt(1))
	for name, c := range map[string]struct {
		key   stratumjwt.Key
		field string
	}{
		"short secret":     {stratumjwt.Key{Algorithm: "HS256", Secret: core.NewSecret(secret(31))}, "Secret"},
		"no secret":        {stratumjwt.Key{Algorithm: "HS256"}, "Secret"},
		"short for HS384":  {stratumjwt.Key{Algorithm: "HS384", Secret: core.NewSecret(secret(47))}, "Secret"},
		"short for HS512":  {stratumjwt.Key{Algorithm: "HS512", Secret: core.NewSecret(secret(63))}, "Secret"},
		"small RSA":        {stratumjwt.Key{Algorithm: "RS256", Public: small}, "Public"},
		"huge RSA":         {stratumjwt.Key{Algorithm: "RS256", Public: huge}, "Public"},
		"even exponent":    {stratumjwt.Key{Algorithm: "PS256", Public: even}, "Public"},
		"nil RSA":          {stratumjwt.Key{Algorithm: "RS256", Public: (*rsa.PublicKey)(nil)}, "Public"},
		"no key":           {stratumjwt.Key{Algorithm: "RS256"}, "Public"},
		"private key":      {stratumjwt.Key{Algorithm: "RS256", Public: rsaKey()}, "Public"},
		"another curve":    {stratumjwt.Key{Algorithm: "ES384", Public: p256().Public()}, "Public"},
		"beside the curve": {stratumjwt.Key{Algorithm: "ES256", Public: &off}, "Public"},
		"another type":     {stratumjwt.Key{Algorithm: "EdDSA", Public: p256().Public()}, "Public"},
		"RSA for EC":       {stratumjwt.Key{Algorithm: "ES256", Public: rsaKey().Public()}, "Public"},
		"both":             {stratumjwt.Key{Algorithm: "HS256", Secret: core.NewSecret(secret(32)), Public: rsaKey().Public()}, "Public"},
		"both, asymmetric": {stratumjwt.Key{Algorithm: "RS256", Secret: core.NewSecret(secret(32)), Public: rsaKey().Public()}, "Secret"},
		"none":             {stratumjwt.Key{Algorithm: "none", Secret: core.NewSecret(secret(32))}, "Algorithm"},
		"no algorithm":     {stratumjwt.Key{Secret: core.NewSecret(secret(32))}, "Algorithm"},
		"lower case":       {stratumjwt.Key{Algorithm: "hs256", Secret: core.NewSecret(secret(32))}, "Algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			wantInvalid(t, stratumjwt.Config{Keys: []stratumjwt.Key{c.key}}, "Keys[0]."+c.field)
		})
	}
}

// RFC 8725, section 3.10, and RFC 7515, section 4.1: what the sender puts into the header
// chooses no key and fetches nothing.
func TestHeaderIsNotTrusted(t *testing.T) {
	v := verifier(t, stratumjwt.Config{Keys: []stratumjwt.Key{keyFor("k", "RS256")}})
	own := otherRSA()
	jwk := claims{"kty": "RSA", "alg": "RS256", "n": b64(own.N.Bytes()), "e": "AQAB", "kid": "k"}
	for name, h := range map[string]claims{
		"jwk":        {"jwk": jwk},
		"jwk, kid":   {"jwk": jwk, "kid": "k"},
		"jku":        {"jku": "http://127.0.0.1:1/jwks.json", "kid": "k"},
		"x5u":        {"x5u": "http://127.0.0.1:1/cert.pem", "kid": "k"},
		"x5c":        {"x5c": []string{"MIIB"}, "kid": "k"},
		"path":       {"kid": "../../../../dev/null"},
		"SQL":        {"kid": "k' UNION SELECT 'x' --"},
		"command":    {"kid": "k|/usr/bin/id"},
		"URL":        {"kid": "http://127.0.0.1:1/"},
		"case":       {"kid": "K"},
		"empty":      {"kid": ""},
		"NUL":        {"kid": "k\x00"},
		"list":       {"kid": []string{"k"}},
		"number":     {"kid": 1},
		"null":       {"kid": nil},
		"crit":       {"crit": []string{"exp"}, "kid": "k"},
		"empty crit": {"crit": []string{}, "kid": "k"},
		"b64":        {"crit": []string{"b64"}, "b64": false, "kid": "k"},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, v, sign("RS256", own, good(nil), h), errNo)
			genuine := sign("RS256", rsaKey(), good(nil), h)
			if _, keyed := h["kid"].(string); strings.Contains(name, "crit") || name == "b64" || (h["kid"] != "k" && keyed) || name == "list" || name == "number" || name == "null" {
				check(t, v, genuine, errNo)
			} else {
				check(t, v, genuine, nil) // ignored
			}
		})
	}
}

// RFC 8725, sections 3.11 and 3.12.
func TestType(t *testing.T) {
	plain, access := verifier(t, stratumjwt.Config{}), verifier(t, stratumjwt.Config{Type: "at+jwt"})
	for _, c := range []struct {
		typ           any
		plain, access error
	}{
		{"JWT", nil, errNo},
		{"jwt", nil, errNo},
		{"at+jwt", nil, nil},
		{"application/at+JWT", nil, nil},
		{"application/", errNo, errNo},
		{"logout+jwt", errNo, errNo},
		{"secevent+jwt", errNo, errNo},
		{"dpop+jwt", errNo, errNo},
		{"", errNo, errNo},
		{1, errNo, errNo},
	} {
		token := sign("HS256", secret(64), good(nil), claims{"typ": c.typ})
		t.Run(fmt.Sprint(c.typ), func(t *testing.T) {
			check(t, plain, token, c.plain)
			check(t, access, token, c.access)
		})
	}
	untyped := signRaw("HS256", secret(64), `{"alg":"HS256"}`, `{"exp":9999999999}`)
	check(t, plain, untyped, nil)
	check(t, access, untyped, errNo)
}

// RFC 8725, sections 2.4 to 2.6, 3.6 and 3.7, and RFC 7519, section 4: what is no plain
// signed token of JSON objects, or can be read in two ways.
func TestMalformed(t *testing.T) {
	v := verifier(t, stratumjwt.Config{})
	h, p := `{"alg":"HS256"}`, `{"exp":9999999999}`
	signed := func(header, payload string) string { return signRaw("HS256", secret(64), header, payload) }
	token := signed(h, p)
	check(t, v, token, nil)
	parts := strings.Split(token, ".")
	for name, bad := range map[string]string{
		"empty":            "",
		"dots":             "..",
		"two parts":        parts[0] + "." + parts[1],
		"four parts":       token + ".",
		"five, as JWE":     token + "." + parts[0] + "." + parts[1],
		"nested":           signed(`{"alg":"HS256","cty":"JWT"}`, token),
		"no signature":     parts[0] + "." + parts[1] + ".",
		"padding":          token + "=",
		"line break":       token + "\n",
		"inner line break": parts[0] + "\n." + parts[1] + "." + parts[2],
		"space":            " " + token,
		"standard base64":  parts[0] + "." + parts[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(parts[2]) + "/",
		"other spelling":   token[:len(token)-1] + string(token[len(token)-1]+1),
		"JSON form":        `{"payload":"` + parts[1] + `","signatures":[]}`,
		"list payload":     signed(h, `[1]`),
		"text payload":     signed(h, `"x"`),
		"no payload":       signed(h, ``),
		"null payload":     signed(h, `null`),
		"list header":      signed(`["alg","HS256"]`, p),
		"trailing":         signed(h, p+`{}`),
		"trailing header":  signed(h+`x`, p),
		"cut":              signed(h, `{"exp":9999999999`),
		"claim twice":      signed(h, `{"tenant_id":"a","exp":9999999999,"tenant_id":"b"}`),
		"escaped twice":    signed(h, `{"tenant_id":"a","exp":9999999999,"tenant\u005fid":"b"}`),
		"inner twice":      signed(h, `{"exp":9999999999,"org":{"id":"a","id":"b"}}`),
		"alg twice":        signed(`{"alg":"HS256","alg":"HS256"}`, p),
		"deep":             signed(h, `{"exp":9999999999,"x":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`),
		"issuer a number":  signed(h, `{"exp":9999999999,"iss":1}`),
		"subject a list":   signed(h, `{"exp":9999999999,"sub":[]}`),
		"no UTF-8":         signed(h, "{\"exp\":9999999999,\"sub\":\"\xe9\"}"),
		"latin-1":          parts[0] + "." + parts[1] + ".\xe9",
	} {
		t.Run(name, func(t *testing.T) { check(t, v, bad, errNo) })
	}
	check(t, v, signed(`{"alg":"HS512"}`, p), errNo) // signed with another algorithm than it says
	check(t, v, signed(h, `{"exp":9999999999,"x":[1,{"a":[]},null,true,"ä"]}`), nil)
}

// RFC 8725, section 3.3: several keys, fixed ones, are told apart by kid, or tried in turn.
func TestSeveralKeys(t *testing.T) {
	other := []byte(strings.Repeat("o", 32))
	v := verifier(t, stratumjwt.Config{Keys: []stratumjwt.Key{
		{ID: "old", Algorithm: "HS256", Secret: core.NewSecret(secret(32))}, {ID: "new", Algorithm: "HS256", Secret: core.NewSecret(other)}, keyFor("rsa", "RS256"),
	}})
	for _, c := range []struct {
		alg  string
		key  any
		kid  claims
		want error
	}{
		{"HS256", secret(32), claims{"kid": "old"}, nil},
		{"HS256", other, claims{"kid": "new"}, nil},
		{"HS256", secret(32), claims{"kid": "new"}, errNo},
		{"HS256", secret(32), claims{"kid": "rsa"}, errNo},
		{"RS256", rsaKey(), claims{"kid": "rsa"}, nil},
		{"RS256", rsaKey(), claims{"kid": "old"}, errNo},
		{"HS256", secret(32), nil, nil},
		{"HS256", other, nil, nil},
		{"HS256", []byte("x"), nil, errNo},
	} {
		t.Run(fmt.Sprint(c.alg, c.kid), func(t *testing.T) { check(t, v, sign(c.alg, c.key, good(nil), c.kid), c.want) })
	}
	anonymous := verifier(t, stratumjwt.Config{})
	check(t, anonymous, sign("HS256", secret(64), good(nil), claims{"kid": "whatever"}), nil)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
