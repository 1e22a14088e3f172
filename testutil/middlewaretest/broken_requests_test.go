package middlewaretest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// misread is a request of which some parts are read wrongly: nil fields are right.
type misread struct {
	admit.HTTPRequest
	host, path, remote func(r *http.Request) string
	header             func(r *http.Request, name string, v string, n int) (string, int)
	query, cookie      func(r *http.Request, name string) (string, int)
	param              func(r *http.Request, name string) string
}

func (m misread) Host() string {
	if m.host != nil {
		return m.host(m.Request())
	}
	return m.HTTPRequest.Host()
}

func (m misread) Path() string {
	if m.path != nil {
		return m.path(m.Request())
	}
	return m.HTTPRequest.Path()
}

func (m misread) RemoteAddr() string {
	if m.remote != nil {
		return m.remote(m.Request())
	}
	return m.HTTPRequest.RemoteAddr()
}

func (m misread) Header(name string) (string, int) {
	v, n := m.HTTPRequest.Header(name)
	if m.header != nil {
		return m.header(m.Request(), name, v, n)
	}
	return v, n
}

func (m misread) Query(name string) (string, int) {
	if m.query != nil {
		return m.query(m.Request(), name)
	}
	return m.HTTPRequest.Query(name)
}

func (m misread) Cookie(name string) (string, int) {
	if m.cookie != nil {
		return m.cookie(m.Request(), name)
	}
	return m.HTTPRequest.Cookie(name)
}

func (m misread) Param(name string) string {
	if m.param != nil {
		return m.param(m.Request(), name)
	}
	return m.HTTPRequest.Param(name)
}

func misreads(m misread) fault {
	return fault{request: func(r *http.Request) core.Request { m.HTTPRequest = admit.HTTP(r); return m }}
}

func misreadsHost(f func(r *http.Request) string) fault { return misreads(misread{host: f}) }
func misreadsPath(f func(r *http.Request) string) fault { return misreads(misread{path: f}) }

// misreadsValue changes the value of each header.
func misreadsValue(f func(v string) string) fault {
	return misreads(misread{header: func(_ *http.Request, _ string, v string, n int) (string, int) { return f(v), n }})
}

// configured spoils the configuration.
func configured(f func(cfg *HTTPConfig)) fault { return fault{config: f} }

// extracts replaces what the extractor found.
func extracts(f func(r core.Request, sel core.Selection, err error) (core.Selection, error)) fault {
	return configured(func(cfg *HTTPConfig) {
		right := cfg.Extract
		if right == nil {
			right = extract.Header(admit.DefaultHeader)
		}
		cfg.Extract = func(r core.Request) (core.Selection, error) {
			sel, err := right(r)
			return f(r, sel, err)
		}
	})
}

// naiveHost is what people write first: no case, no port, no dot, no IPv6.
var naiveHost = configured(func(cfg *HTTPConfig) {
	cfg.Extract = func(r core.Request) (core.Selection, error) {
		name, found := strings.CutSuffix(r.Host(), "."+base)
		if !found || name == "" {
			return core.Selection{}, nil
		}
		return core.Selection{Ref: core.BySlug(name)}, nil
	}
})

// once makes whatever comes several times come once.
var once = misreads(misread{
	header: func(_ *http.Request, _ string, v string, n int) (string, int) { return v, min(n, 1) },
	query: func(r *http.Request, name string) (string, int) {
		v, n := admit.HTTP(r).Query(name)
		return v, min(n, 1)
	},
	cookie: func(r *http.Request, name string) (string, int) {
		v, n := admit.HTTP(r).Cookie(name)
		return v, min(n, 1)
	},
})

func parsedQuery(raw, name string) (string, int) {
	values, _ := url.ParseQuery(raw)
	if len(values[name]) == 0 {
		return "", 0
	}
	return values[name][0], len(values[name])
}

func valueFaults() map[string][]fault {
	return map[string][]fault{
		"zero_config": {extracts(func(r core.Request, _ core.Selection, _ error) (core.Selection, error) {
			return extract.Header("X-Org")(r)
		})},
		"header":        {configured(func(cfg *HTTPConfig) { cfg.Extract = nil })},
		"header_spaces": {misreadsValue(func(v string) string { return map[bool]string{true: "brazil", false: v}[v == ""] })},
		"query": {misreads(misread{query: func(r *http.Request, name string) (string, int) {
			_, v, found := strings.Cut("&"+r.URL.RawQuery, "&"+name+"=")
			v, _, _ = strings.Cut(v, "&")
			return v, map[bool]int{true: 1}[found]
		}})},
		"query_undecodable": {misreads(misread{query: func(r *http.Request, name string) (string, int) { return parsedQuery(r.URL.RawQuery, name) }})},
		"query_separator": {misreads(misread{query: func(r *http.Request, name string) (string, int) {
			return parsedQuery(strings.ReplaceAll(r.URL.RawQuery, ";", "&"), name)
		}})},
		"cookie": {misreads(misread{cookie: func(r *http.Request, name string) (string, int) {
			key, v, _ := strings.Cut(r.Header.Get("Cookie"), "=")
			return v, map[bool]int{true: 1}[key == name]
		}})},
		"cookie_malformed": {misreads(misread{cookie: func(r *http.Request, name string) (string, int) {
			c, err := r.Cookie(name)
			if err != nil {
				return "", 0
			}
			return c.Value, 1
		}})},
		"param": {misreads(misread{param: func(*http.Request, string) string { return "" }})},
		"param_tricks": {misreads(misread{param: func(r *http.Request, name string) string {
			v, _, _ := strings.Cut(strings.ReplaceAll(r.PathValue(name), "/", ";"), ";")
			return v
		}})},
		"param_elsewhere": {misreads(misread{param: func(r *http.Request, name string) string {
			if v := r.PathValue(name); v != "" {
				return v
			}
			return r.PathValue("name")
		}})},
	}
}

func hostFaults() map[string][]fault {
	return map[string][]fault{
		"subdomain": {misreadsHost(func(r *http.Request) string {
			label, _, _ := strings.Cut(r.Host, ".")
			return label + "." + base
		})},
		"custom_domain":     {misreadsHost(func(*http.Request) string { return base })},
		"host_upper_case":   {naiveHost},
		"host_port":         {naiveHost},
		"host_trailing_dot": {naiveHost},
		"host_address":      {misreadsHost(func(r *http.Request) string { host, _, _ := strings.Cut(r.Host, ":"); return host })},
		"host_internationalized": {
			naiveHost,
			misreadsHost(func(r *http.Request) string { return strings.Replace(r.Host, "xn--80ak6aa92e", "rio", 1) }),
		},
		"host_twice": {misreadsHost(func(r *http.Request) string { host, _, _ := strings.Cut(r.Host, ","); return host })},
		"host_absent": {misreadsHost(func(r *http.Request) string {
			if r.Host == "" {
				return "brazil." + base
			}
			return r.Host
		})},
		// net/http has dropped the Host header by now: this is a server that prefers it.
		"absolute_form": {misreadsHost(func(r *http.Request) string {
			if r.URL.IsAbs() {
				return "stranger." + base
			}
			return r.Host
		})},
		"forwarded_ignored": {misreadsHost(func(r *http.Request) string {
			if host := r.Header.Get("X-Forwarded-Host"); host != "" {
				return host
			}
			return r.Host
		})},
		"proxies": {
			misreads(misread{remote: func(r *http.Request) string { return r.Header.Get("X-Real-IP") + ":1" }}),
			misreads(misread{remote: func(r *http.Request) string { ip, _, _ := strings.Cut(r.RemoteAddr, ":"); return ip }}),
		},
	}
}

func pathFaults() map[string][]fault {
	return map[string][]fault{
		"path":              {misreadsPath(func(r *http.Request) string { return "/api" + r.URL.Path })},
		"path_after":        {misreadsPath(func(r *http.Request) string { return strings.ToLower(r.URL.EscapedPath()) })},
		"path_decoded_once": {misreadsPath(func(r *http.Request) string { return r.URL.Path })},
		"path_tricks": {misreadsPath(func(r *http.Request) string {
			clean, _, _ := strings.Cut(path.Clean(r.URL.Path), ";")
			return clean
		})},
		"path_as_routed": {misreadsPath(func(r *http.Request) string {
			if rewritten := r.Header.Get("X-Original-URL"); rewritten != "" {
				return rewritten
			}
			return r.URL.EscapedPath()
		})},
	}
}

func combinedFaults() map[string][]fault {
	return map[string][]fault{
		"first": {misreadsHost(func(r *http.Request) string {
			if r.Header.Get(admit.DefaultHeader) != "" {
				return base
			}
			return r.Host
		})},
		"first_is_final": {extracts(func(r core.Request, sel core.Selection, err error) (core.Selection, error) {
			if err != nil {
				return extract.Query("tenant")(r)
			}
			return sel, nil
		})},
		"agree": {extracts(func(_ core.Request, sel core.Selection, err error) (core.Selection, error) {
			sel.Also = nil
			return sel, err
		})},
		"within": {extracts(func(_ core.Request, sel core.Selection, err error) (core.Selection, error) {
			sel.Within = core.Ref{}
			return sel, err
		})},
	}
}

func spellingFaults() map[string][]fault {
	ascii := func(c rune) rune {
		if c > 126 || c < ' ' {
			return -1
		}
		return c
	}
	return map[string][]fault{
		"duplicate_headers": {once},
		"duplicate_query":   {once},
		"duplicate_cookies": {once},
		"comma_joined":      {misreadsValue(func(v string) string { first, _, _ := strings.Cut(v, ","); return first })},
		"not_ascii": {
			misreadsValue(func(v string) string { return strings.Map(ascii, v) }),
			misreads(misread{query: func(r *http.Request, name string) (string, int) {
				v, n := admit.HTTP(r).Query(name)
				return strings.ToLower(strings.Map(ascii, v)), n
			}}),
		},
		"control_characters": {misreadsValue(func(v string) string {
			if words := strings.Fields(v); len(words) > 0 {
				return words[len(words)-1]
			}
			return v
		})},
		"line_injection": {{answer: func(w http.ResponseWriter, r *http.Request, err error) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, "%v: %s", err, r.URL.Query().Get("tenant"))
		}}},
		"oversized": {misreads(misread{query: func(r *http.Request, name string) (string, int) {
			var buffer [512]byte
			v, n := admit.HTTP(r).Query(name)
			for i := range len(v) {
				buffer[i] = v[i]
			}
			return string(buffer[:len(v)]), n
		}})},
	}
}

// answers replaces the answer by the right one to another error.
func answers(f func(err error) error) fault {
	return fault{answer: func(w http.ResponseWriter, r *http.Request, err error) { respond(w, r, f(err)) }}
}

func failureFaults() map[string][]fault {
	status := func(code core.Code, to *core.Error) fault {
		return answers(func(err error) error {
			if errors.Is(err, code.Sentinel()) {
				return to
			}
			return err
		})
	}
	text := fault{answer: func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, fmt.Sprint(err, " ", errors.Unwrap(err)), http.StatusForbidden)
	}}
	leak := answers(func(err error) error {
		var e *core.Error
		if !errors.As(err, &e) || e.Err == nil {
			return err
		}
		told := *e
		told.Message += ": " + e.Err.Error()
		return &told
	})
	return map[string][]fault{
		"missing":       {configured(func(cfg *HTTPConfig) { cfg.Optional = true }), text},
		"invalid":       {status(core.TenantRefInvalid, core.ErrMissingTenant), text},
		"ambiguous":     {once, text},
		"not_found":     {status(core.TenantNotFound, core.ErrTenantForbidden), text},
		"suspended":     {fault{resolver: relabeled}, answers(func(error) error { return core.ErrTenantSuspended })},
		"archived":      {fault{resolver: relabeled}, status(core.TenantArchived, core.ErrTenantNotFound)},
		"forbidden":     {configured(func(cfg *HTTPConfig) { cfg.Authorize = nil }), leak},
		"unauthorized":  {status(core.Unauthorized, core.ErrTenantForbidden), leak},
		"resolver_down": {noRetryAfter(), status(core.ResolverDown, core.ErrInternal)},
		"internal":      {text, answers(func(error) error { return core.Errorf(core.ResolverDown, secret) })},
		"problem_json": {
			{answer: func(w http.ResponseWriter, _ *http.Request, err error) { write(w)(admit.Response(err)) }},
			{answer: func(w http.ResponseWriter, _ *http.Request, err error) { write(w)(admit.Problem(err)) }},
		},
		"values_not_repeated": {{answer: func(w http.ResponseWriter, r *http.Request, _ error) {
			respond(w, r, core.Errorf(core.TenantRefInvalid, "this is no tenant: %s%s", r.Header.Get("Authorization"), r.URL.RawQuery))
		}}},
		"refused_is_not_served": {{refused: func(next http.Handler, w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, r) }}},
	}
}

func noRetryAfter() fault {
	return fault{answer: func(w http.ResponseWriter, r *http.Request, err error) {
		status, header, body := admit.Answer(admit.HTTP(r), err)
		delete(header, "Retry-After")
		write(w)(status, header, body)
	}}
}
