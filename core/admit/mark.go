package admit

import (
	"net/http"
	"slices"
	"strings"
)

// Headers are what the middlewares say about caches on responses to requests that
// they let through, before the handler runs: it may say otherwise.
type Headers struct {
	// Vary lists the request headers that the tenant depends on.
	Vary []string
	// CacheControl is for responses without a Cache-Control of their own.
	CacheControl string

	shared []string // CacheControl, for maps of headers
}

// Headers returns what goes onto each response; it is the same each time.
func (a *Admission) Headers() Headers { return a.headers }

// headersFor computes them from the configuration.
func headersFor(vary []string, cacheControl, impersonation string) Headers {
	h := Headers{Vary: vary, CacheControl: cacheControl}
	if vary == nil {
		h.Vary = []string{DefaultHeader, "Authorization", "Cookie"}
	}
	if impersonation != "" && !slices.ContainsFunc(h.Vary, func(v string) bool { return strings.EqualFold(v, impersonation) }) {
		h.Vary = append(slices.Clone(h.Vary), impersonation)
	}
	if cacheControl == "" {
		h.CacheControl = "private"
	}
	h.shared = []string{h.CacheControl}
	return h
}

// Apply adds the headers to those of a response.
func (h Headers) Apply(to http.Header) {
	if len(h.Vary) > 0 {
		if old := to["Vary"]; len(old) > 0 {
			to["Vary"] = append(old[:len(old):len(old)], h.Vary...)
		} else {
			to["Vary"] = h.Vary[:len(h.Vary):len(h.Vary)] // shared; whoever adds to it gets a copy
		}
	}
	if _, set := to["Cache-Control"]; !set {
		to["Cache-Control"] = h.shared[:1:1]
	}
}
