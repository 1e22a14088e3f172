package stratumjwt

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"

	"github.com/golang-jwt/jwt/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// The algorithms of RFC 7518, section 3.1, and RFC 8037, section 3.1.
var (
	symmetric  = []string{"HS256", "HS384", "HS512"}
	asymmetric = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)

const (
	minRSA = 2048 // bits (RFC 7518, section 3.3)
	maxRSA = 8192 // bits; larger ones take long to compute with
)

// Key is a key with its one algorithm.
type Key struct {
	// ID is the kid of the tokens that this key is for. Empty: those with any kid, and
	// those without.
	ID string

	// Algorithm is the one that the key is used with: HS256, HS384, HS512, RS256, RS384,
	// RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA.
	Algorithm string

	// Secret is for HS*: random bytes, at least as many as the hash has, 32, 48 or 64.
	Secret core.Secret

	// Public is for the others: *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey.
	Public crypto.PublicKey
}

// key is a checked key. Its address is its identity.
type key struct {
	id       string
	method   jwt.SigningMethod
	material any // what method.Verify wants
}

// check returns a copy of k that is fit for its algorithm, or says which field is not.
func (k Key) check() (checked *key, field, why string) {
	checked = &key{id: k.ID, method: jwt.GetSigningMethod(k.Algorithm)}
	switch {
	case slices.Contains(symmetric, k.Algorithm):
		if k.Public != nil {
			return nil, "Public", "must not be set: " + k.Algorithm + " takes a Secret"
		}
		if why := unfitSecret([]byte(k.Secret.Reveal()), checked.method.(*jwt.SigningMethodHMAC)); why != "" {
			return nil, "Secret", why
		}
		checked.material = []byte(k.Secret.Reveal())
	case slices.Contains(asymmetric, k.Algorithm):
		if k.Secret.Len() > 0 {
			return nil, "Secret", "must not be set: " + k.Algorithm + " takes a Public key"
		}
		if why := unfitPublic(k.Public, checked.method); why != "" {
			return nil, "Public", why
		}
		checked.material = k.Public
	default:
		return nil, "Algorithm", fmt.Sprintf("is %q, which is none of those that can be used", k.Algorithm)
	}
	return checked, "", ""
}

// unfitSecret says why a secret is not fit, or nothing. A public key in its place would
// be known to everybody.
func unfitSecret(secret []byte, m *jwt.SigningMethodHMAC) string {
	if n := m.Hash.Size(); len(secret) < n {
		return fmt.Sprintf("has %d bytes; %s needs %d (RFC 7518, section 3.2)", len(secret), m.Name, n)
	}
	der := secret
	if block, _ := pem.Decode(secret); block != nil {
		der = block.Bytes
	}
	_, pkix := x509.ParsePKIXPublicKey(der)
	_, pkcs1 := x509.ParsePKCS1PublicKey(der)
	_, cert := x509.ParseCertificate(der)
	if pkix == nil || pkcs1 == nil || cert == nil {
		return "is a public key, which is no secret"
	}
	return ""
}

// unfitPublic says why a public key is not fit for a method, or nothing.
func unfitPublic(public crypto.PublicKey, m jwt.SigningMethod) string {
	switch m := m.(type) {
	case *jwt.SigningMethodRSA, *jwt.SigningMethodRSAPSS:
		k, ok := public.(*rsa.PublicKey)
		if !ok || k == nil || k.N == nil {
			return wanted("*rsa.PublicKey", public)
		}
		if n := k.N.BitLen(); n < minRSA || n > maxRSA {
			return fmt.Sprintf("has %d bits; it must have %d to %d (RFC 7518, section 3.3)", n, minRSA, maxRSA)
		}
		if k.E < 3 || k.E%2 == 0 {
			return fmt.Sprintf("has the exponent %d", k.E)
		}
	case *jwt.SigningMethodECDSA:
		k, ok := public.(*ecdsa.PublicKey)
		if !ok || k == nil || k.Curve == nil {
			return wanted("*ecdsa.PublicKey", public)
		}
		if k.Curve.Params().BitSize != m.CurveBits {
			return fmt.Sprintf("is on the curve %s, which is not that of %s", k.Curve.Params().Name, m.Name)
		}
		if _, err := k.Bytes(); err != nil {
			return "is no point of its curve"
		}
	case *jwt.SigningMethodEd25519:
		k, ok := public.(ed25519.PublicKey)
		if !ok || len(k) != ed25519.PublicKeySize {
			return wanted("ed25519.PublicKey", public)
		}
	}
	return ""
}

func wanted(kind string, got any) string { return fmt.Sprintf("must be a %s, not %T", kind, got) }
