package extract

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// Path reads the tenant from the n-th segment of the path, counted from 1: for
// /t/brazil/invoices, Path(2) finds brazil. It panics if n is less than 1.
//
// Segments are percent-decoded once, each by itself. Whatever a router could see
// differently is [core.ErrTenantRefInvalid]: a decoded slash or an empty segment
// up to the tenant, a dot segment anywhere, plain or encoded.
func Path(n int) core.Extractor {
	must(n >= 1, "Path counts segments from 1, so there is none with the number "+strconv.Itoa(n))
	p := pathPattern{target: n - 1, place: "segment " + strconv.Itoa(n) + " of the path"}
	return p.extract
}

// PathAfter reads the tenant from the segment that follows a fixed prefix:
// PathAfter("/t/") finds brazil in /t/brazil/invoices, and nothing in /health.
// The rules for segments are those of [Path], so that no spelling of the prefix,
// as /%74/brazil or //t/brazil, passes for another path. Upper and lower case
// differ; where a router takes them for the same, use [Param].
//
// The prefix is given decoded, and begins and ends with a slash; PathAfter panics otherwise.
func PathAfter(prefix string) core.Extractor {
	ok := prefix == "/" || len(prefix) > 1 && prefix[0] == '/' && strings.HasSuffix(prefix, "/")
	must(ok, "PathAfter needs a prefix that begins and ends with a slash, not "+quote(prefix))
	p := pathPattern{place: "the path segment after " + prefix}
	if prefix != "/" {
		p.prefix = strings.Split(prefix[1:len(prefix)-1], "/")
	}
	for _, segment := range p.prefix {
		must(segment != "" && !dotted(segment), "PathAfter needs a prefix without empty and dot segments, not "+quote(prefix))
	}
	p.target = len(p.prefix)
	return p.extract
}

// pathPattern says which segment names the tenant, and what must stand before it.
type pathPattern struct {
	prefix []string // empty for Path: any segments will do
	target int      // index of the segment
	place  string   // for errors
}

func (p pathPattern) extract(r core.Request) (core.Selection, error) {
	path := r.Path()
	if path == "" || path == "*" {
		return core.Selection{}, nil
	}
	segment, ok := p.find(path)
	if !ok {
		return core.Selection{}, invalid("the path can be read in more than one way")
	}
	return single(p.place, segment)
}

// find returns the decoded segment, "" if the path has none, and not ok for a path
// on whose segments two routers could differ. It reads to the end, because a dot
// segment behind the tenant can still replace it.
func (p pathPattern) find(path string) (segment string, ok bool) {
	if path[0] != '/' {
		return "", false
	}
	matches, more := true, true
	for i, rest := 0, path[1:]; more; i++ {
		var raw string
		raw, rest, more = strings.Cut(rest, "/")
		s, err := unescape(raw)
		if err != nil || dotted(s) {
			return "", false
		}
		if !matches || i > p.target {
			continue
		}
		if s == "" && more || strings.IndexByte(s, '/') >= 0 {
			return "", false
		}
		if i < len(p.prefix) && s != p.prefix[i] {
			matches = false
		} else if i == p.target {
			segment = s
		}
	}
	return segment, true
}

func unescape(s string) (string, error) {
	if strings.IndexByte(s, '%') < 0 {
		return s, nil
	}
	return url.PathUnescape(s)
}

// dotted reports whether a part of s is a dot segment. A decoded slash separates
// parts, and so does a backslash: some servers and all browsers turn it into one.
func dotted(s string) bool {
	if strings.IndexByte(s, '.') < 0 {
		return false
	}
	for part := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == '/' || c == '\\' }) {
		if part == "." || part == ".." {
			return true
		}
	}
	return false
}
