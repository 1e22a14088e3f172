package extract_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

var invalidPrefix = []netip.Prefix{{}}

func TestSubdomain(t *testing.T) {
	e := extract.Subdomain("App.Example.com:443")
	long := strings.Repeat("a", 63)
	for _, c := range []struct {
		host string
		want core.Selection
		err  error
	}{
		{"brazil.app.example.com", brazil, nil},
		{"BRAZIL.App.Example.COM", brazil, nil},
		{"brazil.app.example.com:8080", brazil, nil},
		{"brazil.app.example.com.", brazil, nil},
		{"brazil.app.example.com.:8080", brazil, nil},
		{"north-star.app.example.com", slug("north_star"), nil},
		{"North-Star.app.example.com", slug("north_star"), nil},
		{"north_star.app.example.com", slug("north_star"), nil},
		{"a-b_c-d.app.example.com", slug("a_b_c_d"), nil},
		{"www.app.example.com", slug("www"), nil},
		{uuid + ".app.example.com", byID, nil},
		{strings.ToUpper(uuid) + ".app.example.com", byID, nil},
		{long + ".app.example.com", slug(long), nil},

		{"", none, nil},
		{"app.example.com", none, nil},
		{"app.example.com.", none, nil},
		{"APP.example.com:80", none, nil},
		{"example.com", none, nil},
		{"other.example.com", none, nil},
		{"brazil.example.org", none, nil},
		{"evilapp.example.com", none, nil},
		{"brazil.app.example.com.evil.org", none, nil},
		{"127.0.0.1:80", none, nil},
		{"[::1]:80", none, nil},
		{"localhost", none, nil},
		{"xn--bcher-kva.example", none, nil},

		{"a.b.app.example.com", none, invalid},
		{"www.brazil.app.example.com", none, invalid},
		{".app.example.com", none, invalid},
		{"..app.example.com", none, invalid},
		{"brazil..app.example.com", none, invalid},
		{"brazil.app.example.com..", none, invalid},
		{"1brazil.app.example.com", none, invalid},
		{"-brazil.app.example.com", none, invalid},
		{"_brazil.app.example.com", none, invalid},
		{long + "a.app.example.com", none, invalid},
		{"xn--80ak6aa92e.app.example.com", none, invalid},
		{"XN--80ak6aa92e.app.example.com", none, invalid},
		{"brésil.app.example.com", none, invalid},
		{"\u212Aey.app.example.com", none, invalid},
		{"brazil\x00.app.example.com", none, invalid},
		{"brazil\r\n.app.example.com", none, invalid},
		{"a,b.app.example.com", none, invalid},
		{"brazil.app.example.com,usa.app.example.com", none, invalid},
		{"brazil.app.example.com:evil", none, invalid},
		{"user@brazil.app.example.com", none, invalid},
		{"brazil.app.example.com/x", none, invalid},
		{"brazil%2eapp.example.com", none, invalid},
		{"00000000-0000-0000-0000-000000000000.app.example.com", none, invalid},
		{":80", none, invalid},
		{"[::1", none, invalid},
		{"[::1]x", none, invalid},
		{strings.Repeat("a.", 500) + "app.example.com", none, invalid},
	} {
		check(t, e, &fake{host: c.host}, c.want, c.err)
	}
	check(t, extract.Subdomain("localhost"), &fake{host: "brazil.localhost:3000"}, brazil, nil)
}

func TestHost(t *testing.T) {
	e := extract.Host("app.example.com", "Admin.Example.com.")
	domain := func(s string) core.Selection { return core.Selection{Ref: core.ByDomain(s)} }
	for _, c := range []struct {
		host string
		want core.Selection
		err  error
	}{
		{"acme.org", domain("acme.org"), nil},
		{"ACME.org.:443", domain("acme.org"), nil},
		{"portal.acme.org", domain("portal.acme.org"), nil},
		{"xn--bcher-kva.example", domain("xn--bcher-kva.example"), nil},
		{"x.app.example.com", domain("x.app.example.com"), nil},
		{"", none, nil},
		{"app.example.com:8080", none, nil},
		{"ADMIN.example.com", none, nil},
		{"10.1.2.3:8080", none, nil},
		{"[2001:db8::1]:443", none, nil},
		{"bücher.example", none, invalid},
		{"acme.org,evil.org", none, invalid},
		{"acme.org\x00", none, invalid},
		{"acme..org", none, invalid},
		{"acme.org:x", none, invalid},
		{"a:b:c", none, invalid},
		{strings.Repeat("a", 64) + ".org", none, invalid},
		{strings.Repeat("abc.", 70) + "org", none, invalid},
	} {
		check(t, e, &fake{host: c.host}, c.want, c.err)
	}
}

func TestProxies(t *testing.T) {
	p := extract.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}
	e, host := p.Subdomain("app.example.com"), p.Host("lb.internal")
	p.Trusted[0] = netip.MustParsePrefix("0.0.0.0/0") // too late
	request := func(remote string, forwarded ...string) *fake {
		return &fake{host: "usa.app.example.com", remote: remote, values: map[string][]string{"header X-Forwarded-Host": forwarded}}
	}
	usa := slug("usa")
	for _, c := range []struct {
		r    *fake
		want core.Selection
		err  error
	}{
		{request("10.1.2.3:5000", "brazil.app.example.com"), brazil, nil},
		{request("10.1.2.3:5000", " brazil.app.example.com:443 "), brazil, nil},
		{request("[fd00::1]:5000", "brazil.app.example.com"), brazil, nil},
		{request("[fd00::1%eth0]:5000", "brazil.app.example.com"), brazil, nil},
		{request("[::ffff:10.1.2.3]:5000", "brazil.app.example.com"), brazil, nil},
		{request("10.1.2.3:5000", "app.example.com"), none, nil},
		{request("10.1.2.3:5000"), usa, nil},
		{request("10.1.2.3:5000", ""), usa, nil},
		// Whoever is no proxy is not listened to, whatever it says.
		{request("11.1.2.3:5000", "brazil.app.example.com"), usa, nil},
		{request("[2001:db8::1]:5000", "brazil.app.example.com"), usa, nil},
		{request("11.1.2.3:5000", "a", "b"), usa, nil},
		{request("", "brazil.app.example.com"), usa, nil},
		{request("@", "brazil.app.example.com"), usa, nil},
		{request("10.1.2.3", "brazil.app.example.com"), usa, nil},
		// A chain that was not set up properly.
		{request("10.1.2.3:5000", "brazil.app.example.com", "brazil.app.example.com"), none, core.ErrTenantAmbiguous},
		{request("10.1.2.3:5000", "brazil.app.example.com, usa.app.example.com"), none, invalid},
		{request("10.1.2.3:5000", "a.b.app.example.com"), none, invalid},
		{request("10.1.2.3:5000", "bad host"), none, invalid},
	} {
		check(t, e, c.r, c.want, c.err)
	}
	acme := core.Selection{Ref: core.ByDomain("acme.org")}
	check(t, host, request("10.1.2.3:5000", "acme.org"), acme, nil)
	check(t, host, request("11.1.2.3:5000", "acme.org"), core.Selection{Ref: core.ByDomain("usa.app.example.com")}, nil)
	check(t, host, request("10.1.2.3:5000", "lb.internal"), none, nil)

	other := extract.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Header: "x-original-HOST"}.Host()
	r := request("10.1.2.3:5000", "ignored.org")
	r.values["header X-Original-Host"] = []string{"acme.org"}
	check(t, other, r, acme, nil)
	check(t, extract.Proxies{}.Subdomain("app.example.com"), request("10.1.2.3:5000", "brazil.app.example.com"), usa, nil)
}
