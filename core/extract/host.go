package extract

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// Subdomain reads the tenant from the one label in front of the base domain:
// under "app.example.com", the host brazil.app.example.com names the tenant
// brazil. Case, port and a trailing dot do not matter. Host names have no
// underscore and slugs no hyphen, so both stand for the slug's underscore:
// north-star.app.example.com is the tenant north_star. A label that is a
// hyphenated UUID is an id.
//
// The base itself, and any host outside it, name no tenant. Two labels below the
// base, and an internationalized (xn--) label, which could pass for another
// tenant's in an address bar, are [core.ErrTenantRefInvalid].
//
// It panics on a base that is no domain.
func Subdomain(base string) core.Extractor {
	return subdomain(base, core.Request.Host)
}

// Host reads the tenant from the whole host name, as one of the custom domains of
// a tenant. The hosts that the service itself answers to are given as own: they
// name no tenant, so that a following extractor has its turn. An address instead
// of a name is nobody's domain, and names no tenant either.
//
// It panics on an own host that is no host name.
func Host(own ...string) core.Extractor {
	return customDomain(own, core.Request.Host)
}

// hostSource is where the host of a request is taken from.
type hostSource func(core.Request) string

func subdomain(base string, source hostSource) core.Extractor {
	name, addr, ok := hostname(base)
	must(ok && name != "" && !addr, "Subdomain needs a base domain such as app.example.com, not "+quote(base))
	suffix := "." + name
	return func(r core.Request) (core.Selection, error) {
		host, _, ok := hostname(source(r))
		if !ok {
			return core.Selection{}, invalid("the host is malformed")
		}
		label, below := strings.CutSuffix(host, suffix)
		if !below {
			return core.Selection{}, nil
		}
		return fromLabel(label)
	}
}

func fromLabel(label string) (core.Selection, error) {
	if strings.IndexByte(label, '.') >= 0 {
		return core.Selection{}, invalid("the host has more than one label in front of the base domain")
	}
	if strings.HasPrefix(label, "xn--") {
		return core.Selection{}, invalid("the subdomain is internationalized; a slug is not")
	}
	if strings.IndexByte(label, '-') >= 0 {
		if ref, err := core.ParseRef(label); err == nil { // with a hyphen it can only be an id
			return core.Selection{Ref: ref}, nil
		}
		label = strings.ReplaceAll(label, "-", "_")
	}
	if !core.ValidSlug(label) {
		return core.Selection{}, invalid("the subdomain is neither a tenant id nor a slug")
	}
	return core.Selection{Ref: core.BySlug(label)}, nil
}

func customDomain(own []string, source hostSource) core.Extractor {
	names := make([]string, len(own))
	for i, h := range own {
		name, _, ok := hostname(h)
		must(ok && name != "", "Host needs host names of the service itself, not "+quote(h))
		names[i] = name
	}
	return func(r core.Request) (core.Selection, error) {
		host, addr, ok := hostname(source(r))
		if !ok {
			return core.Selection{}, invalid("the host is malformed")
		}
		if host == "" || addr || slices.Contains(names, host) {
			return core.Selection{}, nil
		}
		return core.Selection{Ref: core.ByDomain(host)}, nil
	}
}

const (
	maxHost  = 253 // a name in text form, RFC 1035
	maxLabel = 63
)

// hostname brings a host to its canonical form, and says whether it is an address.
// It is not ok if the host is neither a name nor an address. An empty host is ok:
// HTTP/1.0 sends none.
func hostname(raw string) (host string, addr, ok bool) {
	raw = strings.Trim(raw, " ")
	if len(raw) > maxHost+len("[]:65535.") {
		return "", false, false
	}
	host = core.CanonicalHost(raw)
	if host == "" {
		return "", false, raw == ""
	}
	if strings.IndexByte(host, ':') >= 0 {
		ip, err := netip.ParseAddr(host)
		return host, true, err == nil && ip.Is6()
	}
	if len(host) > maxHost || !labels(host) {
		return "", false, false
	}
	if last := host[len(host)-1]; last >= '0' && last <= '9' {
		_, err := netip.ParseAddr(host)
		addr = err == nil
	}
	return host, addr, true
}

// labels reports whether host is a sequence of labels of letters, digits, hyphens
// and, for hosts inside an organization, underscores.
func labels(host string) bool {
	start := 0
	for i := 0; i <= len(host); i++ {
		if i == len(host) || host[i] == '.' {
			if i == start || i-start > maxLabel {
				return false
			}
			start = i + 1
			continue
		}
		if c := host[i]; !alphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
