package propagate

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// Transport says which requests of an HTTP client take the tenant of their context
// along, and how they are sent.
type Transport struct {
	// Hosts are the hosts that may know the tenant: a name or address for all of its
	// ports, or host:port. Case and a trailing dot do not matter; there are no wildcards.
	Hosts []string

	// Allow, if not nil, allows further URLs.
	Allow func(*url.URL) bool

	// Base sends the requests. Nil: http.DefaultTransport.
	Base http.RoundTripper
}

// Transport returns a round tripper that adds the tenant to requests for the allowed
// hosts, to nothing else, and to a redirected request only if its new host is allowed too.
//
// A request whose context has no tenant goes as it is; the receiver refuses it if it
// needs one. Requests of system work and of subtrees to an allowed host fail
// ([core.ErrScopeUnsupported]). A request that has the header already fails, wherever it goes
// ([core.ErrTenantMismatch]): a proxy that passes on what it got would hand one
// tenant's seal to another's work, or to a stranger.
//
// Transport panics if no host is allowed, or if one cannot be a host.
func (p *Propagator) Transport(cfg Transport) http.RoundTripper {
	if len(cfg.Hosts) == 0 && cfg.Allow == nil {
		panic("propagate: Transport needs Hosts or Allow: nobody would be told the tenant")
	}
	t := &transport{p: p, allow: cfg.Allow, base: cfg.Base, hosts: make(map[string]bool, len(cfg.Hosts))}
	for _, host := range cfg.Hosts {
		u, err := url.Parse("//" + host)
		if err != nil || host == "" || u.Host != host || strings.ContainsAny(host, "* @/") {
			panic("propagate: " + host + " in Transport.Hosts is no host, nor host:port")
		}
		t.hosts[hostKey(u)] = true
	}
	if t.base == nil {
		t.base = http.DefaultTransport
	}
	return t
}

type transport struct {
	p     *Propagator
	hosts map[string]bool // by hostKey
	allow func(*url.URL) bool
	base  http.RoundTripper
}

// hostKey is the canonical form of a URL's host, with the port if it has one.
func hostKey(u *url.URL) string {
	host := core.CanonicalHost(u.Hostname())
	if port := u.Port(); port != "" {
		return host + " " + port
	}
	return host
}

func (t *transport) allowed(u *url.URL) bool {
	if u == nil {
		return false
	}
	if t.hosts[core.CanonicalHost(u.Hostname())] || t.hosts[hostKey(withPort(u))] {
		return true
	}
	return t.allow != nil && t.allow(u)
}

// withPort makes the default port of a URL explicit.
func withPort(u *url.URL) *url.URL {
	if u.Port() != "" {
		return u
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	return &url.URL{Host: u.Host + ":" + port}
}

// RoundTrip implements [http.RoundTripper]. It does not modify the request.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	out, err := t.prepare(req)
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close() // as the interface demands
		}
		return nil, err
	}
	return t.base.RoundTrip(out)
}

// prepare returns the request to send: req itself, or a copy with the tenant.
func (t *transport) prepare(req *http.Request) (*http.Request, error) {
	if _, n := read(Header(req.Header), t.p.name); n > 0 {
		return nil, core.Errorf(core.TenantMismatch, "the request has a header %s already", t.p.name)
	}
	if !t.allowed(req.URL) {
		return req, nil
	}
	out := req.Clone(req.Context())
	if out.Header == nil {
		out.Header = make(http.Header)
	}
	err := t.p.Inject(req.Context(), Header(out.Header))
	if errors.Is(err, core.ErrNoTenant) {
		return req, nil
	}
	return out, err
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] calls.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}
