package propagate

import (
	"fmt"
	"net/textproto"
	"slices"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

// DefaultName is where the tenant travels.
const DefaultName = "X-Stratum-Tenant"

// DefaultTTL is how long a seal is good for.
const DefaultTTL = time.Minute

// MinSecret is the length of the shortest secret, in bytes: that of the MAC (RFC 2104, section 3).
const MinSecret = 32

// Config says how a tenant travels. Sender and receiver have the same one.
type Config struct {
	// Keys seal and open. The first seals; all of them open. There must be one, unless
	// Unsealed is set.
	Keys []Key

	// Audience names the receiver or the purpose: billing, or jobs.invoices. It is part
	// of the seal, and must not be empty where there are keys.
	Audience string

	// TTL is how long a seal is good for. It covers the time on the way and the
	// difference of the clocks. Zero: [DefaultTTL]. It is rounded up to seconds.
	TTL time.Duration

	// Name is the name of the header or attribute. Empty: [DefaultName].
	Name string

	// Unsealed accepts what has no seal, and without Keys sends it like that. It is for
	// ways on which nobody but the sender can write.
	Unsealed bool

	// Clock tells the time. Nil: time.Now.
	Clock func() time.Time
}

// Key is a secret that sender and receiver share.
type Key struct {
	ID     string      // 1 to 32 letters, digits, - and _; it travels in the clear
	Secret core.Secret // at least [MinSecret] bytes, from a random source
}

// Propagator sends and receives tenants on one way. It is safe for concurrent use.
type Propagator struct {
	keys     []Key
	audience string
	ttl      time.Duration
	name     string
	unsealed bool
	now      func() time.Time
}

// New checks the configuration. Its errors are [core.ErrValidation] and name the field.
func New(cfg Config) (*Propagator, error) {
	p := &Propagator{
		keys: slices.Clone(cfg.Keys), audience: cfg.Audience, ttl: cfg.TTL, name: cfg.Name, unsealed: cfg.Unsealed, now: cfg.Clock,
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	if p.ttl == 0 {
		p.ttl = DefaultTTL
	}
	if p.name == "" {
		p.name = DefaultName
	}
	p.name = textproto.CanonicalMIMEHeaderKey(p.name)
	if p.now == nil {
		p.now = time.Now
	}
	return p, nil
}

func (c Config) validate() error {
	switch {
	case len(c.Keys) == 0 && !c.Unsealed:
		return invalid("Keys", "is empty: without a key anybody could name any tenant; set Config.Unsealed if nobody else can write there")
	case len(c.Keys) == 0 && c.Audience != "":
		return invalid("Audience", "is %q, and there are no keys to seal it with", c.Audience)
	case len(c.Keys) > 0 && c.Audience == "":
		return invalid("Audience", "is empty: name the receiver, or a message for one would be good for all")
	case c.TTL < 0:
		return invalid("TTL", "is negative: %s", c.TTL)
	case c.Name != "" && !isName(c.Name, 128):
		return invalid("Name", "is %q; it must be letters, digits, - and _", c.Name)
	}
	for i, k := range c.Keys {
		field := fmt.Sprintf("Keys[%d]", i)
		switch {
		case !isName(k.ID, 32):
			return invalid(field+".ID", "is %q; it must be 1 to 32 letters, digits, - and _", k.ID)
		case k.Secret.Len() < MinSecret:
			return invalid(field+".Secret", "has %d bytes, and needs %d", k.Secret.Len(), MinSecret)
		case slices.ContainsFunc(c.Keys[:i], func(o Key) bool { return o.ID == k.ID }):
			return invalid(field+".ID", "is %q, and so is that of an earlier key", k.ID)
		}
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return core.Errorf(core.Validation, "Config."+field+" "+format, args...).With("field", field)
}

// isName reports whether s is 1 to n letters, digits, hyphens and underscores.
func isName(s string, n int) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= n
}
