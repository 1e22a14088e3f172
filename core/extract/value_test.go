package extract_test

import (
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// The rules for a value, in every place that one can come from.
func TestValues(t *testing.T) {
	places := map[string]core.Extractor{
		"header X-Tenant-Id": extract.Header("x-tenant-ID"),
		"query tenant":       extract.Query("tenant"),
		"cookie tenant":      extract.Cookie("tenant"),
		"param tenant":       extract.Param("tenant"),
	}
	for place, e := range places {
		t.Run(place, func(t *testing.T) {
			for _, c := range []struct {
				value string
				want  core.Selection
				err   error
			}{
				{"brazil", brazil, nil},
				{"  brazil ", brazil, nil},
				{uuid, byID, nil},
				{" " + strings.ToUpper(uuid), byID, nil},
				{"", none, nil},
				{"   ", none, nil},
				{"Brazil", none, invalid},
				{"north-star", none, invalid},
				{"a,b", none, invalid},
				{"brazil,", none, invalid},
				{",", none, invalid},
				{"brazil,brazil", none, invalid},
				{"a b", none, invalid},
				{"brazil\x00", none, invalid},
				{"\tbrazil", none, invalid},
				{"brazil\r\nX-Other: x", none, invalid},
				{"brésil", none, invalid},
				{"\u00a0brazil", none, invalid}, // a no-break space is no space
				{"{" + uuid + "}", none, invalid},
				{strings.ReplaceAll(uuid, "-", ""), none, invalid},
				{strings.Repeat("a", 64), none, invalid},
				{strings.Repeat("a", 1<<20), none, invalid},
				{"00000000-0000-0000-0000-000000000000", none, invalid},
				{"../api-keys?x=", none, invalid},
				{"brazil;x=1", none, invalid},
			} {
				r := &fake{values: map[string][]string{place: {c.value}}}
				check(t, e, r, c.want, c.err)
			}
			check(t, e, &fake{}, none, nil)
			if place == "param tenant" {
				return // a route has a parameter once
			}
			for _, pair := range [][]string{{"brazil", "brazil"}, {"brazil", "usa"}, {"brazil", ""}, {"", ""}, {"", "brazil", "usa"}} {
				check(t, e, &fake{values: map[string][]string{place: pair}}, none, core.ErrTenantAmbiguous)
			}
		})
	}
}

func TestErrorsDoNotRepeatTheValue(t *testing.T) {
	_, err := extract.Header("X-Tenant-ID")(header("Bearer hunter2"))
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "X-Tenant-Id") {
		t.Errorf("the error must say where, and not what: %v", err)
	}
}

func TestConstructorsPanic(t *testing.T) {
	for name, f := range map[string]func() core.Extractor{
		"empty header":     func() core.Extractor { return extract.Header("") },
		"header with a :":  func() core.Extractor { return extract.Header("X-Tenant:") },
		"empty query":      func() core.Extractor { return extract.Query("") },
		"empty cookie":     func() core.Extractor { return extract.Cookie("") },
		"cookie with a =":  func() core.Extractor { return extract.Cookie("a=b") },
		"empty param":      func() core.Extractor { return extract.Param("") },
		"segment 0":        func() core.Extractor { return extract.Path(0) },
		"segment -1":       func() core.Extractor { return extract.Path(-1) },
		"no prefix":        func() core.Extractor { return extract.PathAfter("") },
		"prefix t/":        func() core.Extractor { return extract.PathAfter("t/") },
		"prefix /t":        func() core.Extractor { return extract.PathAfter("/t") },
		"prefix //":        func() core.Extractor { return extract.PathAfter("//") },
		"prefix /t//":      func() core.Extractor { return extract.PathAfter("/t//") },
		"prefix /../":      func() core.Extractor { return extract.PathAfter("/../") },
		"empty base":       func() core.Extractor { return extract.Subdomain("") },
		"base with a path": func() core.Extractor { return extract.Subdomain("app.example.com/x") },
		"wildcard base":    func() core.Extractor { return extract.Subdomain("*.app.example.com") },
		"dot base":         func() core.Extractor { return extract.Subdomain(".app.example.com") },
		"address base":     func() core.Extractor { return extract.Subdomain("127.0.0.1") },
		"IPv6 base":        func() core.Extractor { return extract.Subdomain("[::1]") },
		"Unicode base":     func() core.Extractor { return extract.Subdomain("bücher.example") },
		"empty own host":   func() core.Extractor { return extract.Host("") },
		"bad own host":     func() core.Extractor { return extract.Host("a b") },
		"nothing first":    func() core.Extractor { return extract.First() },
		"nil in First":     func() core.Extractor { return extract.First(extract.Path(1), nil) },
		"nobody to agree":  func() core.Extractor { return extract.Agree() },
		"nil in Agree":     func() core.Extractor { return extract.Agree(nil) },
		"nil chosen":       func() core.Extractor { return extract.Within(extract.Path(1), nil) },
		"nil authenticated": func() core.Extractor {
			return extract.Within(nil, extract.Path(1))
		},
		"proxy header":    func() core.Extractor { return extract.Proxies{Header: "a b"}.Host() },
		"Forwarded":       func() core.Extractor { return extract.Proxies{Header: "forwarded"}.Host() },
		"proxy base":      func() core.Extractor { return extract.Proxies{}.Subdomain("") },
		"proxy own":       func() core.Extractor { return extract.Proxies{}.Host("") },
		"invalid trusted": func() core.Extractor { return extract.Proxies{Trusted: invalidPrefix}.Host() },
	} {
		wantPanic(t, name, f)
	}
}
