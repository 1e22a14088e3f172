package propagate

import (
	"net/http"
	"strings"
)

// Carrier is the part of a message that has named texts: headers of a request,
// attributes of a queue's message. The carriers of OpenTelemetry have this shape, so
// that those which exist for a queue already do.
type Carrier interface {
	Get(name string) string
	Set(name, value string)
	Keys() []string
}

// Header is an [http.Header] as a [Carrier].
type Header http.Header

// Get implements [Carrier].
func (h Header) Get(name string) string { return http.Header(h).Get(name) }

// Set implements [Carrier].
func (h Header) Set(name, value string) { http.Header(h).Set(name, value) }

// Keys implements [Carrier]. A header of several lines is there as many times.
func (h Header) Keys() []string {
	keys := make([]string, 0, len(h))
	for name, values := range h {
		for range max(len(values), 1) {
			keys = append(keys, name)
		}
	}
	return keys
}

// Map is a map as a [Carrier].
type Map map[string]string

// Get implements [Carrier].
func (m Map) Get(name string) string { return m[name] }

// Set implements [Carrier]. It panics on a nil map.
func (m Map) Set(name, value string) { m[name] = value }

// Keys implements [Carrier].
func (m Map) Keys() []string {
	keys := make([]string, 0, len(m))
	for name := range m {
		keys = append(keys, name)
	}
	return keys
}

// read returns the value of a name, whose case brokers do not keep, and how many there are.
func read(c Carrier, name string) (value string, n int) {
	found := ""
	for _, key := range c.Keys() {
		if strings.EqualFold(key, name) {
			found = key
			n++
		}
	}
	if n != 1 {
		return "", n
	}
	return c.Get(found), 1
}
