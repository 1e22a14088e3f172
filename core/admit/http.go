package admit

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// HTTPRequest is an [http.Request] as a [core.Request], for net/http and the
// frameworks built on it.
//
// It holds one pointer and nothing else, so that making an interface of it
// allocates nothing; adapters of other frameworks do well to look the same.
type HTTPRequest struct{ r *http.Request }

var _ core.Request = HTTPRequest{}

// HTTP returns r as a [core.Request].
func HTTP(r *http.Request) HTTPRequest { return HTTPRequest{r} }

// Request returns the request itself: for an Authorize hook or an extractor that
// needs more than core.Request shows.
func (h HTTPRequest) Request() *http.Request { return h.r }

// Context implements [core.Request].
func (h HTTPRequest) Context() context.Context { return h.r.Context() }

// Host implements [core.Request].
func (h HTTPRequest) Host() string { return h.r.Host }

// Path implements [core.Request]. Below http.StripPrefix it is what is left of the path.
func (h HTTPRequest) Path() string {
	if h.r.URL == nil {
		return ""
	}
	return h.r.URL.EscapedPath()
}

// RemoteAddr implements [core.Request].
func (h HTTPRequest) RemoteAddr() string { return h.r.RemoteAddr }

// Header implements [core.Request]. The extractors ask for the canonical name, which
// is found at once.
func (h HTTPRequest) Header(name string) (string, int) {
	if values, ok := h.r.Header[name]; ok {
		return first(values)
	}
	return first(h.r.Header.Values(name))
}

// Query implements [core.Request] with [QueryValue].
func (h HTTPRequest) Query(name string) (value string, n int) {
	if h.r.URL == nil {
		return "", 0
	}
	return QueryValue(h.r.URL.RawQuery, name)
}

// Cookie implements [core.Request] with [CookieValue], for all Cookie headers.
func (h HTTPRequest) Cookie(name string) (value string, n int) {
	for _, line := range h.r.Header["Cookie"] {
		v, more := CookieValue(line, name)
		if n == 0 {
			value = v
		}
		n += more
	}
	return value, n
}

// Param implements [core.Request] with the path values of [http.ServeMux], which
// chi sets as well.
func (h HTTPRequest) Param(name string) string { return h.r.PathValue(name) }

// QueryValue returns the first value of a parameter in a query string, decoded, and
// how often it occurs: for adapters whose requests have the string as it was sent. It
// reads in place, so that only the parameter that is asked for costs anything. One that
// cannot be decoded comes back as it is, and counts, whereas url.ParseQuery drops it: a
// reference that is no good must not look like a missing one.
func QueryValue(query, name string) (value string, n int) {
	for rest, pair := query, ""; rest != ""; {
		pair, rest, _ = strings.Cut(rest, "&")
		key, raw, _ := strings.Cut(pair, "=")
		if key != name {
			if decoded, err := url.QueryUnescape(key); err != nil || decoded != name {
				continue
			}
		}
		if n++; n == 1 {
			if decoded, err := url.QueryUnescape(raw); err == nil {
				raw = decoded
			}
			value = raw
		}
	}
	return value, n
}

// CookieValue returns the value of the first cookie of a name in a Cookie header, and
// how many of that name there are: for adapters whose requests have the header as it was
// sent. It reads in place. A cookie whose value is malformed comes back as it is, and
// counts, whereas net/http drops it.
func CookieValue(line, name string) (value string, n int) {
	for rest, pair := line, ""; rest != ""; {
		pair, rest, _ = strings.Cut(rest, ";")
		key, v, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
		if strings.TrimRight(key, " \t") != name {
			continue
		}
		if n++; n == 1 {
			value = unquote(v)
		}
	}
	return value, n
}

func first(values []string) (string, int) {
	if len(values) == 0 {
		return "", 0
	}
	return values[0], len(values)
}

func unquote(v string) string {
	if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
		return v[1 : len(v)-1]
	}
	return v
}
