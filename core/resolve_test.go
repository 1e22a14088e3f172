package core_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

func TestParseRef(t *testing.T) {
	id := core.ByID(core.MustParseID(canonical))
	for in, want := range map[string]core.Ref{
		canonical:                         id,
		strings.ToUpper(canonical):        id,
		"acme":                            core.BySlug("acme"),
		"a":                               core.BySlug("a"),
		"acme_corp_2":                     core.BySlug("acme_corp_2"),
		"abcdef0123456789abcdef012345678": core.BySlug("abcdef0123456789abcdef012345678"),
		// Not hyphenated, so it is the slug that it also is.
		"abcdef0123456789abcdef0123456789": core.BySlug("abcdef0123456789abcdef0123456789"),
		strings.Repeat("a", 63):            core.BySlug(strings.Repeat("a", 63)),
	} {
		if got, err := core.ParseRef(in); err != nil || got != want {
			t.Errorf("ParseRef(%q) = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{
		"", " ", "Acme", "acme corp", "acme-corp", "1acme", "_acme", "acme,other", "acme\x00", "acme\r\nx: y", "ácme",
		"{" + canonical + "}", strings.ReplaceAll("0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b", "-", ""), strings.Repeat("a", 64),
		"00000000-0000-0000-0000-000000000000", strings.Repeat("x", 1<<16), "../api", "acme/x", "acme?x=",
	} {
		got, err := core.ParseRef(in)
		if !errors.Is(err, core.ErrTenantRefInvalid) || !got.IsZero() {
			t.Errorf("ParseRef(%.40q) = %v, %v", in, got, err)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("the error repeats too much of its input: %d bytes", len(err.Error()))
		}
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = core.ParseRef(canonical); _, _ = core.ParseRef("acme") }); n != 0 {
		t.Errorf("ParseRef allocates %v times", n)
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range []string{canonical, "acme", "north-star", "a,b", "\x00", " acme ", "00000000-0000-0000-0000-000000000000"} {
		f.Add(s)
	}
	uuid := regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	slug := regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := core.ParseRef(s)
		switch {
		case uuid.MatchString(s) && strings.Trim(s, "0-") != "":
			if err != nil || ref.Kind() != core.RefID || ref.ID().String() != strings.ToLower(s) {
				t.Fatalf("ParseRef(%q) = %v, %v", s, ref, err)
			}
		case slug.MatchString(s):
			if err != nil || ref != core.BySlug(s) {
				t.Fatalf("ParseRef(%q) = %v, %v", s, ref, err)
			}
		case err == nil:
			t.Fatalf("ParseRef(%q) = %v", s, ref)
		}
	})
}

func TestCanonicalHost(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"Acme.Example.ORG":          "acme.example.org",
		"acme.example.org.":         "acme.example.org",
		"acme.example.org:8080":     "acme.example.org",
		"acme.example.org.:8080":    "acme.example.org",
		"acme.example.org:":         "acme.example.org",
		"[2001:DB8::1]:443":         "2001:db8::1",
		"[::1]":                     "::1",
		"::1":                       "::1",
		"127.0.0.1:80":              "127.0.0.1",
		"xn--bcher-kva.example":     "xn--bcher-kva.example",
		"\u212Aey.example":          "\u212Aey.example", // the Kelvin sign is not k
		"acme.example.org..":        "acme.example.org..",
		"acme.example.org:evil":     "acme.example.org:evil",
		"[::1]evil":                 "[::1]evil",
		"[acme.example.org]":        "[acme.example.org]",
		"[::1":                      "[::1",
		".":                         ".",
		"a:1:2":                     "a:1:2",
		"user@acme.example.org":     "user@acme.example.org",
		"acme.example.org\x00.evil": "acme.example.org\x00.evil",
	} {
		if got := core.CanonicalHost(in); got != want {
			t.Errorf("CanonicalHost(%q) = %q, want %q", in, got, want)
		}
	}
	if core.ByDomain("ACME.example.org.:443") != core.ByDomain("acme.example.org") {
		t.Error("one domain makes two references")
	}
}

func FuzzCanonicalHost(f *testing.F) {
	for _, s := range []string{"a.b:80", "[::1]:80", "A.", "..", "[", "[]", "a:80:90", "[fe80::1%eth0]:1", "a.:1."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := core.CanonicalHost(s)
		if again := core.CanonicalHost(got); again != got {
			t.Fatalf("CanonicalHost(%q) = %q, and of that %q", s, got, again)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r >= 'A' && r <= 'Z' }) || len(got) > len(s) {
			t.Fatalf("CanonicalHost(%q) = %q", s, got)
		}
	})
}

func TestRefNeverPrintsAKey(t *testing.T) {
	const secret = "sk_live_hunter2"
	ref := core.ByKey(secret)
	sel := core.Selection{Ref: ref, Also: []core.Ref{ref}, Within: ref}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%t"} {
		fmt.Fprintf(&out, verb+verb+verb+verb+"\n", ref, &ref, sel, []core.Ref{ref})
	}
	fmt.Fprintln(&out, ref, core.Errorf(core.TenantNotFound, "no tenant with %s", ref), ref.String(), ref.GoString())
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("x", "ref", ref, "refs", []core.Ref{ref}, "sel", sel, "pointer", &ref)
	}
	text, err := json.Marshal([]any{ref, sel, map[string]any{"ref": &ref}})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	_, err = core.Static().Resolve(t.Context(), ref)
	fmt.Fprint(&out, err)
	if s := out.String(); strings.Contains(s, "hunter2") || strings.Contains(s, fmt.Sprintf("%x", "hunter2")) {
		t.Errorf("the key was printed:\n%s", s)
	}
	if ref.Text() != secret {
		t.Error("whoever needs the key cannot have it")
	}
}

func TestRefString(t *testing.T) {
	for ref, want := range map[core.Ref]string{
		{}:                                     "no tenant",
		core.ByID(core.MustParseID(canonical)): "id " + canonical,
		core.BySlug("acme"):                    "slug acme",
		core.BySlug("a\nfake log line"):        `slug "a\nfake log line"`,
		core.ByDomain("acme.example.org"):      "domain acme.example.org",
		core.ByKey("k"):                        "an API key",
	} {
		if ref.String() != want || fmt.Sprint(ref) != want || fmt.Sprintf("%#v", ref) != "core.Ref{"+want+"}" {
			t.Errorf("%q, want %q", ref.String(), want)
		}
	}
}

func TestStatic(t *testing.T) {
	a := acme()
	r := core.Static(a, nil, &core.Tenant{Slug: "zero"})
	a.Slug, a.Domains[0] = "changed", "changed"
	for _, ref := range []core.Ref{core.ByID(a.ID), core.BySlug("acme"), core.ByDomain("Acme.example.org:80")} {
		got, err := r.Resolve(t.Context(), ref)
		if err != nil || got.ID != a.ID || got.Slug != "acme" {
			t.Fatalf("%v: %v, %v", ref, got, err)
		}
		got.Slug, got.Ancestors[0] = "spoiled", core.ID{9}
		again, _ := r.Resolve(t.Context(), ref)
		if again.Slug != "acme" || again.Ancestors[0] != (core.ID{1}) {
			t.Errorf("%v: a caller spoiled what the resolver keeps", ref)
		}
	}
	for _, ref := range []core.Ref{{}, core.BySlug("zero"), core.BySlug(""), core.ByID(core.ID{}), core.ByKey("acme"), core.ByDomain("acme")} {
		if got, err := r.Resolve(t.Context(), ref); !errors.Is(err, core.ErrTenantNotFound) || got != nil {
			t.Errorf("%v: %v, %v", ref, got, err)
		}
	}
}

func TestStaticDuplicates(t *testing.T) {
	one, two, three := core.ID{1}, core.ID{2}, core.ID{3}
	r := core.Static(
		&core.Tenant{ID: one, Slug: "same", Domains: []string{"a.example", "A.example."}},
		&core.Tenant{ID: two, Slug: "same", Domains: []string{"b.example"}},
		&core.Tenant{ID: three, Slug: "same", Domains: []string{"B.example:80"}},
		&core.Tenant{ID: three, Slug: "other"},
	)
	for ref, found := range map[core.Ref]bool{
		core.BySlug("same"): false, core.ByDomain("b.example"): false, core.ByID(three): false,
		core.ByID(one): true, core.ByID(two): true, core.BySlug("other"): true,
		core.ByDomain("a.example"): true, // named twice by one tenant
	} {
		if _, err := r.Resolve(t.Context(), ref); (err == nil) != found {
			t.Errorf("%v: %v", ref, err)
		}
	}
}
