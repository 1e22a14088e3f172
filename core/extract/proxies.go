package extract

import (
	"net/netip"
	"net/textproto"
	"slices"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// Proxies reads the host that a reverse proxy was asked for, where the proxy puts
// its own into the Host header. Only a request whose direct peer is one of Trusted
// is believed; from anybody else the header is ignored, and the Host header
// counts. So it does if a trusted proxy sends no such header.
//
// The header must come once and hold one host: a chain of proxies must be set up so
// that the outermost replaces what the client sent. The RFC 7239 header Forwarded
// is not supported.
type Proxies struct {
	Trusted []netip.Prefix // addresses of the proxies themselves, never of clients; none: nobody
	Header  string         // empty: X-Forwarded-Host
}

// Host is [Host] behind the proxies. It panics where that does, and on settings
// that can never work.
func (p Proxies) Host(own ...string) core.Extractor {
	trusted := p.check()
	return p.wrap(trusted, Host(own...), func(s hostSource) core.Extractor { return customDomain(own, s) })
}

// Subdomain is [Subdomain] behind the proxies. It panics where that does, and on
// settings that can never work.
func (p Proxies) Subdomain(base string) core.Extractor {
	trusted := p.check()
	return p.wrap(trusted, Subdomain(base), func(s hostSource) core.Extractor { return subdomain(base, s) })
}

// check validates the settings once, and copies what a caller could change later.
func (p *Proxies) check() []netip.Prefix {
	if p.Header == "" {
		p.Header = "X-Forwarded-Host"
	}
	must(token(p.Header), "Proxies.Header must be the name of a header, not "+quote(p.Header))
	must(!strings.EqualFold(p.Header, "Forwarded"), "Proxies cannot read the header Forwarded; use X-Forwarded-Host")
	for _, prefix := range p.Trusted {
		must(prefix.IsValid(), "Proxies.Trusted holds a prefix that is not valid")
	}
	return slices.Clone(p.Trusted)
}

func (p Proxies) wrap(trusted []netip.Prefix, direct core.Extractor, build func(hostSource) core.Extractor) core.Extractor {
	name := textproto.CanonicalMIMEHeaderKey(p.Header)
	place := "the header " + name
	forwarded := build(func(r core.Request) string {
		v, _ := r.Header(name)
		return v
	})
	return func(r core.Request) (core.Selection, error) {
		if len(trusted) == 0 || !contains(trusted, r.RemoteAddr()) {
			return direct(r)
		}
		v, n := r.Header(name)
		switch {
		case n > 1:
			return core.Selection{}, core.Errorf(core.TenantAmbiguous, "%s occurs %d times", place, n)
		case n < 1 || strings.Trim(v, " ") == "":
			return direct(r)
		}
		return forwarded(r)
	}
}

// contains reports whether the direct peer, host:port, is one of the proxies. A
// peer without an address, as on a Unix socket, is none.
func contains(trusted []netip.Prefix, remote string) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	addr := peer.Addr().Unmap().WithZone("")
	for _, prefix := range trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}
