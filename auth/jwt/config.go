package stratumjwt

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

const (
	// DefaultClaim is the claim that names the tenant.
	DefaultClaim = "tenant_id"
	// MaxToken is the length of the longest token, in bytes.
	MaxToken = 16 << 10
	// DefaultRemembered is how many verified tokens are remembered.
	DefaultRemembered = 1024

	maxLeeway = 5 * time.Minute
	maxKeys   = 16
)

// Config says which tokens are good, and where they name the tenant. There must be Keys
// or a JWKS; the other zero values are right for most.
type Config struct {
	// Keys are fixed: shared secrets, or public keys. At most 16.
	Keys []Key

	// JWKS is the key set of an identity provider. With it, Issuer and Audience are needed.
	JWKS JWKS

	// Issuer must be the iss of tokens, exactly. Empty: any.
	Issuer string

	// Audience lists who this service is; the aud of tokens must contain one of them.
	// Empty: only tokens without aud are good.
	Audience []string

	// AnyAudience accepts tokens whoever they are meant for: any service with a token of
	// a user can then act as the user here.
	AnyAudience bool

	// Type must be the typ of tokens, such as at+jwt, in any case. Empty: JWT, at+jwt or none.
	Type string

	// AllowNoExpiry accepts tokens without exp, which are good for ever.
	AllowNoExpiry bool

	// MaxAge, if not 0, is how long after their iat tokens are good, whatever their exp.
	MaxAge time.Duration

	// Leeway is how far the clocks of issuer and service may be apart; at most 5 minutes.
	Leeway time.Duration

	// Claim names the tenant, by id or slug. Dots lead into objects: org.id. A name that
	// contains ://, as identity providers make them, is one name. Empty: tenant_id.
	Claim string

	// Cookie is the name of a cookie that may have the token where the Authorization header
	// has none. Browsers send it along with requests that other sites make: protect
	// against those. Empty: no cookie is read.
	Cookie string

	// Required refuses requests without a token.
	Required bool

	// Remembered is how many verified tokens are remembered. 0: [DefaultRemembered];
	// negative: none.
	Remembered int

	// Clock tells the time. Nil: time.Now.
	Clock func() time.Time

	// Logger gets failures to fetch the key set. Nil: slog.Default().
	Logger *slog.Logger
}

// JWKS is a set of public keys (RFC 7517) that is fetched. Only https is allowed, but
// for loopback addresses, and redirects are not followed.
type JWKS struct {
	// URL is where the set is. Empty: there is none.
	URL string

	// Algorithms are those that keys of the set may have. Nil: RS*, PS*, ES* and EdDSA. A key
	// that does not name its own has that of its curve, or, if it is an RSA key, RS256.
	Algorithms []string

	// Refresh is how often the set is fetched. 0: each hour.
	Refresh time.Duration

	// Cooldown is the least time between fetches that unknown keys cause, and after one that
	// failed. 0: 1 minute.
	Cooldown time.Duration

	// Timeout bounds one fetch. 0: 10 seconds.
	Timeout time.Duration

	// Client fetches. Nil: one over http.DefaultTransport.
	Client *http.Client
}

func (c Config) validate() error {
	switch {
	case len(c.Keys) == 0 && c.JWKS.URL == "":
		return invalid("Keys", "is empty, and so is Config.JWKS.URL: no token could ever be good")
	case len(c.Keys) > maxKeys:
		return invalid("Keys", "has %d keys; there may be %d", len(c.Keys), maxKeys)
	case c.AnyAudience && len(c.Audience) > 0:
		return invalid("AnyAudience", "contradicts Config.Audience")
	case slices.Contains(c.Audience, ""):
		return invalid("Audience", "contains an empty one")
	case c.Leeway < 0 || c.Leeway > maxLeeway:
		return invalid("Leeway", "is %s; it must be between 0 and %s", c.Leeway, maxLeeway)
	case c.MaxAge < 0:
		return invalid("MaxAge", "is negative: %s", c.MaxAge)
	case !strings.Contains(c.Claim, "://") && c.Claim != "" && slices.Contains(strings.Split(c.Claim, "."), ""):
		return invalid("Claim", "is %q; no name between dots may be empty", c.Claim)
	case strings.ContainsAny(c.Cookie, "()<>@,;:\\\"/[]?={} \t"):
		return invalid("Cookie", "is %q, which cannot be the name of a cookie", c.Cookie)
	}
	if c.JWKS.URL == "" {
		if c.JWKS.Algorithms != nil || c.JWKS.Refresh != 0 || c.JWKS.Cooldown != 0 || c.JWKS.Timeout != 0 || c.JWKS.Client != nil {
			return invalid("JWKS", "is set, but for its URL")
		}
		return nil
	}
	return c.validateSet()
}

func (c Config) validateSet() error {
	switch {
	case c.Issuer == "":
		return invalid("Issuer", "is empty: with Config.JWKS it is needed, as providers use a key for many issuers")
	case len(c.Audience) == 0 && !c.AnyAudience:
		return invalid("Audience", "is empty: with Config.JWKS it is needed, as providers issue tokens for many services")
	case c.JWKS.Refresh < 0 || c.JWKS.Cooldown < 0 || c.JWKS.Timeout < 0:
		return invalid("JWKS", "has a negative duration")
	}
	for i, k := range c.Keys {
		if k.ID == "" {
			return invalid(fmt.Sprintf("Keys[%d].ID", i), "is empty: beside Config.JWKS each key needs one")
		}
	}
	for _, a := range c.JWKS.Algorithms {
		if !slices.Contains(asymmetric, a) {
			return invalid("JWKS.Algorithms", "contains %q; it may contain %s", a, strings.Join(asymmetric, ", "))
		}
	}
	u, err := url.Parse(c.JWKS.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return invalid("JWKS.URL", "must be an https URL without user information")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func invalid(field, format string, args ...any) error {
	return core.Errorf(core.Validation, "Config."+field+" "+format, args...).With("field", field)
}
