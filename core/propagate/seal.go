package propagate

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/stratum-hq/stratum-go/core"
)

const (
	sealed   = "v1"    // version of the sealed form
	unsealed = "plain" // the form without a seal
	nobody   = "-"     // caller: there is none
	maxValue = 512     // longest value that is looked at, in bytes
	macLen   = 43      // SHA-256 in base64url; any other length is another spelling
)

// passport is what travels.
type passport struct {
	tenant core.ID
	caller core.ID // zero: nobody runs as the tenant
	sealed bool    // it was
}

// seal writes the value for a passport.
func (p *Propagator) seal(pass passport) string {
	ids := pass.tenant.String() + "." + nobody
	if !pass.caller.IsZero() {
		ids = pass.tenant.String() + "." + pass.caller.String()
	}
	if len(p.keys) == 0 {
		return unsealed + "." + ids
	}
	key := p.keys[0]
	expiry := p.now().Add(p.ttl + time.Second - 1).Unix()
	body := sealed + "." + key.ID + "." + ids + "." + strconv.FormatInt(expiry, 10)
	return body + "." + base64.RawURLEncoding.EncodeToString(p.mac(key, body))
}

// mac binds a body to the audience. No body has a line break, so that the parts
// cannot be shifted against each other.
func (p *Propagator) mac(key Key, body string) []byte {
	h := hmac.New(sha256.New, []byte(key.Secret.Reveal()))
	h.Write([]byte("stratum-propagate\n" + body + "\n" + p.audience))
	return h.Sum(nil)
}

// open reads a value, and believes it only as far as the configuration says. Errors do
// not repeat the value.
func (p *Propagator) open(value string) (passport, error) {
	if len(value) > maxValue {
		return passport{}, refused("is too long")
	}
	version, rest, _ := strings.Cut(value, ".")
	switch {
	case version == sealed && len(p.keys) > 0:
		return p.unseal(value)
	case version == sealed:
		return passport{}, refused("is sealed, and there are no keys to open it")
	case version != unsealed:
		return passport{}, refused("has no form that is known here")
	case !p.unsealed:
		return passport{}, refused("has no seal")
	}
	tenant, caller, _ := strings.Cut(rest, ".")
	return identities(tenant, caller)
}

// unseal checks the seal before anything else in the value.
func (p *Propagator) unseal(value string) (passport, error) {
	parts := strings.Split(value, ".")
	if len(parts) != 6 || len(parts[5]) != macLen {
		return passport{}, refused("is malformed")
	}
	body := value[:len(value)-macLen-1]
	mac, err := base64.RawURLEncoding.Strict().DecodeString(parts[5])
	if err != nil {
		return passport{}, refused("is malformed")
	}
	genuine := false
	for _, key := range p.keys {
		if key.ID == parts[1] {
			genuine = hmac.Equal(mac, p.mac(key, body)) // in constant time
		}
	}
	if !genuine {
		return passport{}, refused("has a seal that is not valid here")
	}
	expiry, err := strconv.ParseInt(parts[4], 10, 64)
	if err != nil {
		return passport{}, refused("is malformed")
	}
	if p.now().Unix() >= expiry {
		return passport{}, refused("has expired")
	}
	pass, err := identities(parts[2], parts[3])
	pass.sealed = err == nil
	return pass, err
}

// identities reads the two ids, each in its canonical form only.
func identities(tenant, caller string) (passport, error) {
	var pass passport
	var err error
	if pass.tenant, err = canonical(tenant); err == nil && caller != nobody {
		pass.caller, err = canonical(caller)
	}
	if err != nil {
		return passport{}, err
	}
	return pass, nil
}

func canonical(s string) (core.ID, error) {
	id, err := core.ParseID(s)
	if err != nil || id.IsZero() || id.String() != s {
		return core.ID{}, refused("is malformed")
	}
	return id, nil
}

func refused(why string) error {
	return core.Errorf(core.Unauthorized, "the tenant that came with the message %s", why)
}
