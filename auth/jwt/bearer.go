package stratumjwt

import (
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// Extractor reads the tenant from the request's token; see the package documentation. A
// valid token that names no tenant is refused too: a weaker source must not decide for it.
func (v *Verifier) Extractor() core.Extractor {
	return func(r core.Request) (core.Selection, error) {
		token, err := v.token(r)
		if err != nil {
			return core.Selection{}, err
		}
		if token == "" {
			if v.cfg.Required {
				return core.Selection{}, errNoToken()
			}
			return core.Selection{}, nil
		}
		c, err := v.verify(r.Context(), token)
		if err != nil {
			return core.Selection{}, err
		}
		if c.Tenant.IsZero() {
			return core.Selection{}, refused("names no tenant", nil)
		}
		return core.Selection{Ref: c.Tenant, Verified: true}, nil
	}
}

// Claims returns the claims of the request's token. Without one it is
// [core.ErrUnauthorized]. After [Verifier.Extractor] has verified the token, it is not
// verified a second time.
func (v *Verifier) Claims(r core.Request) (*Claims, error) {
	token, err := v.token(r)
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, errNoToken()
	}
	return v.Verify(r.Context(), token)
}

func errNoToken() error { return core.Errorf(core.Unauthorized, "the request has no token") }

// token returns the one token of a request, or "" if there is none. Two are one too many
// (RFC 6750, section 2).
func (v *Verifier) token(r core.Request) (string, error) {
	line, n := r.Header("Authorization")
	if n > 1 {
		return "", core.Errorf(core.Unauthorized, "the header Authorization occurs %d times", n)
	}
	bearer, ok := cutScheme(line)
	if ok && (len(bearer) > MaxToken || !wellFormed(bearer)) {
		return "", refused("is malformed", nil)
	}
	if v.cfg.Cookie == "" {
		return bearer, nil
	}
	cookie, n := r.Cookie(v.cfg.Cookie)
	switch {
	case n > 1:
		return "", core.Errorf(core.Unauthorized, "the cookie %s occurs %d times", v.cfg.Cookie, n)
	case n == 0 || cookie == "":
		return bearer, nil
	case ok:
		return "", core.Errorf(core.Unauthorized, "the request has a token in the header Authorization and another in the cookie %s", v.cfg.Cookie)
	case len(cookie) > MaxToken || !wellFormed(cookie):
		return "", refused("is malformed", nil)
	}
	return cookie, nil
}

// cutScheme returns what follows the scheme Bearer, in any case (RFC 9110, section
// 11.1; RFC 6750, section 2.1), and whether it is the scheme.
func cutScheme(line string) (string, bool) {
	scheme, rest, _ := strings.Cut(strings.Trim(line, " \t"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimLeft(rest, " "), true
}

// wellFormed reports whether s has nothing but what a JWT is made of, and something of it.
func wellFormed(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != ""
}
