package extract_test

import (
	"errors"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

var (
	slugForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	zeroUUID = "00000000-0000-0000-0000-000000000000"

	belowBase  = regexp.MustCompile(`^([a-z0-9_-]{1,63})\.app\.example\.com\.?(:[0-9]*)?$`)
	domainForm = regexp.MustCompile(`^([a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*)\.?(:[0-9]*)?$`)
)

// wanted is what one value means, by the regular expressions.
func wanted(value string) (core.Selection, error) {
	value = strings.Trim(value, " ")
	switch {
	case value == "":
		return none, nil
	case uuidForm.MatchString(value) && value != zeroUUID:
		return core.Selection{Ref: core.ByID(core.MustParseID(value))}, nil
	case slugForm.MatchString(value):
		return slug(value), nil
	}
	return none, invalid
}

// same checks an answer against the reference's, errors by their code.
func same(t *testing.T, input any, got core.Selection, err error, want core.Selection, wantErr error) {
	t.Helper()
	if !errors.Is(err, wantErr) || (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: error %v, want %v", input, err, wantErr)
	}
	if !equal(got, want) {
		t.Fatalf("%q: %+v, want %+v", input, got, want)
	}
}

// fuzzValue compares an extractor of a single value that may come n times.
func fuzzValue(f *testing.F, place string, e core.Extractor) {
	for _, s := range []string{"brazil", uuid, zeroUUID, "", " a ", "a,b", "a\x00", "\u00e9", strings.ToUpper(uuid), strings.Repeat("a", 64)} {
		f.Add(s, "brazil", uint8(1))
		f.Add(s, s, uint8(2))
	}
	f.Fuzz(func(t *testing.T, s, other string, n uint8) {
		values := []string{s, other, other}[:min(n, 3)]
		if place == "param p" {
			values = values[:min(n, 1)] // a route has a parameter once
		}
		want, wantErr := none, error(nil)
		if len(values) > 1 {
			wantErr = core.ErrTenantAmbiguous
		} else if len(values) == 1 {
			want, wantErr = wanted(s)
		}
		got, err := e(&fake{values: map[string][]string{place: values}})
		same(t, values, got, err, want, wantErr)
		if errors.Is(err, invalid) {
			_, fixed := e(&fake{values: map[string][]string{place: {"?"}}})
			if err.Error() != fixed.Error() {
				t.Fatalf("%q: the error depends on the value, which may be a secret: %v", s, err)
			}
		}
	})
}

func FuzzHeader(f *testing.F) { fuzzValue(f, "header H", extract.Header("h")) }
func FuzzQuery(f *testing.F)  { fuzzValue(f, "query q", extract.Query("q")) }
func FuzzCookie(f *testing.F) { fuzzValue(f, "cookie c", extract.Cookie("c")) }
func FuzzParam(f *testing.F)  { fuzzValue(f, "param p", extract.Param("p")) }

func addHosts(f *testing.F, add func(host string)) {
	f.Helper()
	for _, s := range []string{
		"brazil.app.example.com", "a.b.app.example.com", "[::1]:80", "A-B.app.example.com.", uuid + ".app.example.com", "app.example.com:80",
		"xn--a.app.example.com", "..", ":1", "app.example.com:1:2", "127.0.0.1", "\u212A.app.example.com", "acme.org", "bücher.example", " a.b ", "1.2.3.4.",
	} {
		add(s)
	}
}

// lowered is the host without spaces around it and in lower case. Only ASCII letters
// have one: the Kelvin sign is no k, although (?i) and strings.ToLower think so.
func lowered(host string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, strings.Trim(host, " "))
}

// fromHost is what a host means under the base domain, or none if it may be malformed.
func fromHost(host string) (core.Selection, error) {
	m := belowBase.FindStringSubmatch(lowered(host))
	if m == nil {
		return none, nil
	}
	label := m[1]
	if uuidForm.MatchString(label) && label != zeroUUID {
		return wanted(label)
	}
	if name := strings.ReplaceAll(label, "-", "_"); slugForm.MatchString(name) && !strings.HasPrefix(label, "xn--") {
		return slug(name), nil
	}
	return none, invalid
}

func FuzzSubdomain(f *testing.F) {
	addHosts(f, func(host string) { f.Add(host) })
	e := extract.Subdomain("app.example.com")
	f.Fuzz(func(t *testing.T, host string) {
		got, err := e(&fake{host: host})
		want, wantErr := fromHost(host)
		if len(host) > 253 && errors.Is(err, invalid) {
			return // an endless port
		}
		if want.IsZero() && wantErr == nil && errors.Is(err, invalid) {
			return // not below the base, and no host either
		}
		same(t, host, got, err, want, wantErr)
	})
}

func FuzzHost(f *testing.F) {
	addHosts(f, func(host string) { f.Add(host) })
	e := extract.Host("app.example.com")
	f.Fuzz(func(t *testing.T, host string) {
		got, err := e(&fake{host: host})
		m := domainForm.FindStringSubmatch(lowered(host))
		if m == nil || len(host) > 253 {
			if !got.IsZero() && len(host) <= 253 || err != nil && !errors.Is(err, invalid) {
				t.Fatalf("%q: %v, %v for what is no domain", host, got, err)
			}
			return
		}
		want := core.Selection{Ref: core.ByDomain(m[1])}
		if _, notAddress := netip.ParseAddr(m[1]); notAddress == nil || m[1] == "app.example.com" {
			want = none
		}
		same(t, host, got, err, want, nil)
	})
}

// Behind a proxy a host means what it means directly, and a stranger's header nothing.
func FuzzProxies(f *testing.F) {
	for _, remote := range []string{"10.0.0.1:1", "11.0.0.1:1", "[::ffff:10.0.0.1]:1", "[fd00::1%eth0]:1", "10.0.0.1", "", "@", "[10.0.0.1]:1"} {
		addHosts(f, func(host string) {
			f.Add("usa.app.example.com", host, remote, uint8(1))
			f.Add(host, "brazil.app.example.com", remote, uint8(2))
		})
	}
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	p := extract.Proxies{Trusted: trusted}
	own := "app.example.com"
	pairs := [][2]core.Extractor{{extract.Subdomain(own), p.Subdomain(own)}, {extract.Host(own), p.Host(own)}}
	f.Fuzz(func(t *testing.T, host, forwarded, remote string, n uint8) {
		lines := slices.Repeat([]string{forwarded}, int(min(n, 3)))
		r := &fake{host: host, remote: remote, values: map[string][]string{"header X-Forwarded-Host": lines}}
		for _, pair := range pairs {
			counts, heard := host, believed(remote)
			if heard && len(lines) == 1 && strings.Trim(forwarded, " ") != "" {
				counts = forwarded
			}
			want, wantErr := pair[0](&fake{host: counts})
			if heard && len(lines) > 1 {
				want, wantErr = none, core.ErrTenantAmbiguous
			}
			got, err := pair[1](r)
			if errors.Is(wantErr, invalid) {
				wantErr = invalid
			}
			same(t, []string{host, forwarded, remote}, got, err, want, wantErr)
		}
	})
}

var peerForm = regexp.MustCompile(`^(?:\[(.*:.*)\]|([0-9.]+)):([0-9]{1,5})$`)

// believed reports whether the peer is one of the trusted proxies, by first bytes.
func believed(remote string) bool {
	m := peerForm.FindStringSubmatch(remote)
	if m == nil {
		return false
	}
	if _, err := netip.ParseAddrPort(remote); err != nil {
		return false
	}
	addr := netip.MustParseAddr(m[1] + m[2]).As16()
	mapped := [12]byte{10: 0xff, 11: 0xff}
	return addr[0] == 0xfd || [12]byte(addr[:12]) == mapped && addr[12] == 10
}

// plainPath is one that nobody reads in two ways: it may only be refused for its segment.
var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_-]+)+/?$`)

// routed is the segments that a router sees which decodes and cleans a path before it
// matches, and whether it sees any.
func routed(escaped string) ([]string, bool) {
	decoded, err := url.PathUnescape(escaped)
	if err != nil || escaped == "" || escaped == "*" {
		return nil, false
	}
	return strings.Split(strings.TrimPrefix(path.Clean(decoded), "/"), "/"), true
}

// What the extractor finds must be what a router finds: otherwise one tenant is
// admitted and another one's route served.
func asRouted(t *testing.T, escaped string, sel core.Selection, err error, target int, prefix ...string) {
	t.Helper()
	if err != nil && !plainPath.MatchString(escaped) {
		same(t, escaped, sel, err, none, invalid)
		return
	}
	want, wantErr := none, error(nil)
	if segments, ok := routed(escaped); ok && len(segments) > target && slices.Equal(segments[:len(prefix)], prefix) {
		want, wantErr = wanted(segments[target])
	}
	same(t, escaped, sel, err, want, wantErr)
}

func FuzzPath(f *testing.F) {
	for _, c := range shared {
		f.Add(c.path, uint8(1))
		f.Add(c.path, uint8(0))
	}
	f.Fuzz(func(t *testing.T, s string, n uint8) {
		target := int(n % 5)
		sel, err := extract.Path(target + 1)(&fake{path: s})
		asRouted(t, s, sel, err, target)
	})
}

func FuzzPathAfter(f *testing.F) {
	for _, c := range shared {
		f.Add(c.path)
		f.Add("/api" + c.path)
	}
	one, two, top := extract.PathAfter("/t/"), extract.PathAfter("/api/t/"), extract.PathAfter("/")
	f.Fuzz(func(t *testing.T, s string) {
		sel, err := one(&fake{path: s})
		asRouted(t, s, sel, err, 1, "t")
		sel, err = two(&fake{path: s})
		asRouted(t, s, sel, err, 2, "api", "t")
		sel, err = top(&fake{path: s})
		asRouted(t, s, sel, err, 0)
	})
}
