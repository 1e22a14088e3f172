package middlewaretest

import (
	"net/netip"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

const base = "app.example.com"

func subdomains() Config { return Config{Extract: extract.Subdomain(base)} }

// hostCases are about the host that a request is for.
var hostCases = []testCase{
	{
		name: "subdomain", rule: "extract.Subdomain finds the label in front of the base domain, and nothing in other hosts",
		check: func(e *env) {
			s := e.admitting(subdomains(), whoami)
			e.wantTenant(s.get("/", "Host: brazil.app.example.com"), "brazil")
			e.wantTenant(s.get("/", "Host: north-star.app.example.com"), "north_star")
			for _, host := range []string{base, "brazil.example.com", "evilapp.example.com", "brazil.app.example.com.evil.org"} {
				e.wantRefusal(s.get("/", "Host: "+host, asBrazil), core.ErrMissingTenant)
			}
			e.wantRefusal(s.get("/", "Host: brazil.rio.app.example.com"), core.ErrTenantRefInvalid)
		},
	},
	{
		name: "custom_domain", rule: "extract.Host takes the host for a custom domain, but for the service's own hosts",
		check: func(e *env) {
			s := e.admitting(Config{Extract: extract.Host(base)}, whoami)
			e.wantTenant(s.get("/", "Host: brazil.example.org"), "brazil")
			e.wantRefusal(s.get("/", "Host: "+base), core.ErrMissingTenant)
			e.wantRefusal(s.get("/", "Host: nobody.example.org"), core.ErrTenantNotFound)
		},
	},
	{
		name: "host_upper_case", rule: "the case of a host does not matter",
		check: func(e *env) {
			e.wantTenant(e.admitting(subdomains(), whoami).get("/", "Host: BRAZIL.App.Example.COM"), "brazil")
			e.wantTenant(e.admitting(Config{Extract: extract.Host()}, whoami).get("/", "Host: Brazil.EXAMPLE.org"), "brazil")
		},
	},
	{
		name: "host_port", rule: "the port of a host does not matter, and one that is no number is refused",
		check: func(e *env) {
			s := e.admitting(subdomains(), whoami)
			e.wantTenant(s.get("/", "Host: brazil.app.example.com:8080"), "brazil")
			e.wantTenant(e.admitting(Config{Extract: extract.Host()}, whoami).get("/", "Host: brazil.example.org:443"), "brazil")
			e.wantUnserved(s.get("/", "Host: brazil.app.example.com:evil"))
			e.wantUnserved(s.get("/", "Host: brazil.app.example.com:1:2"))
		},
	},
	{
		name: "host_trailing_dot", rule: "a trailing dot of a host does not matter, and empty labels are refused",
		check: func(e *env) {
			s := e.admitting(subdomains(), whoami)
			e.wantTenant(s.get("/", "Host: brazil.app.example.com."), "brazil")
			e.wantTenant(s.get("/", "Host: brazil.app.example.com.:8080"), "brazil")
			e.wantUnserved(s.get("/", "Host: brazil..app.example.com"))
			e.wantUnserved(s.get("/", "Host: .app.example.com"))
		},
	},
	{
		name: "host_address", rule: "an address, IPv6 in brackets included, is nobody's host",
		check: func(e *env) {
			for _, cfg := range []Config{subdomains(), {Extract: extract.Host()}} {
				cfg.Optional = true
				s := e.admitting(cfg, whoami)
				for _, host := range []string{"127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8080", "[2001:db8::1]:443"} {
					e.wantTenant(s.get("/", "Host: "+host), "none")
				}
				e.wantUnserved(s.get("/", "Host: [::1"))
				e.wantUnserved(s.get("/", "Host: [brazil]"))
			}
		},
	},
	{
		name: "host_internationalized", rule: "an internationalized domain counts in its ASCII form, and is no slug",
		check: func(e *env) {
			domain := e.admitting(Config{Extract: extract.Host()}, whoami)
			e.wantTenant(domain.get("/", "Host: xn--bcher-kva.example"), "brazil")
			e.wantTenant(domain.get("/", "Host: XN--BCHER-KVA.example:80"), "brazil")
			e.wantUnserved(domain.get("/", "Host: b\u00fccher.example"))
			s := e.admitting(subdomains(), whoami)
			for _, label := range []string{"xn--80ak6aa92e", "br\u00e9sil", "b%72azil", "\u212Aey"} {
				e.wantUnserved(s.get("/", "Host: "+label+".app.example.com"))
			}
		},
	},
	{
		name: "host_twice", rule: "a request with two Host headers is refused (RFC 9112, section 3.2)",
		check: func(e *env) {
			s := e.admitting(subdomains(), whoami)
			e.wantUnserved(s.get("/", "Host: brazil.app.example.com", "Host: stranger.app.example.com"))
			e.wantUnserved(s.get("/", "Host: brazil.app.example.com,stranger.app.example.com"))
		},
	},
	{
		name: "host_absent", rule: "a request without a host names no tenant: HTTP/1.0 has none, and HTTP/1.1 needs one",
		check: func(e *env) {
			s := e.admitting(subdomains(), whoami)
			e.wantRefusal(s.raw("GET / HTTP/1.0\r\n\r\n"), core.ErrMissingTenant)
			e.wantUnserved(s.raw("GET / HTTP/1.1\r\nConnection: close\r\n\r\n"))
			e.wantTenant(s.raw("GET / HTTP/1.0\r\nHost: brazil.app.example.com\r\n\r\n"), "brazil")
		},
	},
	{
		name: "absolute_form", rule: "the host of an absolute request target is the one that counts, as RFC 9112 (section 3.2.2) wants",
		check: func(e *env) {
			s := e.admitting(subdomains(), whoami)
			e.wantTenantOrRefusal(s.get("http://brazil.app.example.com/x", "Host: stranger.app.example.com"), "brazil")
			e.wantUnserved(s.get("http://app.example.com/x", "Host: stranger.app.example.com"))
			path := e.admitting(Config{Extract: extract.PathAfter("/t/")}, whoami)
			e.wantTenantOrRefusal(path.get("http://app.example.com/t/brazil/x"), "brazil")
			e.wantUnserved(path.get("http://app.example.com"))
		},
	},
	{
		name: "forwarded_ignored", rule: "headers of proxies change nothing unless proxies are configured",
		check: func(e *env) {
			s := e.admitting(subdomains(), whoami)
			for _, header := range []string{
				"X-Forwarded-Host: stranger.app.example.com", "Forwarded: host=stranger.app.example.com", "X-Host: stranger.app.example.com",
				"X-Original-Host: stranger.app.example.com", "X-Forwarded-Server: stranger.app.example.com", "X-HTTP-Host-Override: stranger.app.example.com",
			} {
				e.wantTenant(s.get("/", "Host: brazil.app.example.com", header), "brazil")
				e.wantRefusal(s.get("/", "Host: "+base, header), core.ErrMissingTenant)
			}
		},
	},
	{
		name: "proxies", rule: "extract.Proxies believes X-Forwarded-Host of a trusted direct peer, and of nobody else",
		check: func(e *env) {
			stranger := []string{
				"Host: brazil.app.example.com", "X-Forwarded-Host: stranger.app.example.com", "X-Forwarded-For: 10.0.0.1", "X-Real-IP: 10.0.0.1",
			}
			behind := extract.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
			s := e.admitting(Config{Extract: behind.Subdomain(base)}, whoami)
			e.wantTenant(s.get("/", stranger...), "stranger")
			e.wantTenant(s.get("/", stranger[0]), "brazil")
			e.wantRefusal(s.get("/", append(stranger, "X-Forwarded-Host: x")...), core.ErrTenantAmbiguous)
			elsewhere := extract.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
			e.wantTenant(e.admitting(Config{Extract: elsewhere.Subdomain(base)}, whoami).get("/", stranger...), "brazil")
		},
	},
}
