package admit_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

func TestHTTPRequest(t *testing.T) {
	r := httptest.NewRequest("GET", "http://Acme.example.org:8080/t/a%2Fb?x=1", nil)
	r.RemoteAddr = "10.0.0.1:5000"
	r.SetPathValue("tenant", "brazil")
	h := admit.HTTP(r)
	if h.Request() != r || h.Context() != r.Context() || h.Host() != "Acme.example.org:8080" ||
		h.Path() != "/t/a%2Fb" || h.RemoteAddr() != r.RemoteAddr || h.Param("tenant") != "brazil" || h.Param("other") != "" {
		t.Errorf("%q %q %q", h.Host(), h.Path(), h.RemoteAddr())
	}
	bare := admit.HTTP(&http.Request{})
	if v, n := bare.Query("x"); bare.Path() != "" || v != "" || n != 0 {
		t.Error("a request without URL has a path or a query")
	}
	if v, n := bare.Cookie("x"); v != "" || n != 0 {
		t.Error("a request without headers has a cookie")
	}
	if v, n := bare.Header("X"); v != "" || n != 0 {
		t.Error("a request without headers has one")
	}
}

func TestHTTPHeader(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Add("X-Tenant-ID", "a")
	r.Header.Add("x-tenant-id", "b")
	if v, n := admit.HTTP(r).Header("X-TENANT-ID"); v != "a" || n != 2 {
		t.Errorf("%q, %d", v, n)
	}
}

func TestHTTPQuery(t *testing.T) {
	for raw, want := range map[string]struct {
		value string
		n     int
	}{
		"":                           {"", 0},
		"a=b":                        {"", 0},
		"tenant=brazil":              {"brazil", 1},
		"tenant":                     {"", 1},
		"tenant=":                    {"", 1},
		"a=b&tenant=brazil&c":        {"brazil", 1},
		"tenant=a&tenant=b":          {"a", 2},
		"tenant=a&t%65nant=b":        {"a", 2},
		"t%65nant=bra%7Ail":          {"brazil", 1},
		"tenant=a+b":                 {"a b", 1},
		"tenant=a%2Cb":               {"a,b", 1},
		"tenant=%zz":                 {"%zz", 1}, // net/url would drop it
		"tenant=a;x=y":               {"a;x=y", 1},
		"x=y;tenant=a":               {"", 0},
		"Tenant=a&tenant[]=b&%zz=a":  {"", 0},
		"&&tenant=brazil&&":          {"brazil", 1},
		"tenant=brazil=x":            {"brazil=x", 1},
		"xtenant=a&tenantx=b&ten=an": {"", 0},
	} {
		r := &http.Request{URL: &url.URL{RawQuery: raw}}
		if v, n := admit.HTTP(r).Query("tenant"); v != want.value || n != want.n {
			t.Errorf("%q: %q, %d; want %q, %d", raw, v, n, want.value, want.n)
		}
	}
}

// Ours finds at least what the standard library finds, and the same first value where nothing is malformed.
func FuzzHTTPQuery(f *testing.F) {
	for _, s := range []string{"tenant=a&tenant=b", "t%65nant=x", "tenant=%zz", "a;tenant=b", "tenant=a+b&&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		v, n := admit.HTTP(&http.Request{URL: &url.URL{RawQuery: raw}}).Query("tenant")
		parsed, err := url.ParseQuery(raw)
		theirs := parsed["tenant"]
		if n < len(theirs) {
			t.Fatalf("%q: %d found, net/url finds %d", raw, n, len(theirs))
		}
		if err == nil && (n != len(theirs) || n > 0 && v != theirs[0]) {
			t.Fatalf("%q: %q, %d; net/url finds %q", raw, v, n, theirs)
		}
	})
}

func TestHTTPCookie(t *testing.T) {
	for raw, want := range map[string]struct {
		value string
		n     int
	}{
		"":                        {"", 0},
		"tenant=brazil":           {"brazil", 1},
		"a=b; tenant=brazil; c=d": {"brazil", 1},
		"a=b;tenant=brazil":       {"brazil", 1},
		`tenant="brazil"`:         {"brazil", 1},
		`tenant="`:                {`"`, 1},
		"tenant=":                 {"", 1},
		"tenant":                  {"", 1},
		"tenant; tenant=a":        {"", 2},
		"tenant=a; tenant=b":      {"a", 2},
		"tenant=bré; tenant=b":    {"bré", 2}, // net/http would see one cookie
		"Tenant=a; xtenant=b":     {"", 0},
		"tenant =a":               {"a", 1},
		"tenant=a=b":              {"a=b", 1},
	} {
		r := &http.Request{Header: http.Header{"Cookie": {raw}}}
		if v, n := admit.HTTP(r).Cookie("tenant"); v != want.value || n != want.n {
			t.Errorf("%q: %q, %d; want %q, %d", raw, v, n, want.value, want.n)
		}
	}
	r := &http.Request{Header: http.Header{"Cookie": {"tenant=a", "tenant=b"}}}
	if _, n := admit.HTTP(r).Cookie("tenant"); n != 2 {
		t.Error("a second Cookie header hides")
	}
}

func FuzzHTTPCookie(f *testing.F) {
	for _, s := range []string{"tenant=a; tenant=b", `tenant="a"`, "tenant=é", "; ;tenant=", "tenant =a", "tenant\t=a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if strings.ContainsAny(raw, "\r\n") {
			return // no server delivers it
		}
		r := &http.Request{Header: http.Header{"Cookie": {raw}}}
		v, n := admit.HTTP(r).Cookie("tenant")
		theirs := r.CookiesNamed("tenant")
		if n < len(theirs) {
			t.Fatalf("%q: %d found, net/http finds %d", raw, n, len(theirs))
		}
		if n == 1 && len(theirs) == 1 && v != theirs[0].Value {
			t.Fatalf("%q: %q, net/http finds %q", raw, v, theirs[0].Value)
		}
	})
}

func TestHTTPAllocatesNothing(t *testing.T) {
	r := httptest.NewRequest("GET", "/t/brazil?tenant=brazil", nil)
	r.Header.Set("Cookie", "a=b; tenant=brazil")
	if n := testing.AllocsPerRun(100, func() {
		var req core.Request = admit.HTTP(r)
		req.Query("tenant")
		req.Cookie("tenant")
		req.Header("X-Tenant-Id")
		req.Path()
		req.Param("tenant")
	}); n != 0 {
		t.Errorf("reading a request allocates %v times", n)
	}
}
