package stratumhttp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
	stratumhttp "github.com/stratum-hq/stratum-go/middleware/nethttp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slugHandler answers with the tenant that it runs as.
func slugHandler(w http.ResponseWriter, r *http.Request) {
	t, err := core.FromContext(r.Context())
	if err != nil {
		fmt.Fprint(w, "none")
		return
	}
	fmt.Fprint(w, t.Slug)
}

func wrap(cfg stratumhttp.Config, h http.HandlerFunc) http.Handler {
	if cfg.Logger == nil {
		cfg.Logger = quiet()
	}
	return stratumhttp.Middleware(tenants(), cfg)(h)
}

// get runs a request through a handler, with headers given as pairs.
func get(h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func wantBody(t *testing.T, w *httptest.ResponseRecorder, body string) {
	t.Helper()
	if w.Code != http.StatusOK || w.Body.String() != body {
		t.Errorf("%d %s, want %s", w.Code, w.Body, body)
	}
}

func wantRefusal(t *testing.T, w *httptest.ResponseRecorder, want *core.Error) {
	t.Helper()
	var m struct {
		Error struct {
			Code    core.Code
			Message string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
		t.Errorf("%v: %s", err, w.Body)
	}
	if w.Code != want.Code.Status() || m.Error.Code != want.Code || m.Error.Message == "" {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want.Code)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("headers of a refusal: %v", w.Header())
	}
}

func TestZeroConfig(t *testing.T) {
	h := wrap(stratumhttp.Config{}, slugHandler)
	wantBody(t, get(h, "/", "X-Tenant-ID", "brazil"), "brazil")
	wantBody(t, get(h, "/", "X-Tenant-ID", "0190a000-0000-7000-8000-000000000002"), "brazil")
	wantRefusal(t, get(h, "/"), core.ErrMissingTenant)
	wantRefusal(t, get(h, "/", "X-Tenant-ID", "a,b"), core.ErrTenantRefInvalid)
	wantRefusal(t, get(h, "/", "X-Tenant-ID", "brazil", "X-Tenant-ID", "brazil"), core.ErrTenantAmbiguous)
	wantRefusal(t, get(h, "/", "X-Tenant-ID", "nobody"), core.ErrTenantNotFound)
	wantRefusal(t, get(h, "/", "X-Tenant-ID", "late_payer"), core.ErrTenantSuspended)
}

func TestEverySource(t *testing.T) {
	for name, c := range map[string]struct {
		extract core.Extractor
		target  string
		header  []string
	}{
		"subdomain": {extract.Subdomain("app.example.com"), "http://BRAZIL.app.example.com:80/", nil},
		"host":      {extract.Host("app.example.com"), "http://brazil.example.org/", nil},
		"path":      {extract.PathAfter("/t/"), "/t/%62razil/x%2Fy", nil},
		"segment":   {extract.Path(2), "/t/brazil/x", nil},
		"query":     {extract.Query("tenant"), "/?tenant=brazil", nil},
		"cookie":    {extract.Cookie("tenant"), "/", []string{"Cookie", "a=b; tenant=brazil"}},
		"within": {
			extract.Within(
				func(core.Request) (core.Selection, error) {
					return core.Selection{Ref: core.BySlug("north_star"), Verified: true}, nil
				},
				extract.Header("X-Tenant-ID")), "/", []string{"X-Tenant-ID", "brazil"},
		},
		"agree": {
			extract.Agree(extract.Query("tenant"), extract.Header("X-Tenant-ID")), "/?tenant=0190a000-0000-7000-8000-000000000002",
			[]string{"X-Tenant-ID", "brazil"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := wrap(stratumhttp.Config{Extract: c.extract}, slugHandler)
			wantBody(t, get(h, c.target, c.header...), "brazil")
		})
	}
}

func TestSkipPassesTheRequestItself(t *testing.T) {
	var seen *http.Request
	h := wrap(stratumhttp.Config{Skip: func(r core.Request) bool { return r.Path() == "/health" }},
		func(_ http.ResponseWriter, r *http.Request) { seen = r })
	r := httptest.NewRequest("GET", "/health", nil)
	h.ServeHTTP(httptest.NewRecorder(), r)
	if seen != r {
		t.Error("a skipped request is not passed on as it is")
	}
	wantRefusal(t, get(h, "/other"), core.ErrMissingTenant)
}

func TestOptionalAndObserve(t *testing.T) {
	optional := wrap(stratumhttp.Config{Optional: true}, slugHandler)
	wantBody(t, get(optional, "/"), "none")
	wantBody(t, get(optional, "/", "X-Tenant-ID", "brazil"), "brazil")
	wantRefusal(t, get(optional, "/", "X-Tenant-ID", "nobody"), core.ErrTenantNotFound)
	observe := wrap(stratumhttp.Config{Observe: true}, slugHandler)
	wantBody(t, get(observe, "/", "X-Tenant-ID", "late_payer"), "none")
}

func TestAuthorize(t *testing.T) {
	h := wrap(stratumhttp.Config{Authorize: func(_ context.Context, r core.Request, tenant *core.Tenant) error {
		if user, _ := r.Header("X-User"); user == tenant.Slug {
			return nil
		}
		return errors.New("no row in members: hunter2")
	}}, slugHandler)
	wantBody(t, get(h, "/", "X-Tenant-ID", "brazil", "X-User", "brazil"), "brazil")
	w := get(h, "/", "X-Tenant-ID", "brazil", "X-User", "eve")
	wantRefusal(t, w, core.ErrTenantForbidden)
	if strings.Contains(w.Body.String(), "hunter2") {
		t.Errorf("the cause is shown: %s", w.Body)
	}
}

func TestResolverDown(t *testing.T) {
	down := core.ResolverFunc(func(context.Context, core.Ref) (*core.Tenant, error) {
		return nil, errors.New("dial tcp 10.0.0.7:5432")
	})
	h := stratumhttp.Middleware(down, stratumhttp.Config{Logger: quiet()})(http.HandlerFunc(slugHandler))
	w := get(h, "/", "X-Tenant-ID", "brazil")
	wantRefusal(t, w, core.ErrResolverDown)
	if w.Header().Get("Retry-After") != "1" || strings.Contains(w.Body.String(), "10.0.0.7") {
		t.Errorf("%v %s", w.Header(), w.Body)
	}
}

func TestOnError(t *testing.T) {
	var got error
	h := wrap(stratumhttp.Config{OnError: func(w http.ResponseWriter, r *http.Request, err error) {
		got = err
		http.Error(w, r.URL.Path+" is not for you", http.StatusTeapot)
	}}, slugHandler)
	w := get(h, "/x", "X-Tenant-ID", "nobody")
	if !errors.Is(got, core.ErrTenantNotFound) || w.Code != http.StatusTeapot || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v, %d %v", got, w.Code, w.Header())
	}
}

// Middlewares in front see their own context again; those behind see the tenant.
func TestNeighbours(t *testing.T) {
	var trail []string
	note := func(name string, r *http.Request) {
		id := "none"
		if tenant, err := core.FromContext(r.Context()); err == nil {
			id = tenant.Slug
		}
		trail = append(trail, name+" "+id)
	}
	neighbour := func(name string, next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			note(name+" before", r)
			next.ServeHTTP(w, r)
			note(name+" after", r)
		})
	}
	inner := neighbour("inner", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note("handler", r) }))
	mw := stratumhttp.Middleware(tenants(), stratumhttp.Config{Logger: quiet()})
	get(neighbour("outer", mw(inner)), "/", "X-Tenant-ID", "brazil")
	// An outer admission's tenant is back once the inner one is through.
	outer := stratumhttp.Middleware(tenants(), stratumhttp.Config{Logger: quiet(), Extract: extract.Query("outer")})
	get(outer(neighbour("between", mw(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { note("nested", r) })))),
		"/?outer=stranger", "X-Tenant-ID", "brazil")
	want := "outer before none, inner before brazil, handler brazil, inner after brazil, outer after none, " +
		"between before stranger, nested brazil, between after stranger"
	if got := strings.Join(trail, ", "); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestPanicsGoThrough(t *testing.T) {
	boom := errors.New("boom")
	panicking := func(context.Context, core.Request, *core.Tenant) error { panic(boom) }
	for name, h := range map[string]http.Handler{
		"handler": wrap(stratumhttp.Config{}, func(http.ResponseWriter, *http.Request) { panic(boom) }),
		"hook":    wrap(stratumhttp.Config{Authorize: panicking}, slugHandler),
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() != boom {
					t.Error("the panic did not go through")
				}
			}()
			get(h, "/", "X-Tenant-ID", "brazil")
		})
	}
}

func TestNilResolverPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a nil resolver was accepted")
		}
	}()
	stratumhttp.Middleware(nil, stratumhttp.Config{})
}

// The writer that the server made reaches the handler: nothing of it is wrapped away.
func TestTheWriterIsUntouched(t *testing.T) {
	var writer http.ResponseWriter
	outer := httptest.NewRecorder()
	wrap(stratumhttp.Config{}, func(w http.ResponseWriter, _ *http.Request) { writer = w }).ServeHTTP(outer, sample())
	if writer != http.ResponseWriter(outer) {
		t.Errorf("the handler got a %T", writer)
	}

	mux := http.NewServeMux()
	gate := make(chan struct{})
	mux.HandleFunc("/stream", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "first")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-gate // the client has the first line before the handler goes on
		fmt.Fprintln(w, "second")
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(conn, "HTTP/1.1 299 Mine\r\nConnection: close\r\n\r\n")
		_ = conn.Close()
	})
	srv := httptest.NewServer(stratumhttp.Middleware(tenants(), stratumhttp.Config{Logger: quiet()})(mux))
	defer srv.Close()
	body, status := open(t, srv, "/stream", "brazil")
	lines := bufio.NewScanner(body)
	if !lines.Scan() || lines.Text() != "first" || status != 200 {
		t.Errorf("%d %q", status, lines.Text())
	}
	close(gate)
	if !lines.Scan() || lines.Text() != "second" {
		t.Errorf("%q", lines.Text())
	}
	_ = body.Close()
	body, status = open(t, srv, "/hijack", "brazil")
	_ = body.Close()
	if status != 299 {
		t.Errorf("hijacked: %d", status)
	}
}

func open(t *testing.T, srv *httptest.Server, path, tenant string) (io.ReadCloser, int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Tenant-ID", tenant)
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Body, resp.StatusCode
}
