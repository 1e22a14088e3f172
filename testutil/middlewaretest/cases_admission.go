package middlewaretest

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// admissionCases are about what the configuration turns on.
var admissionCases = []testCase{
	{
		name: "skip", rule: "a skipped request passes as it is, whatever tenant it names",
		check: func(e *env) {
			s := e.admitting(Config{Skip: func(r core.Request) bool { return r.Path() == "/health" }}, whoami)
			for _, header := range []string{"X-Nothing: x", asBrazil, "X-Tenant-ID: sleeper", "X-Tenant-ID: a,b"} {
				r := s.get("/health?x=/health", header)
				e.wantTenant(r, "none")
				if len(r.header["Vary"]) > 0 || r.header.Get("Cache-Control") != "" {
					e.broken("the response to a skipped request is marked: %v", r)
				}
			}
			for _, path := range []string{"/other", "/health/", "/%68ealth", "/x?/health"} {
				e.wantRefusal(s.get(path), core.ErrMissingTenant)
			}
		},
	},
	{
		name: "request_as_sent", rule: "hooks see the request as the client sent it: host with port, path still encoded, the peer's address",
		check: func(e *env) {
			var mu sync.Mutex
			var seen string
			s := e.admitting(Config{Skip: func(r core.Request) bool {
				header, headers := r.Header("X-Twice")
				query, queries := r.Query("q")
				cookie, cookies := r.Cookie("c")
				mu.Lock()
				defer mu.Unlock()
				seen = strings.Join([]string{
					r.Host(), r.Path(), header, plural(headers), query, plural(queries), cookie, plural(cookies),
					strings.TrimRight(r.RemoteAddr(), "0123456789"),
				}, " ")
				return false
			}}, whoami)
			s.get("/a%2Fb/%C3%BC?q=1%202&q=2", "Host: Brazil.Example.Org:8080", "X-Twice: a", "x-twice: b", "Cookie: c=d")
			mu.Lock()
			defer mu.Unlock()
			if want := "Brazil.Example.Org:8080 /a%2Fb/%C3%BC a several 1 2 several d one 127.0.0.1:"; !strings.EqualFold(seen, want) {
				e.broken("\n got %s\nwant %s", seen, want)
			}
		},
	},
	{
		name: "optional", rule: "Optional serves a request that names no tenant, without one; a bad reference is refused as ever",
		check: func(e *env) {
			s := e.admitting(Config{Optional: true}, whoami)
			e.wantTenant(s.get("/"), "none")
			e.wantTenant(s.get("/", asBrazil), "brazil")
			for name, want := range map[string]*core.Error{
				"nobody": core.ErrTenantNotFound, "a,b": core.ErrTenantRefInvalid, "sleeper": core.ErrTenantSuspended,
			} {
				e.wantRefusal(s.get("/", "X-Tenant-ID: "+name), want)
			}
		},
	},
	{
		name: "observe", rule: "Observe serves what would be refused, without a tenant, and logs it with its status and code",
		check: func(e *env) {
			log, out := record()
			deny := func(_ context.Context, _ core.Request, t *core.Tenant) error {
				if t.Slug == "stranger" {
					return errors.New("not a member")
				}
				return nil
			}
			s := e.admitting(Config{Observe: true, Logger: log, Authorize: deny}, whoami)
			e.wantTenant(s.get("/", asBrazil), "brazil")
			if out.String() != "" {
				e.broken("an admitted request was logged: %s", out)
			}
			for name, words := range map[string][]string{
				"nobody": {"TENANT_NOT_FOUND", "404"}, "sleeper": {"TENANT_SUSPENDED", "403"}, "a,b": {"TENANT_REF_INVALID", "400"},
				"stranger": {"TENANT_FORBIDDEN", "403"}, "": {"MISSING_TENANT", "400"},
			} {
				out.reset()
				e.wantTenant(s.get("/", "X-Tenant-ID: "+name), "none")
				if line := out.String(); !strings.Contains(line, words[0]) || !strings.Contains(line, words[1]) || strings.Count(line, "\n") != 1 {
					e.broken("want one line of log with %q, got %q", words, line)
				}
			}
		},
	},
	{
		name: "trace", rule: "Trace is told each outcome once, and its context reaches resolver and handler",
		check: traceReachesAll,
	},
	{
		name: "trace_counts_observed", rule: "under Observe, Trace is told each refusal, so that refusals can be counted before they are enforced",
		check: func(e *env) {
			var mu sync.Mutex
			counts := map[core.Code]int{}
			s := e.admitting(Config{Observe: true, Trace: func(ctx context.Context) (context.Context, func(core.ID, error)) {
				return ctx, func(_ core.ID, err error) {
					var ours *core.Error
					code := core.Code("admitted")
					if errors.As(err, &ours) {
						code = ours.Code
					}
					mu.Lock()
					defer mu.Unlock()
					counts[code]++
				}
			}}, whoami)
			for _, slug := range []string{"brazil", "nobody", "nobody", "sleeper", ""} {
				s.get("/", "X-Tenant-ID: "+slug)
			}
			mu.Lock()
			defer mu.Unlock()
			want := map[core.Code]int{"admitted": 1, core.TenantNotFound: 2, core.TenantSuspended: 1, core.MissingTenant: 1}
			if !maps.Equal(counts, want) {
				e.broken("Trace counted %v", counts)
			}
		},
	},
	{
		name: "authorize_before_tenant", rule: "the Authorize hook is asked once, about the tenant that is named, and does not run as it yet",
		check: func(e *env) {
			var mu sync.Mutex
			var asked []string
			s := e.admitting(Config{Authorize: func(ctx context.Context, r core.Request, t *core.Tenant) error {
				_, err := core.TenantID(ctx)
				_, own := core.TenantID(r.Context())
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, strings.Clone(t.Slug))
				if err == nil || own == nil {
					e.broken("the hook runs as a tenant that it has not admitted")
				}
				t.ID, t.Slug = core.MustParseID(strangerID), "stranger"
				return nil
			}}, whoami)
			e.wantTenant(s.get("/", asBrazil), "brazil")
			e.wantTenant(s.get("/", "X-Tenant-ID: "+rioID), "rio")
			mu.Lock()
			defer mu.Unlock()
			if got := strings.Join(asked, " "); got != "brazil rio" {
				e.broken("the hook was asked about %q, want brazil and rio", got)
			}
		},
	},
	{
		name: "not_authorized_is_said", rule: "identification without authorization is logged loudly, once",
		check: func(e *env) {
			log, out := record()
			s := e.admitting(Config{Logger: log, Extract: extract.Header("X-Tenant-ID")}, whoami)
			for range 3 {
				e.wantTenant(s.get("/", asBrazil), "brazil")
			}
			if n := strings.Count(out.String(), "NOT AUTHORIZED"); n != 1 {
				e.broken("it was logged %d times: %s", n, out)
			}
		},
	},
}

func plural(n int) string {
	return map[int]string{0: "none", 1: "one", 2: "several"}[n]
}

func traceReachesAll(e *env) {
	type key struct{}
	var mu sync.Mutex
	var outcomes []string
	resolver := core.ResolverFunc(func(ctx context.Context, ref core.Ref) (*core.Tenant, error) {
		if ctx.Value(key{}) != "span" {
			e.broken("the resolver does not see the context of Trace")
		}
		return everybody().Resolve(ctx, ref)
	})
	s := e.start(Setup{Resolver: resolver, Root: Group{Use: []Middleware{admission(Config{
		Trace: func(ctx context.Context) (context.Context, func(core.ID, error)) {
			return context.WithValue(ctx, key{}, "span"), func(id core.ID, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					outcomes = append(outcomes, "refused")
				} else {
					outcomes = append(outcomes, id.String())
				}
			}
		},
	})}}, Fallback: func(x Exchange) error {
		if x.Context().Value(key{}) != "span" {
			e.broken("the handler does not see the context of Trace")
		}
		return whoami(x)
	}})
	e.wantTenant(s.get("/", asBrazil), "brazil")
	e.wantRefusal(s.get("/", "X-Tenant-ID: sleeper"), core.ErrTenantSuspended)
	mu.Lock()
	defer mu.Unlock()
	if got := strings.Join(outcomes, " "); got != brazilID+" refused" {
		e.broken("Trace was told %q", got)
	}
}

// record returns a logger, and what it has written.
func record() (*slog.Logger, *logged) {
	out := &logged{}
	return slog.New(slog.NewTextHandler(out, nil)), out
}

type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func (l *logged) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf.Reset()
}
