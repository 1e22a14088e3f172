package stratumtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// maxObjects is how many ids of each tenant are tried in each request with {id}.
const maxObjects = 10

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

// read keeps the requests as templates and learns what As does to one.
func (a *replay) read() error {
	for i := range a.markers {
		a.markers[i] = "mark" + strings.ReplaceAll(core.NewID().String(), "-", "")
	}
	for i, r := range a.cfg.Requests {
		t := template{request: r}
		if r.Body != nil {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return fmt.Errorf("stratumtest: reading the body of request %d: %w", i, err)
			}
			t.body = string(b)
		}
		a.templates = append(a.templates, t)
	}
	before := a.templates[0].request
	after := before.Clone(a.t.Context())
	a.cfg.As(after, a.cfg.Tenants[0])
	for name := range after.Header {
		if !slices.Equal(after.Header[name], before.Header[name]) {
			a.decides = append(a.decides, name)
		}
	}
	a.moves = after.URL.String() != before.URL.String() || after.Host != before.Host
	return nil
}

// harvest finds values and ids in a JSON answer.
func (g *answered) harvest() {
	var doc any
	d := json.NewDecoder(strings.NewReader(g.body))
	d.UseNumber()
	if d.Decode(&doc) != nil {
		return
	}
	var walk func(key string, v any)
	walk = func(key string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(k, v[k])
			}
		case []any:
			for _, e := range v {
				walk(key, e)
			}
		case string, json.Number:
			s := fmt.Sprint(v)
			if len(s) >= 8 {
				g.values[s] = true
			}
			if k := strings.ToLower(key); (k == "id" || k == "uuid" || strings.HasSuffix(k, "_id") || strings.HasSuffix(key, "Id") || strings.HasSuffix(key, "ID")) && !slices.Contains(g.ids, s) {
				g.ids = append(g.ids, s)
			}
		}
	}
	walk("", doc)
}

func valuesOf(list []*answered) map[string]bool {
	all := map[string]bool{}
	for _, g := range list {
		maps.Copy(all, g.values)
	}
	return all
}

// idsOf are the ids that only one tenant's answers had.
func idsOf(first [2][]*answered, who int) []string {
	var list, others []string
	for _, g := range first[1-who] {
		others = append(others, g.ids...)
	}
	for _, g := range first[who] {
		for _, id := range g.ids {
			if !slices.Contains(others, id) && !slices.Contains(list, id) {
				list = append(list, id)
			}
		}
	}
	return list
}

// compare compares the first answers to both: what differs must not be cached for both,
// and what does not must be shared.
func (a *replay) compare(first [2][]*answered) {
	for i, x := range first[attacker] {
		y := first[victim][i]
		if !x.safe() || a.shared(x.template) {
			continue
		}
		switch {
		case x.status >= 300 && y.status >= 300:
			a.t.Errorf("stratumtest: nothing is proven by %s: both tenants get %d", x.name(), x.status)
		case x.status != y.status:
			a.t.Errorf("stratumtest: %s is answered by %d as %s and by %d as %s", x.name(), x.status, a.who(attacker), y.status, a.who(victim))
		case x.body == y.body && x.request.Method != http.MethodHead:
			a.t.Errorf("stratumtest: leak or shared: %s is answered alike to both tenants; if it is for everybody, name it in HTTPConfig.Shared; if both are empty, create something with {marker} before", x.name())
		case x.status < 300:
			a.caching(x)
			if tag := x.header.Get("ETag"); tag != "" {
				again := a.as(victim, y.template, "", http.Header{"If-None-Match": {tag}})
				if again.status == http.StatusNotModified {
					a.t.Errorf("stratumtest: leak: %s confirms the entity tag of %s to %s, whose answer differs", x.name(), a.who(attacker), a.who(victim))
				}
			}
		}
	}
}

// caching checks that no shared cache may give an answer to the other tenant (RFC 9111).
func (a *replay) caching(got *answered) {
	if a.moves {
		return
	}
	control := strings.ToLower(strings.Join(got.header.Values("Cache-Control"), ","))
	directive := func(name string) bool {
		return slices.ContainsFunc(strings.Split(control, ","), func(d string) bool {
			d, _, _ = strings.Cut(strings.TrimSpace(d), "=")
			return d == name
		})
	}
	if directive("no-store") || directive("private") {
		return
	}
	vary := strings.ToLower(strings.Join(got.header.Values("Vary"), ","))
	for _, name := range a.decides {
		covered := slices.ContainsFunc(strings.Split(vary, ","), func(v string) bool {
			v = strings.TrimSpace(v)
			return v == "*" || v == strings.ToLower(name)
		})
		// Section 3.5: an answer to a request with Authorization is not stored, unless it says so.
		unless := name == "Authorization" && !directive("public") && !directive("s-maxage") && !directive("must-revalidate")
		if covered || unless {
			continue
		}
		a.t.Errorf("stratumtest: leak: a shared cache may give the answer to %s to another tenant: Cache-Control is %q and Vary %q, without %s. Send Cache-Control: private or no-store, or Vary: %s",
			got.name(), control, got.header.Get("Vary"), name, name)
	}
}

// objects asks for each other's ids.
func (a *replay) objects(first [2][]*answered) {
	for _, t := range a.templates {
		if !t.has("{id}") {
			continue
		}
		reached := false
		for who := range first { // whose ids they are
			ids := idsOf(first, who)
			for _, id := range ids[:min(len(ids), maxObjects)] {
				reached = a.object(t, who, id) || reached
			}
		}
		if t.safe() && !reached {
			a.t.Errorf("stratumtest: nothing is proven by %s: no id from the answers to the other requests is found there by its own tenant", t.name())
		}
	}
}

// object asks for an id of a tenant as the other. It reports whether its own tenant finds it.
func (a *replay) object(t template, who int, id string) bool {
	if t.safe() && a.as(who, t, id, nil).status >= 300 {
		return false // an id of something else
	}
	got := a.as(1-who, t, id, nil)
	if s := a.leaked(1-who, got); s != "" {
		a.t.Errorf("stratumtest: leak: %s with the id %s of %s shows %q to %s", t.name(), id, a.who(who), s, a.who(1-who))
		return true
	}
	unknown, another := nobodys(id, 1), nobodys(id, 2)
	want, again := a.as(1-who, t, unknown, nil), a.as(1-who, t, another, nil)
	switch {
	case got.status != http.StatusNotFound && got.status != http.StatusForbidden && (t.safe() || got.status < 300 || got.status != want.status):
		a.t.Errorf("stratumtest: leak: %s with the id %s of %s is answered by %d to %s, instead of 403 or 404", t.name(), id, a.who(who), got.status, a.who(1-who))
	case got.status != want.status:
		a.t.Errorf("stratumtest: oracle: %s is answered by %d for an id of %s and by %d for one that nobody has", t.name(), got.status, a.who(who), want.status)
	case !slices.Equal(headerNames(got), headerNames(want)):
		a.t.Errorf("stratumtest: oracle: %s has the headers %v for an id of %s and %v for one that nobody has", t.name(), headerNames(got), a.who(who), headerNames(want))
	default:
		x, y, z := strings.ReplaceAll(got.body, id, "{id}"), strings.ReplaceAll(want.body, unknown, "{id}"), strings.ReplaceAll(again.body, another, "{id}")
		if x != y && (y == z || !sameShape(x, y)) {
			a.t.Errorf("stratumtest: oracle: %s has the body %q for an id of %s and %q for one that nobody has", t.name(), x, a.who(who), y)
		}
	}
	return true
}

func headerNames(g *answered) []string {
	var list []string
	for name := range g.header {
		if name != "Date" && name != "Content-Length" {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

var digits = regexp.MustCompile(`^\d+$`)

// nobodys is an id like the given one that nobody has.
func nobodys(id string, n int) string {
	switch _, err := core.ParseID(id); {
	case err == nil:
		return core.NewID().String()
	case digits.MatchString(id):
		return strconv.Itoa(2_000_000_000 + n)
	}
	return "nobody" + strconv.Itoa(n) + id[:len(id)/2]
}

// sameShape reports whether two JSON texts have the same keys, lengths and types.
func sameShape(x, y string) bool {
	var a, b any
	if json.Unmarshal([]byte(x), &a) != nil || json.Unmarshal([]byte(y), &b) != nil {
		return false
	}
	return shape(a) == shape(b)
}

func shape(v any) string {
	switch v := v.(type) {
	case map[string]any:
		s := "{"
		for _, k := range slices.Sorted(maps.Keys(v)) {
			s += k + ":" + shape(v[k]) + ","
		}
		return s + "}"
	case []any:
		s := "["
		for _, e := range v {
			s += shape(e) + ","
		}
		return s + "]"
	}
	return fmt.Sprintf("%T", v)
}
