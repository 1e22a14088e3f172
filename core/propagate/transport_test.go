package propagate_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/propagate"
)

// tripper remembers the last request, and answers all alike.
type tripper struct {
	last   *http.Request
	closed bool
}

func (t *tripper) RoundTrip(r *http.Request) (*http.Response, error) {
	t.last = r
	return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
}

func (t *tripper) CloseIdleConnections() { t.closed = true }

func get(t *testing.T, ctx context.Context, target string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTransportHosts(t *testing.T) {
	p, base := billing(t, k1), &tripper{}
	rt := p.Transport(propagate.Transport{
		Hosts: []string{"billing.internal", "Pinned.Internal:8443", "tls.internal:443", "[::1]", "10.0.0.1"},
		Allow: func(u *url.URL) bool { return strings.HasSuffix(u.Hostname(), ".svc.cluster.local") },
		Base:  base,
	})
	for target, want := range map[string]bool{
		"http://billing.internal/x":             true,
		"https://BILLING.internal.:8080/x":      true,
		"https://pinned.internal:8443":          true,
		"https://pinned.internal":               false,
		"https://tls.internal":                  true,
		"http://tls.internal":                   false,
		"http://[::1]:80":                       true,
		"http://10.0.0.1":                       true,
		"http://10.0.0.10":                      false,
		"http://a.svc.cluster.local":            true,
		"http://a.svc.cluster.local.evil.com":   false,
		"http://evil.com/billing.internal":      false,
		"http://billing.internal@evil.com/":     false,
		"http://billing.internal.evil.com":      false,
		"http://xbilling.internal":              false,
		"http://evil.com?host=billing.internal": false,
	} {
		req := get(t, as(brazil), target)
		resp, err := rt.RoundTrip(req)
		if err != nil {
			t.Fatal(target, err)
		}
		_ = resp.Body.Close()
		value := base.last.Header.Get(propagate.DefaultName)
		if (value != "") != want {
			t.Errorf("%s: sent %q", target, value)
		}
		if len(req.Header) > 0 || want == (base.last == req) {
			t.Errorf("%s: the caller's request was touched, or copied without need", target)
		}
	}
}

func TestTransportScopes(t *testing.T) {
	p, base := billing(t, k1), &tripper{}
	rt := p.Transport(propagate.Transport{Hosts: []string{"billing.internal"}, Base: base})
	for _, c := range []struct {
		name   string
		ctx    context.Context
		target string
		want   error
	}{
		{"none", context.Background(), "billing.internal", nil},
		{"none on purpose", as(nil), "billing.internal", nil},
		{"system", core.System(context.Background(), "x"), "billing.internal", core.ErrScopeUnsupported},
		{"subtree", core.Subtree(as(brazil)), "billing.internal", core.ErrScopeUnsupported},
		{"system elsewhere", core.System(context.Background(), "x"), "example.org", nil},
	} {
		base.last = nil
		resp, err := rt.RoundTrip(get(t, c.ctx, "http://"+c.target))
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if err == nil {
			_ = resp.Body.Close()
		}
		if (base.last != nil) != (c.want == nil) || base.last != nil && len(base.last.Header) > 0 {
			t.Errorf("%s: sent %v", c.name, base.last)
		}
	}
}

// body tells whether it was closed.
type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error { b.closed = true; return nil }

func TestTransportConflict(t *testing.T) {
	p, base := billing(t, k1), &tripper{}
	rt := p.Transport(propagate.Transport{Hosts: []string{"billing.internal"}, Base: base})
	for _, target := range []string{"http://billing.internal", "http://third.party"} {
		for _, ctx := range []context.Context{as(brazil), context.Background()} {
			b := &body{Reader: strings.NewReader("x")}
			req, err := http.NewRequestWithContext(ctx, "POST", target, b)
			if err != nil {
				t.Fatal(err)
			}
			req.Header["x-stratum-tenant"] = []string{"by hand"}
			resp, err := rt.RoundTrip(req)
			if !errors.Is(err, core.ErrTenantMismatch) || resp != nil || base.last != nil {
				t.Errorf("%s: %v, %v", target, resp, err)
			}
			if !b.closed {
				t.Errorf("%s: the body is open", target)
			}
		}
	}
}

func TestRedirects(t *testing.T) {
	p := billing(t, k1)
	var third, inside []string
	thirdParty := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		third = append(third, r.Header.Values(propagate.DefaultName)...)
	}))
	defer thirdParty.Close()
	trusted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside = append(inside, r.Header.Values(propagate.DefaultName)...)
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, thirdParty.URL, http.StatusTemporaryRedirect)
		case "/again":
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
		}
	}))
	defer trusted.Close()
	host := strings.TrimPrefix(trusted.URL, "http://") // the third party is the same address, at another port
	base := http.DefaultTransport.(*http.Transport).Clone()
	client := &http.Client{Transport: p.Transport(propagate.Transport{Hosts: []string{host}, Base: base})}
	defer client.CloseIdleConnections()
	for path, want := range map[string]int{"/": 1, "/again": 2, "/away": 1} {
		inside = nil
		resp, err := client.Do(get(t, as(brazil), trusted.URL+path))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if len(inside) != want || len(third) > 0 {
			t.Errorf("%s: the host got %d, a third party %d", path, len(inside), len(third))
		}
	}
	if id, err := received(t, p, inside[0]); err != nil || id != brazil.ID {
		t.Errorf("%s, %v", id, err)
	}
}

func TestTransportPanics(t *testing.T) {
	p := billing(t, k1)
	for _, hosts := range [][]string{nil, {""}, {"*.internal"}, {"http://a"}, {"a/b"}, {"u@a"}, {"a b"}} {
		func() {
			defer func() {
				if s, _ := recover().(string); len(s) < 20 {
					t.Errorf("%q: panicked with %q", hosts, s)
				}
			}()
			p.Transport(propagate.Transport{Hosts: hosts})
		}()
	}
}

func TestTransportWithoutHeadersAndURL(t *testing.T) {
	base := &tripper{}
	rt := billing(t, k1).Transport(propagate.Transport{Hosts: []string{"a"}, Base: base})
	for _, u := range []*url.URL{nil, {Scheme: "http", Host: "a"}} {
		resp, err := rt.RoundTrip((&http.Request{URL: u}).WithContext(as(brazil)))
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if (u != nil) != (base.last.Header.Get(propagate.DefaultName) != "") {
			t.Errorf("%v: %v", u, base.last.Header)
		}
	}
	(&http.Client{Transport: rt}).CloseIdleConnections()
	if !base.closed {
		t.Error("idle connections stay")
	}
}
