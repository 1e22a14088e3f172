package core

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
)

// RefKind says how a [Ref] names a tenant.
type RefKind uint8

// The kinds of reference. The zero kind is no reference.
const (
	RefID     RefKind = iota + 1 // by id
	RefSlug                      // by slug
	RefDomain                    // by verified custom domain
	RefKey                       // by API key, a secret
)

// Ref names a tenant: by id, slug, domain or API key. It is comparable, and thus a
// cache key. The zero Ref names none.
type Ref struct {
	kind RefKind
	id   ID
	text string
}

// ByID names a tenant by its id.
func ByID(id ID) Ref { return Ref{kind: RefID, id: id} }

// BySlug names a tenant by its slug.
func BySlug(slug string) Ref { return Ref{kind: RefSlug, text: slug} }

// ByDomain names a tenant by a custom domain. Case, a port and a trailing dot do not matter.
func ByDomain(domain string) Ref { return Ref{kind: RefDomain, text: CanonicalHost(domain)} }

// ByKey names the tenant that an API key belongs to. The key is a secret: a Ref never prints it.
func ByKey(key string) Ref { return Ref{kind: RefKey, text: key} }

// ParseRef reads what a person or a header says: a hyphenated UUID is an id, a
// slug is a slug, anything else is [ErrTenantRefInvalid]. It does not allocate.
func ParseRef(s string) (Ref, error) {
	if len(s) == hyphenated {
		var id ID
		if id.decodeHyphenated(s) {
			if id.IsZero() {
				return Ref{}, Errorf(TenantRefInvalid, "the zero id is no tenant")
			}
			return ByID(id), nil
		}
	}
	if ValidSlug(s) {
		return BySlug(s), nil
	}
	return Ref{}, Errorf(TenantRefInvalid, "%q is neither a tenant id nor a slug", clip(s))
}

// Kind says how the reference names its tenant; 0 for the zero Ref.
func (r Ref) Kind() RefKind { return r.kind }

// IsZero reports whether r names no tenant.
func (r Ref) IsZero() bool { return r.kind == 0 }

// ID returns the id of a [RefID] reference.
func (r Ref) ID() ID { return r.id }

// Text returns the slug, domain or key of a reference that is no id.
func (r Ref) Text() string { return r.text }

// String describes the reference for people and logs; a key is masked.
func (r Ref) String() string {
	switch r.kind {
	case RefID:
		return "id " + r.id.String()
	case RefSlug:
		return "slug " + printable(r.text)
	case RefDomain:
		return "domain " + printable(r.text)
	case RefKey:
		return "an API key"
	}
	return "no tenant"
}

// GoString keeps a key out of %#v as well.
func (r Ref) GoString() string { return "core.Ref{" + r.String() + "}" }

// Format implements [fmt.Formatter], so that no verb whatever prints a key.
func (r Ref) Format(s fmt.State, verb rune) {
	text := r.String()
	if verb == 'v' && s.Flag('#') {
		text = r.GoString()
	}
	_, _ = io.WriteString(s, text)
}

// LogValue implements [slog.LogValuer]: the same text as String.
func (r Ref) LogValue() slog.Value { return slog.StringValue(r.String()) }

// printable bounds a text that came from outside, and quotes it if anything in it
// could break a line of a log.
func printable(s string) string {
	s = clip(s)
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == '"' || s[i] >= 0x7f {
			return strconv.QuoteToASCII(s)
		}
	}
	return s
}

// Resolver finds tenants. It returns [ErrTenantNotFound] for one that does not
// exist, the tenant itself whatever its status, and [ErrResolverDown] (or any
// other error) when it cannot tell. The caller owns the returned tenant.
//
// The text of ref may lie in a buffer that a web framework uses again for its next
// request: a resolver that keeps it beyond the call clones it.
type Resolver interface {
	Resolve(ctx context.Context, ref Ref) (*Tenant, error)
}

// SharedResolver is a [Resolver] that can also hand out tenants it keeps, without
// a copy. The caller must not modify them. Admission uses it where a resolver has it.
type SharedResolver interface {
	ResolveShared(ctx context.Context, ref Ref) (*Tenant, error)
}

// ResolverFunc makes a function a [Resolver].
type ResolverFunc func(ctx context.Context, ref Ref) (*Tenant, error)

// Resolve calls f.
func (f ResolverFunc) Resolve(ctx context.Context, ref Ref) (*Tenant, error) { return f(ctx, ref) }

// Static returns a resolver over a fixed set of tenants, by id, slug and domain:
// for tests and for installations whose tenants are in a file. It copies the
// tenants. Of two with the same id, slug or domain, neither is found by it: a
// reference that could mean two tenants means none.
func Static(tenants ...*Tenant) Resolver {
	m := make(static)
	for _, t := range tenants {
		if t == nil || t.ID.IsZero() {
			continue
		}
		c := t.Clone()
		m.add(ByID(c.ID), c)
		if c.Slug != "" {
			m.add(BySlug(c.Slug), c)
		}
		for _, d := range c.Domains {
			m.add(ByDomain(d), c)
		}
	}
	return m
}

type static map[Ref]*Tenant

func (m static) add(r Ref, t *Tenant) {
	if other, taken := m[r]; taken && other != t { // naming a domain twice is harmless
		t = nil
	}
	m[r] = t
}

func (m static) ResolveShared(_ context.Context, ref Ref) (*Tenant, error) {
	if t := m[ref]; t != nil {
		return t, nil
	}
	return nil, Errorf(TenantNotFound, "there is no tenant with %s", ref)
}

func (m static) Resolve(ctx context.Context, ref Ref) (*Tenant, error) {
	t, err := m.ResolveShared(ctx, ref)
	return t.Clone(), err
}

// CanonicalHost brings the host of a request or of a custom domain to one form:
// lower case, no port, no trailing dot; an IPv6 address without brackets. What is
// no host at all comes back as it is, but for its case: it is nobody's domain.
// Only ASCII letters are lowered: there are others that would become an ASCII one.
func CanonicalHost(host string) string {
	if strings.HasPrefix(host, "[") {
		inside, port, ok := strings.Cut(host[1:], "]")
		if ok && (port == "" || port[0] == ':' && digits(port[1:])) {
			if addr, err := netip.ParseAddr(inside); err == nil && addr.Is6() {
				host = inside
			}
		}
		return lower(host)
	}
	if name, port, ok := strings.Cut(host, ":"); ok {
		if !digits(port) { // a bare IPv6 address, or no host
			return lower(host)
		}
		host = name
	}
	if n := len(host) - 1; n > 0 && host[n] == '.' && host[n-1] != '.' {
		host = host[:n]
	}
	return lower(host)
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// lower lowers ASCII letters, and allocates only if there is one to lower.
func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
