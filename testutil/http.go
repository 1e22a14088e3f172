package stratumtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

// HTTPConfig says what [AssertHTTPIsolation] replays. Requests and As are required.
type HTTPConfig struct {
	// Requests are replayed as each tenant, in this order. In their URLs and bodies
	//
	//   - {marker} stands for a text that is the tenant's own: what was created with it
	//     must never be shown to the other, so begin with a request that creates something;
	//   - {id} stands for each id that the other tenant's answers had, taken from the fields
	//     id and …_id of JSON: the answer must be the one for an id that nobody has.
	Requests []*http.Request

	// As makes a request that of a tenant: sets its header, token, host or path.
	As func(r *http.Request, t *core.Tenant)

	// Tenants are two tenants that the handler knows. Nil: two fresh ones.
	Tenants []*core.Tenant

	// Own returns values that only this tenant may be shown, beside its id, slug and name
	// and what {marker} stands for. Nil: none.
	Own func(t *core.Tenant) []string

	// Shared names requests, as "GET /plans", whose answers are the same for everybody.
	Shared []string
}

// AssertHTTPIsolation replays requests as two tenants against a handler, one after the
// other and at once, and compares. It is an error of the test if
//
//   - an answer shows what belongs to the other tenant, or what until then only the other's
//     answers had;
//   - both tenants get the same answer, unless it is named in [HTTPConfig.Shared];
//   - an id of the other tenant is answered otherwise than one that nobody has: by another status
//     than 403 or 404, by other headers or another body; time is not compared;
//   - a tenant's answers change by what the other tried;
//   - an answer that depends on the tenant may be taken from a shared cache for the other
//     (RFC 9111: neither private nor no-store, and Vary without the header that decides),
//     or is confirmed by an entity tag of the other's.
func AssertHTTPIsolation(t testing.TB, handler http.Handler, cfg HTTPConfig) {
	t.Helper()
	if cfg.As == nil || len(cfg.Requests) == 0 {
		t.Fatal("stratumtest: AssertHTTPIsolation: HTTPConfig.As and Requests are required")
	}
	if cfg.Tenants == nil {
		cfg.Tenants = Tenants(t, 2)
	}
	if len(cfg.Tenants) != 2 || cfg.Tenants[0].ID == cfg.Tenants[1].ID {
		t.Fatal("stratumtest: AssertHTTPIsolation: HTTPConfig.Tenants needs two different tenants")
	}
	a := &replay{t: t, handler: handler, cfg: cfg}
	if err := a.read(); err != nil {
		t.Fatal(err)
	}
	// Whoever comes first shows what is its own; what of it the next two rounds show to the
	// other was not there before.
	first := [2][]*answered{}
	for _, who := range []int{victim, attacker} {
		first[who] = a.round(who, true)
	}
	for _, who := range []int{victim, attacker} {
		a.judge(who, a.round(who, false), first)
	}
	a.compare(first)
	a.objects(first)
	a.unchanged(first)
	a.concurrently(first)
}

// template is a request to replay.
type template struct {
	request *http.Request
	body    string
}

func (t template) name() string { return t.request.Method + " " + t.request.URL.Path }

// has reports whether the request contains a placeholder.
func (t template) has(placeholder string) bool {
	return strings.Contains(t.request.URL.Path+t.request.URL.RawQuery+t.body, placeholder)
}

func (t template) safe() bool {
	return t.request.Method == http.MethodGet || t.request.Method == http.MethodHead
}

// answered is an answer and what it answers.
type answered struct {
	template
	status int
	header http.Header
	body   string
	values map[string]bool // scalars of JSON, long enough to be no coincidence
	ids    []string
}

// replay is one run of AssertHTTPIsolation.
type replay struct {
	t         testing.TB
	handler   http.Handler
	cfg       HTTPConfig
	templates []template
	markers   [2]string
	decides   []string // the headers that As sets
	moves     bool     // As changes the URL or host: then caches tell the tenants apart
}

// as sends a request as a tenant. id is what {id} stands for.
func (a *replay) as(who int, t template, id string, header http.Header) *answered {
	fill := strings.NewReplacer("{marker}", a.markers[who], "{id}", id)
	r := t.request.Clone(a.t.Context())
	r.URL.Path, r.URL.RawPath = fill.Replace(r.URL.Path), ""
	r.URL.RawQuery = fill.Replace(r.URL.RawQuery)
	r.RequestURI = r.URL.RequestURI()
	body := fill.Replace(t.body)
	r.Body, r.ContentLength = http.NoBody, int64(len(body))
	if body != "" {
		r.Body = readCloser(body)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	a.cfg.As(r, a.cfg.Tenants[who])
	w := httptest.NewRecorder()
	func() {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				a.t.Errorf("stratumtest: %s panics: %v", t.name(), v)
			}
		}()
		a.handler.ServeHTTP(w, r)
	}()
	got := &answered{template: t, status: w.Code, header: w.Result().Header, body: w.Body.String(), values: map[string]bool{}}
	got.harvest()
	return got
}

// round replays everything without {id}; only what is safe, unless all is set.
func (a *replay) round(who int, all bool) []*answered {
	var list []*answered
	for _, t := range a.templates {
		if !t.has("{id}") && (all || t.safe()) {
			list = append(list, a.as(who, t, "", nil))
		}
	}
	return list
}

// secrets are what only a tenant may be shown.
func (a *replay) secrets(who int) []string {
	t := a.cfg.Tenants[who]
	list := []string{t.ID.String(), a.markers[who]}
	for _, s := range []string{t.Slug, t.Name} {
		other := a.cfg.Tenants[1-who]
		if len(s) >= 5 && !strings.Contains(other.Slug+" "+other.Name, s) {
			list = append(list, s)
		}
	}
	if a.cfg.Own != nil {
		list = append(list, a.cfg.Own(t)...)
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// leaked returns what an answer to a tenant shows of the other.
func (a *replay) leaked(who int, got *answered) string {
	shown := got.body
	for name, values := range got.header {
		shown += "\n" + name + ": " + strings.Join(values, ", ")
	}
	for _, s := range a.secrets(1 - who) {
		if strings.Contains(shown, s) {
			return s
		}
	}
	return ""
}

// judge judges later answers to a tenant by the first ones to both.
func (a *replay) judge(who int, later []*answered, first [2][]*answered) {
	own, others := valuesOf(first[who]), valuesOf(first[1-who])
	for _, got := range slices.Concat(first[who], later) {
		if a.shared(got.template) {
			continue
		}
		if s := a.leaked(who, got); s != "" {
			a.t.Errorf("stratumtest: leak: the answer to %s as %s shows %q of %s", got.name(), a.who(who), s, a.who(1-who))
		}
	}
	for _, got := range later {
		for v := range got.values {
			if others[v] && !own[v] && !a.shared(got.template) {
				a.t.Errorf("stratumtest: leak: the answer to %s as %s shows %q, which only answers to %s had", got.name(), a.who(who), v, a.who(1-who))
				break
			}
		}
	}
}

func (a *replay) who(i int) string { return fmt.Sprintf("tenant %s", a.cfg.Tenants[i].Slug) }

func (a *replay) shared(t template) bool { return slices.Contains(a.cfg.Shared, t.name()) }

// concurrently replays what is safe as both tenants at once.
func (a *replay) concurrently(first [2][]*answered) {
	const callers, rounds = 8, 5
	results := make([][]*answered, callers)
	RunConcurrently(a.t, callers, func(i int) {
		for range rounds {
			results[i] = append(results[i], a.round(i%2, false)...)
		}
	})
	for i, got := range results {
		a.judge(i%2, got, [2][]*answered{first[0], first[1]})
	}
}

// unchanged asks again, now that the other tenant has tried its ids.
func (a *replay) unchanged(first [2][]*answered) {
	for who := range first {
		for _, was := range first[who] {
			if !was.safe() || a.shared(was.template) {
				continue
			}
			now := a.as(who, was.template, "", nil)
			again := a.as(who, was.template, "", nil)
			if now.status != was.status || now.body != was.body && now.body == again.body && !sameShape(now.body, was.body) {
				a.t.Errorf("stratumtest: leak: %s as %s is answered otherwise (%d, it was %d) after the other tenant tried its ids", was.name(), a.who(who), now.status, was.status)
			}
		}
	}
}
