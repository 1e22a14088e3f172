package admit_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
)

func TestHeaders(t *testing.T) {
	on := &admit.Impersonation{Authorize: resellers}
	for _, c := range []struct {
		name  string
		cfg   config
		was   http.Header
		vary  []string
		cache string
	}{
		{"zero", config{}, nil, []string{"X-Tenant-ID", "Authorization", "Cookie"}, "private"},
		{"named", config{Vary: []string{"X-Org"}, CacheControl: "no-store"}, nil, []string{"X-Org"}, "no-store"},
		{"none", config{Vary: []string{}}, nil, nil, "private"},
		{"impersonation", config{Vary: []string{"X-Org"}, Impersonate: on}, nil, []string{"X-Org", "X-Impersonate-Tenant"}, "private"},
		{"named already", config{Vary: []string{"x-impersonate-tenant"}, Impersonate: on}, nil, []string{"x-impersonate-tenant"}, "private"},
		{
			"beside others", config{Vary: []string{"X-Org"}}, http.Header{"Vary": {"Origin"}, "Cache-Control": {"no-store"}},
			[]string{"Origin", "X-Org"}, "no-store",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := admit.New(everybody(), silent(c.cfg)).Headers()
			for range 2 { // what is shared between responses must not grow
				got := c.was.Clone()
				if got == nil {
					got = http.Header{}
				}
				h.Apply(got)
				if !slices.Equal(got["Vary"], c.vary) || got.Get("Cache-Control") != c.cache {
					t.Errorf("%v", got)
				}
				got.Add("Vary", "Later")
				got.Set("Cache-Control", "max-age=1")
			}
		})
	}
}

func TestProblem(t *testing.T) {
	status, header, body := admit.Problem(core.ErrTenantSuspended.With("tenant_id", "x"))
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if status != 403 || header.Get("Content-Type") != "application/problem+json" || header.Get("Cache-Control") != "no-store" ||
		got["status"] != 403.0 || got["title"] != "Forbidden" || got["code"] != "TENANT_SUSPENDED" || got["type"] != "about:blank" ||
		got["detail"] != core.ErrTenantSuspended.Message || got["details"].(map[string]any)["tenant_id"] != "x" {
		t.Errorf("%d %v %s", status, header, body)
	}
	_, _, body = admit.Problem(core.ErrTenantSuspended.With("f", func() {}))
	if !json.Valid(body) || len(body) == 0 {
		t.Errorf("a detail without a JSON form: %s", body)
	}
	if _, header, _ := admit.Problem(core.ErrResolverDown); header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After is lost: %v", header)
	}
}

func TestUnauthorizedNamesTheScheme(t *testing.T) {
	for _, answer := range []func(error) (int, http.Header, []byte){admit.Response, admit.Problem} {
		if _, header, _ := answer(core.ErrUnauthorized); header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("a 401 without a challenge: %v", header)
		}
		if _, header, _ := answer(core.ErrTenantForbidden); header.Get("WWW-Authenticate") != "" {
			t.Errorf("a 403 with a challenge: %v", header)
		}
	}
}

func TestAnswer(t *testing.T) {
	for accept, problem := range map[string]bool{
		"":                         false,
		"*/*":                      false,
		"application/json":         false,
		"application/problem+json": true,
		"application/json, Application/Problem+JSON ; q=0.5": true,
		"application/problem+json;q=0":                       false,
		"application/problem+json; Q=0.00":                   false,
		"application/problem+json; q = 0.01":                 true,
		"application/problem+jsonx":                          false,
		",;,application/problem+json":                        true,
	} {
		_, header, _ := admit.Answer(headers("Accept", accept), core.ErrMissingTenant)
		if got := header.Get("Content-Type") == admit.ProblemType; got != problem {
			t.Errorf("Accept %q is answered with %s", accept, header.Get("Content-Type"))
		}
	}
}
