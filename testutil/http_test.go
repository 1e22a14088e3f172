package stratumtest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/testutil"
)

type note struct {
	ID     string `json:"id"`
	Body   string `json:"body"`
	tenant string
}

// app is a small service that keeps tenants apart, but for what break says.
type app struct {
	mu    sync.Mutex
	notes []note
	cache map[string]string
	last  string // of the tenant that came last: what a global would hold
	wrong string
}

const header = "X-Tenant-ID"

func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	tenant := r.Header.Get(header)
	if a.wrong == "vary missing" {
		w.Header().Set("Cache-Control", "max-age=60")
	} else {
		w.Header().Set("Vary", header)
	}
	if a.wrong == "public" {
		w.Header().Set("Cache-Control", "public, max-age=60")
		w.Header().Del("Vary")
	}
	path, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case path == "plans":
		write(w, 200, []string{"free", "pro"})
	case path == "notes" && r.Method == http.MethodPost:
		var n note
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			write(w, 400, err.Error())
			return
		}
		n.ID, n.tenant = core.NewID().String(), tenant
		a.notes = append(a.notes, n)
		write(w, 201, n)
	case path == "notes" && id == "":
		a.list(w, r, tenant)
	case path == "notes":
		a.one(w, r, tenant, id)
	default:
		write(w, 404, "no such page")
	}
}

func (a *app) list(w http.ResponseWriter, r *http.Request, tenant string) {
	list := []note{}
	for i, n := range a.notes {
		own := n.tenant == tenant || a.wrong == "everything" || a.wrong == "one more" && i == 0 || a.wrong == "last" && n.tenant == a.last
		if own {
			list = append(list, n)
		}
	}
	a.last = tenant
	if a.wrong == "etag" {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	b, _ := json.Marshal(list)
	if a.wrong == "cache" {
		if a.cache == nil {
			a.cache = map[string]string{}
		}
		if hit, ok := a.cache[r.URL.Path]; ok {
			b = []byte(hit)
		}
		a.cache[r.URL.Path] = string(b)
	}
	if a.wrong == "empty" {
		b = []byte("[]")
	}
	if a.wrong == "header" && len(a.notes) > 0 {
		w.Header().Set("X-Last", a.notes[0].Body)
	}
	_, _ = w.Write(b)
}

func (a *app) one(w http.ResponseWriter, r *http.Request, tenant, id string) {
	for i, n := range a.notes {
		switch {
		case n.ID != id:
		case n.tenant == tenant || a.wrong == "any object" || a.wrong == "any delete" && r.Method == http.MethodDelete:
			if r.Method == http.MethodDelete {
				a.notes = append(a.notes[:i], a.notes[i+1:]...)
				w.WriteHeader(http.StatusNoContent)
				return
			}
			write(w, 200, n)
			return
		case a.wrong == "status oracle":
			write(w, 403, "not yours")
			return
		case a.wrong == "body oracle":
			write(w, 404, "it is not yours")
			return
		case a.wrong == "header oracle":
			w.Header().Set("X-Owner", "another")
		case a.wrong == "shape oracle":
			write(w, 404, map[string]string{"error": "no such note", "owner": "x"})
			return
		case a.wrong == "silent delete" && r.Method == http.MethodDelete:
			a.notes = append(a.notes[:i], a.notes[i+1:]...)
		case a.wrong == "panic":
			panic("boom")
		}
	}
	write(w, 404, map[string]string{"error": "no such note"})
}

func write(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func requests() []*http.Request {
	return []*http.Request{
		httptest.NewRequest(http.MethodPost, "/notes", strings.NewReader(`{"body":"{marker}"}`)),
		httptest.NewRequest(http.MethodPost, "/notes", strings.NewReader(`{"body":"more of {marker}"}`)),
		httptest.NewRequest(http.MethodGet, "/notes", nil),
		httptest.NewRequest(http.MethodGet, "/plans", nil),
		httptest.NewRequest(http.MethodGet, "/notes/{id}", nil),
		httptest.NewRequest(http.MethodDelete, "/notes/{id}", nil),
	}
}

func asHeader(r *http.Request, t *core.Tenant) { r.Header.Set(header, t.ID.String()) }

func assertHTTP(t testing.TB, handler http.Handler, cfg stratumtest.HTTPConfig) []string {
	t.Helper()
	if cfg.As == nil {
		cfg.As = asHeader
	}
	if cfg.Requests == nil {
		cfg.Requests = requests()
	}
	if cfg.Shared == nil {
		cfg.Shared = []string{"GET /plans"}
	}
	return on(t.Context(), func(t testing.TB) { stratumtest.AssertHTTPIsolation(t, handler, cfg) })
}

func TestASoundHandlerPasses(t *testing.T) {
	t.Parallel()
	if errs := assertHTTP(t, &app{}, stratumtest.HTTPConfig{}); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestEachFlawOfAHandlerIsFound(t *testing.T) {
	t.Parallel()
	for wrong, words := range map[string]string{
		"everything":    "shows",
		"one more":      "shows",
		"last":          "shows",
		"cache":         "leak",
		"empty":         "answered alike",
		"header":        "shows",
		"etag":          "confirms the entity tag",
		"vary missing":  "a shared cache may give",
		"public":        "a shared cache may give",
		"any object":    "GET /notes/{id}",
		"any delete":    "DELETE /notes/{id}",
		"silent delete": "is answered otherwise",
		"status oracle": "oracle: GET /notes/{id} is answered by 403",
		"body oracle":   "has the body",
		"shape oracle":  "has the body",
		"header oracle": "has the headers",
		"panic":         "panics: boom",
	} {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			errs := assertHTTP(t, &app{wrong: wrong}, stratumtest.HTTPConfig{})
			if saying(errs, words) == 0 {
				t.Errorf("%q is not among %q", words, errs)
			}
		})
	}
}

func TestHTTPIsolationNeedsSomethingToCompare(t *testing.T) {
	t.Parallel()
	get := httptest.NewRequest(http.MethodGet, "/notes", nil)
	if errs := assertHTTP(t, &app{}, stratumtest.HTTPConfig{Requests: []*http.Request{get}}); saying(errs, "answered alike") == 0 {
		t.Error(errs)
	}
	if errs := assertHTTP(t, http.NotFoundHandler(), stratumtest.HTTPConfig{Requests: []*http.Request{get}}); saying(errs, "nothing is proven by GET /notes: both tenants get 404") == 0 {
		t.Error(errs)
	}
	if errs := assertHTTP(t, &app{}, stratumtest.HTTPConfig{Requests: []*http.Request{httptest.NewRequest(http.MethodGet, "/notes/{id}", nil)}}); saying(errs, "no id from the answers") == 0 {
		t.Error(errs)
	}
	if errs := on(t.Context(), func(t testing.TB) { stratumtest.AssertHTTPIsolation(t, &app{}, stratumtest.HTTPConfig{}) }); saying(errs, "are required") != 1 {
		t.Error(errs)
	}
}

// Numbers as ids, a token that decides, and values that only Own knows.
func TestHTTPIsolationByToken(t *testing.T) {
	t.Parallel()
	tenants := stratumtest.Tenants(t, 2)
	balance := map[string]int{tenants[0].Slug: 11_111_111, tenants[1].Slug: 22_222_222}
	leaky := false
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slug := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		id := balance[slug]
		switch {
		case r.URL.Path == "/account":
			sum := ""
			if leaky {
				sum = fmt.Sprint(balance[tenants[0].Slug], balance[tenants[1].Slug])
			}
			write(w, 200, map[string]any{"id": id, "balance": strconv.Itoa(id), "sum": sum})
		case r.URL.Path == "/account/"+strconv.Itoa(id):
			_, _ = io.WriteString(w, "yours")
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	cfg := stratumtest.HTTPConfig{
		Tenants:  tenants,
		Requests: []*http.Request{httptest.NewRequest(http.MethodGet, "/account", nil), httptest.NewRequest(http.MethodGet, "/account/{id}", nil)},
		As:       func(r *http.Request, t *core.Tenant) { r.Header.Set("Authorization", "Bearer "+t.Slug) },
		Own:      func(t *core.Tenant) []string { return []string{strconv.Itoa(balance[t.Slug])} },
	}
	if errs := assertHTTP(t, handler, cfg); len(errs) > 0 {
		t.Error(errs)
	}
	leaky = true
	if errs := assertHTTP(t, handler, cfg); saying(errs, `shows "11111111"`) == 0 || saying(errs, `shows "22222222"`) == 0 {
		t.Error(errs)
	}
}
