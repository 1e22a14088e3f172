package core

import "context"

// Request is what an [Extractor] may see of a request, in any framework. The
// counted methods return the first value and how many there are, so that neither
// a framework's copy nor a slice is needed and a duplicate cannot hide.
type Request interface {
	Context() context.Context
	// Host as the client sent it, port included.
	Host() string
	// Path as the client sent it, still percent-encoded, without query.
	Path() string
	// RemoteAddr is the address of the direct peer, host:port.
	RemoteAddr() string
	// Header returns the first value of a header and the number of its lines.
	Header(name string) (value string, n int)
	// Query returns the first value of a query parameter, decoded, and the number of its occurrences.
	Query(name string) (value string, n int)
	// Cookie returns the value of the first cookie of a name and the number of such cookies.
	Cookie(name string) (value string, n int)
	// Param returns a route parameter, decoded, or "" where the router has none of that name.
	Param(name string) string
}

// Selection is what an [Extractor] found. The zero Selection means that the
// request names no tenant. Whoever gets one resolves Ref, and refuses unless each
// of Also resolves to the same tenant (else [ErrTenantAmbiguous]) and the tenant
// lies within the one that Within names (else [ErrTenantForbidden]), which must
// itself be active and be the one that each of WithinAlso names.
type Selection struct {
	Ref        Ref
	Also       []Ref
	Within     Ref
	WithinAlso []Ref
	Verified   bool // the source proves the caller's right to it, as a signed token does
}

// IsZero reports whether nothing was found.
func (s Selection) IsZero() bool { return s.Ref.IsZero() }

// Extractor finds out which tenant a request names. It returns the zero
// Selection if the request names none in the place where the extractor looks,
// and [ErrTenantRefInvalid] or [ErrTenantAmbiguous] if what stands there is no good:
// an error is never "none".
type Extractor func(Request) (Selection, error)
