package stratumjwt

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	cfg    Config
	path   []string
	fixed  []*key
	remote *remote // nil: there is no key set
	seen   *memory
	now    func() time.Time
}

// New makes a verifier. With a key set it fetches it, and fails if it cannot; ctx bounds
// that, and the goroutine which refreshes the set from then on. Errors about the
// configuration are [core.ErrValidation] and name the field.
func New(ctx context.Context, cfg Config) (*Verifier, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	v := &Verifier{cfg: cfg, path: pathOf(cfg.Claim), now: cfg.Clock}
	v.cfg.Audience = slices.Clone(cfg.Audience)
	if v.now == nil {
		v.now = time.Now
	}
	for i, k := range cfg.Keys {
		checked, field, why := k.check()
		if checked == nil {
			return nil, invalid(fmt.Sprintf("Keys[%d].%s", i, field), "%s", why)
		}
		v.fixed = append(v.fixed, checked)
	}
	switch {
	case cfg.Remembered == 0:
		v.seen = newMemory(DefaultRemembered)
	case cfg.Remembered > 0:
		v.seen = newMemory(cfg.Remembered)
	}
	if cfg.JWKS.URL != "" {
		var err error
		if v.remote, err = openSet(ctx, cfg.JWKS, v.now, cfg.Logger); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Verify verifies a token and returns its claims. What is wrong with it is
// [core.ErrUnauthorized]; [core.ErrResolverDown] means that its key is not known and the
// key set cannot be fetched. ctx bounds how long it waits for that.
func (v *Verifier) Verify(ctx context.Context, token string) (*Claims, error) {
	c, err := v.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	return c.clone(), nil
}

// verify returns claims that are shared.
func (v *Verifier) verify(ctx context.Context, token string) (*Claims, error) {
	if len(token) > MaxToken {
		return nil, refused("is too long", nil)
	}
	hash := hashOf(token)
	if c, k := v.seen.get(hash); c != nil && v.inUse(k) {
		return c, v.timely(c)
	}
	c, k, err := v.check(ctx, token)
	if err == nil {
		v.seen.put(hash, c, k)
	}
	return c, err
}

// check verifies a token that is not remembered.
func (v *Verifier) check(ctx context.Context, token string) (*Claims, *key, error) {
	p, err := split(token)
	if err != nil {
		return nil, nil, err
	}
	alg, kid, err := v.header(p.header)
	if err != nil {
		return nil, nil, err
	}
	keys, err := v.keysFor(ctx, alg, kid)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range keys {
		if k.method.Verify(p.signed, p.signature, k.material) != nil {
			continue
		}
		c, err := parseClaims(p.payload, v.path)
		if err != nil {
			return nil, nil, refused("is malformed", err)
		}
		if err := v.meant(c); err != nil {
			return nil, nil, err
		}
		return c, k, v.timely(c)
	}
	return nil, nil, refused("is not valid", jwt.ErrTokenSignatureInvalid)
}

// parts is a token in compact serialization (RFC 7515, section 7.1).
type parts struct {
	signed                     string
	header, payload, signature []byte
}

// split takes a token apart. Decoding is strict, and nothing but the alphabet is let
// through: package base64 would skip line breaks.
func split(token string) (parts, error) {
	segments := strings.Split(token, ".")
	if len(segments) != 3 || !wellFormed(token) {
		return parts{}, refused("is malformed", nil)
	}
	var decoded [3][]byte
	for i, s := range segments {
		b, err := base64.RawURLEncoding.Strict().DecodeString(s)
		if err != nil {
			return parts{}, refused("is malformed", nil)
		}
		decoded[i] = b
	}
	return parts{token[:len(segments[0])+1+len(segments[1])], decoded[0], decoded[1], decoded[2]}, nil
}

// header checks the header and returns what chooses the key. Everything else in it is
// the sender's word, and not read.
func (v *Verifier) header(raw []byte) (alg string, kid *string, err error) {
	h, err := parseObject(raw)
	if err != nil {
		return "", nil, refused("is malformed", err)
	}
	if _, critical := h["crit"]; critical {
		return "", nil, refused("has extensions that are not understood here", nil) // RFC 7515, section 4.1.11
	}
	if !v.typed(h) {
		return "", nil, refused("is of another type", nil)
	}
	if value, there := h["kid"]; there {
		s, ok := value.(string)
		if !ok {
			return "", nil, refused("is malformed", nil)
		}
		kid = &s
	}
	alg, ok := h["alg"].(string)
	if !ok {
		return "", nil, refused("is malformed", nil)
	}
	return alg, kid, nil
}

// typed checks typ, which may leave out application/ (RFC 7515, section 4.1.9).
func (v *Verifier) typed(h map[string]any) bool {
	value, there := h["typ"]
	if !there {
		return v.cfg.Type == ""
	}
	typ, _ := value.(string)
	if i := len("application/"); len(typ) > i && strings.EqualFold(typ[:i], "application/") {
		typ = typ[i:]
	}
	if v.cfg.Type == "" {
		return strings.EqualFold(typ, "JWT") || strings.EqualFold(typ, "at+jwt")
	}
	return strings.EqualFold(typ, v.cfg.Type)
}

// keysFor returns the keys that may have signed a token. There are several only for
// tokens without kid, and where fixed keys have no ID.
func (v *Verifier) keysFor(ctx context.Context, alg string, kid *string) ([]*key, error) {
	var found []*key
	for _, k := range v.fixed {
		if k.method.Alg() == alg && (k.id == "" || kid == nil || k.id == *kid) {
			found = append(found, k)
		}
	}
	var down error
	if v.remote != nil {
		if kid != nil && len(found) == 0 && !v.remote.knows(*kid) {
			down = v.remote.look(ctx)
		}
		found = append(found, v.remote.keysFor(alg, kid)...)
	}
	switch {
	case len(found) == 0 && down != nil:
		return nil, core.ErrResolverDown.Wrap(down)
	case len(found) == 0:
		return nil, refused("is not valid", errors.New("there is no key for its kid and alg"))
	}
	return found, nil
}

// inUse reports whether a key has not been withdrawn.
func (v *Verifier) inUse(k *key) bool {
	return slices.Contains(v.fixed, k) || v.remote != nil && slices.Contains(*v.remote.keys.Load(), k)
}

// meant checks who issued the token and for whom (RFC 7519, sections 4.1.1 and 4.1.3).
func (v *Verifier) meant(c *Claims) error {
	if v.cfg.Issuer != "" && c.Issuer != v.cfg.Issuer {
		return refused("is not valid", jwt.ErrTokenInvalidIssuer)
	}
	if v.cfg.AnyAudience || len(v.cfg.Audience) == 0 && c.Audience == nil {
		return nil
	}
	if !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(v.cfg.Audience, a) }) {
		return refused("is not valid", jwt.ErrTokenInvalidAudience)
	}
	return nil
}

// timely checks the times (RFC 7519, sections 4.1.4 to 4.1.6).
func (v *Verifier) timely(c *Claims) error {
	now, leeway := v.now(), v.cfg.Leeway
	switch {
	case c.Expires.IsZero() && !v.cfg.AllowNoExpiry:
		return refused("is not valid", fmt.Errorf("exp: %w", jwt.ErrTokenRequiredClaimMissing))
	case !c.Expires.IsZero() && !now.Before(c.Expires.Add(leeway)):
		return refused("has expired", jwt.ErrTokenExpired)
	case now.Before(c.NotBefore.Add(-leeway)):
		return refused("is not valid yet", jwt.ErrTokenNotValidYet)
	case v.cfg.MaxAge == 0:
		return nil
	case c.IssuedAt.IsZero():
		return refused("is not valid", fmt.Errorf("iat: %w", jwt.ErrTokenRequiredClaimMissing))
	case now.Before(c.IssuedAt.Add(-leeway)):
		return refused("is not valid yet", jwt.ErrTokenUsedBeforeIssued)
	case !now.Before(c.IssuedAt.Add(v.cfg.MaxAge + leeway)):
		return refused("has expired", jwt.ErrTokenExpired)
	}
	return nil
}

// refused is the answer to a token that is no good. The cause is for the log.
func refused(why string, cause error) error {
	e := core.Errorf(core.Unauthorized, "the token %s", why)
	e.Err = cause
	return e
}
