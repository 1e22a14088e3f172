package stratumjwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/stratum-hq/stratum-go/core"
)

// Claims are those of a verified token. They belong to whoever got them.
type Claims struct {
	Tenant   core.Ref // zero: the token has no such claim
	Issuer   string
	Subject  string
	ID       string // jti
	Audience []string

	Expires   time.Time // the zero time: it does not say
	NotBefore time.Time
	IssuedAt  time.Time

	payload []byte
}

// Decode reads all claims of the token, those of others included, into a struct or map
// as [json.Unmarshal] does.
func (c *Claims) Decode(into any) error { return json.Unmarshal(c.payload, into) }

// clone keeps what is remembered apart from what is handed out. Nothing writes the payload.
func (c *Claims) clone() *Claims {
	copied := *c
	copied.Audience = slices.Clone(c.Audience)
	return &copied
}

// parseClaims reads a payload. path leads to the tenant.
func parseClaims(payload []byte, path []string) (*Claims, error) {
	m, err := parseObject(payload)
	if err != nil {
		return nil, err
	}
	r := reader{m: m}
	c := &Claims{
		Issuer: r.text("iss"), Subject: r.text("sub"), ID: r.text("jti"), Audience: r.texts("aud"),
		Expires: r.date("exp"), NotBefore: r.date("nbf"), IssuedAt: r.date("iat"),
		payload: payload,
	}
	c.Tenant = r.tenant(path)
	return c, r.err
}

// reader reads registered claims (RFC 7519, section 4.1), and remembers the first that is
// not what it must be.
type reader struct {
	m   map[string]any
	err error
}

func (r *reader) bad(name string) {
	if r.err == nil {
		r.err = errors.New("the claim " + name + " is not of its type")
	}
}

func (r *reader) text(name string) string {
	v, there := r.m[name]
	s, ok := v.(string)
	if there && !ok {
		r.bad(name)
	}
	return s
}

// texts reads one text or a list of them.
func (r *reader) texts(name string) []string {
	switch v := r.m[name].(type) {
	case string:
		return []string{v}
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := e.(string)
			if !ok {
				r.bad(name)
				return nil
			}
			list = append(list, s)
		}
		return list
	default:
		if _, there := r.m[name]; there {
			r.bad(name)
		}
		return nil
	}
}

// date reads a NumericDate between 1970 and 9999.
func (r *reader) date(name string) time.Time {
	v, there := r.m[name]
	if !there {
		return time.Time{}
	}
	number, _ := v.(json.Number)
	f, err := number.Float64()
	if err != nil || f < 0 || f > 253402300799 {
		r.bad(name)
		return time.Time{}
	}
	seconds, fraction := math.Modf(f)
	return time.Unix(int64(seconds), int64(fraction*1e9))
}

func (r *reader) tenant(path []string) core.Ref {
	var v any = r.m
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			r.bad("of the tenant")
			return core.Ref{}
		}
		if v, ok = m[name]; !ok {
			return core.Ref{}
		}
	}
	s, _ := v.(string)
	ref, err := core.ParseRef(s)
	if err != nil {
		r.bad("of the tenant")
	}
	return ref
}

const maxDepth = 32

var errJSON = errors.New("the token is not made of JSON objects in UTF-8, or one has a name twice")

// parseObject reads one JSON object. A name that occurs twice is an error (RFC 7515,
// section 4, RFC 7519, section 4): parsers differ in which of the two they take.
func parseObject(data []byte) (map[string]any, error) {
	if !utf8.Valid(data) {
		return nil, errJSON
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := parseValue(dec, 0)
	if err != nil {
		return nil, errJSON // what the decoder says may repeat a part of the token
	}
	m, ok := v.(map[string]any)
	if _, more := dec.Token(); !ok || !errors.Is(more, io.EOF) {
		return nil, errJSON
	}
	return m, nil
}

func parseValue(dec *json.Decoder, depth int) (any, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth == maxDepth {
		return nil, errJSON
	}
	var list []any
	object := map[string]any{}
	for dec.More() {
		name := ""
		if open == '{' {
			t, err := dec.Token()
			if err != nil {
				return nil, err
			}
			name, _ = t.(string)
			if _, twice := object[name]; twice {
				return nil, errJSON
			}
		}
		v, err := parseValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		if open == '{' {
			object[name] = v
		} else {
			list = append(list, v)
		}
	}
	if _, err := dec.Token(); err != nil { // the closing one
		return nil, err
	}
	if open == '{' {
		return object, nil
	}
	return list, nil
}

// pathOf splits the configured name of the tenant's claim.
func pathOf(claim string) []string {
	switch {
	case claim == "":
		return []string{DefaultClaim}
	case strings.Contains(claim, "://"):
		return []string{claim}
	}
	return strings.Split(claim, ".")
}
