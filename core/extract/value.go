package extract

import (
	"net/textproto"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// Header reads the tenant from a request header, such as X-Tenant-ID.
// It panics on a name that can be no header's.
func Header(name string) core.Extractor {
	must(token(name), "Header needs the name of a header, not "+quote(name))
	name = textproto.CanonicalMIMEHeaderKey(name) // here, so that no request pays for it
	place := "the header " + name
	return func(r core.Request) (core.Selection, error) {
		v, n := r.Header(name)
		return counted(place, v, n)
	}
}

// Query reads the tenant from a parameter of the query string. It panics on an empty name.
func Query(name string) core.Extractor {
	must(name != "", "Query needs the name of a parameter")
	place := "the query parameter " + name
	return func(r core.Request) (core.Selection, error) {
		v, n := r.Query(name)
		return counted(place, v, n)
	}
}

// Cookie reads the tenant from a cookie. It panics on a name that can be no cookie's.
func Cookie(name string) core.Extractor {
	must(token(name), "Cookie needs the name of a cookie, not "+quote(name))
	place := "the cookie " + name
	return func(r core.Request) (core.Selection, error) {
		v, n := r.Cookie(name)
		return counted(place, v, n)
	}
}

// Param reads the tenant from a parameter of the matched route, as in
// /t/{tenant}/invoices. The middleware must run after routing, on the route
// itself: before it, there are no parameters, and nothing is found. [PathAfter]
// has no such condition. Param panics on an empty name.
func Param(name string) core.Extractor {
	must(name != "", "Param needs the name of a route parameter")
	place := "the route parameter " + name
	return func(r core.Request) (core.Selection, error) {
		return single(place, r.Param(name))
	}
}

// counted is single for a value that may occur several times.
func counted(place, value string, n int) (core.Selection, error) {
	if n > 1 {
		return core.Selection{}, core.Errorf(core.TenantAmbiguous, "%s occurs %d times", place, n)
	}
	if n < 1 {
		return core.Selection{}, nil
	}
	return single(place, value)
}

// single reads one value. Errors say where it stood and do not repeat it: people
// put secrets into the wrong header.
func single(place, value string) (core.Selection, error) {
	value = strings.Trim(value, " ")
	if value == "" {
		return core.Selection{}, nil
	}
	ref, err := core.ParseRef(value)
	if err != nil {
		return core.Selection{}, invalid("%s is neither a tenant id nor a slug", place)
	}
	return core.Selection{Ref: ref}, nil
}

func invalid(format string, args ...any) error {
	return core.Errorf(core.TenantRefInvalid, format, args...)
}

// must panics with a sentence if a constructor's argument can never work.
func must(ok bool, sentence string) {
	if !ok {
		panic("extract: " + sentence)
	}
}

func quote(s string) string { return `"` + s + `"` }

// token reports whether s is a token of RFC 9110, as names of headers and cookies are.
func token(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !alphanumeric(c) && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

func alphanumeric(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
