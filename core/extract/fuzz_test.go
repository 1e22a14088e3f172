package extract_test

import (
	"errors"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// sound checks what holds for every answer of an extractor.
func sound(t *testing.T, input string, sel core.Selection, err error) {
	t.Helper()
	if err != nil {
		if !errors.Is(err, core.ErrTenantRefInvalid) && !errors.Is(err, core.ErrTenantAmbiguous) {
			t.Fatalf("%q: %v is no refusal of an extractor", input, err)
		}
		if !sel.IsZero() {
			t.Fatalf("%q: an error, and %v with it", input, sel)
		}
		return
	}
	switch sel.Ref.Kind() {
	case 0:
	case core.RefID:
		if sel.Ref.ID().IsZero() {
			t.Fatalf("%q: the zero id", input)
		}
	case core.RefSlug:
		if !core.ValidSlug(sel.Ref.Text()) {
			t.Fatalf("%q: the slug %q", input, sel.Ref.Text())
		}
	case core.RefDomain:
		if d := sel.Ref.Text(); d == "" || core.CanonicalHost(d) != d || strings.ContainsAny(d, "/,@: \x00") {
			t.Fatalf("%q: the domain %q", input, d)
		}
	default:
		t.Fatalf("%q: a reference of kind %d", input, sel.Ref.Kind())
	}
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"brazil", uuid, "", " a ", "a,b", "a\x00", strings.Repeat("a", 70)} {
		f.Add(s, 1)
		f.Add(s, 2)
	}
	list := []core.Extractor{extract.Header("H"), extract.Query("q"), extract.Cookie("c"), extract.Param("p")}
	f.Fuzz(func(t *testing.T, s string, n int) {
		values := make([]string, max(0, min(n, 3)))
		for i := range values {
			values[i] = s
		}
		r := &fake{values: map[string][]string{"header H": values, "query q": values, "cookie c": values, "param p": values}}
		for i, e := range list {
			sel, err := e(r)
			sound(t, s, sel, err)
			if len(values) > 1 && i < 3 && err == nil {
				t.Fatalf("%q twice is %v", s, sel)
			}
			if err == nil && len(values) == 1 && sel.IsZero() != (strings.Trim(s, " ") == "") {
				t.Fatalf("%q is found: %v", s, !sel.IsZero())
			}
		}
	})
}

func FuzzHost(f *testing.F) {
	for _, s := range []string{
		"brazil.app.example.com", "a.b.app.example.com", "[::1]:80", "A-B.app.example.com.", uuid + ".app.example.com",
		"xn--a.app.example.com", "..", ":1", "app.example.com:1:2", "127.0.0.1", "\u212A.app.example.com",
	} {
		f.Add(s)
	}
	p := extract.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	direct := []core.Extractor{extract.Subdomain("app.example.com"), extract.Host("app.example.com")}
	behind := []core.Extractor{p.Subdomain("app.example.com"), p.Host("app.example.com")}
	f.Fuzz(func(t *testing.T, s string) {
		for i, e := range direct {
			sel, err := e(&fake{host: s})
			sound(t, s, sel, err)
			upper, upperErr := e(&fake{host: strings.ToUpper(s)})
			if ascii(s) && (!equal(sel, upper) || (err == nil) != (upperErr == nil)) {
				t.Fatalf("%q: case matters: %v, %v", s, sel, upper)
			}
			forwarded, forwardedErr := behind[i](&fake{remote: "10.0.0.1:1", values: map[string][]string{"header X-Forwarded-Host": {s}}})
			if !equal(sel, forwarded) || (err == nil) != (forwardedErr == nil) {
				t.Fatalf("%q: behind a proxy it is %v, not %v", s, forwarded, sel)
			}
			spoofed, _ := behind[i](&fake{remote: "11.0.0.1:1", values: map[string][]string{"header X-Forwarded-Host": {s}}})
			if !spoofed.IsZero() {
				t.Fatalf("%q: a stranger is listened to: %v", s, spoofed)
			}
		}
	})
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 })
}

// What the extractor finds must be what a router finds that decodes and cleans the
// path before it matches: otherwise one tenant is admitted and another one's route served.
func FuzzPath(f *testing.F) {
	for _, c := range shared {
		f.Add(c.path)
	}
	after, second := extract.PathAfter("/t/"), extract.Path(2)
	f.Fuzz(func(t *testing.T, s string) {
		sel, err := after(&fake{path: s})
		sound(t, s, sel, err)
		if other, otherErr := second(&fake{path: s}); otherErr == nil && err == nil && !sel.IsZero() && !equal(sel, other) {
			t.Fatalf("%q: %v after the prefix, %v as a segment", s, sel, other)
		}
		decoded, bad := url.PathUnescape(s)
		if err != nil || bad != nil || s == "" || s == "*" {
			return
		}
		var routed string
		if rest, ok := strings.CutPrefix(path.Clean(decoded), "/t/"); ok {
			routed, _, _ = strings.Cut(rest, "/")
		}
		routed = strings.Trim(routed, " ")
		found := sel.Ref.Text()
		if sel.Ref.Kind() == core.RefID {
			found, routed = sel.Ref.ID().String(), strings.ToLower(routed)
		}
		if found != routed {
			t.Fatalf("%q: the extractor finds %q, a router %q", s, found, routed)
		}
	})
}
