package extract_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
)

const uuid = "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b"

var (
	none    core.Selection
	byID    = core.Selection{Ref: core.ByID(core.MustParseID(uuid))}
	brazil  = slug("brazil")
	invalid = core.ErrTenantRefInvalid
)

func slug(s string) core.Selection { return core.Selection{Ref: core.BySlug(s)} }

// fake is a request put together by hand. Where a test gives one value, it comes once.
type fake struct {
	host, path, remote string
	values             map[string][]string // headers, query parameters, cookies and route parameters alike
}

func (f *fake) Context() context.Context         { return context.Background() }
func (f *fake) Host() string                     { return f.host }
func (f *fake) Path() string                     { return f.path }
func (f *fake) RemoteAddr() string               { return f.remote }
func (f *fake) Header(name string) (string, int) { return f.first("header " + name) }
func (f *fake) Query(name string) (string, int)  { return f.first("query " + name) }
func (f *fake) Cookie(name string) (string, int) { return f.first("cookie " + name) }
func (f *fake) Param(name string) string         { v, _ := f.first("param " + name); return v }
func (f *fake) first(name string) (v string, n int) {
	if n = len(f.values[name]); n > 0 {
		v = f.values[name][0]
	}
	return v, n
}

func header(values ...string) *fake {
	return &fake{values: map[string][]string{"header X-Tenant-Id": values}}
}

// check runs an extractor and compares; want is nil for no error.
func check(t *testing.T, e core.Extractor, r core.Request, want core.Selection, wantErr error) {
	t.Helper()
	got, err := e(r)
	if !errors.Is(err, wantErr) || err != nil && !equal(got, none) {
		t.Errorf("%+v: error %v, want %v (with %+v)", r, err, wantErr, got)
	}
	if err == nil && !equal(got, want) {
		t.Errorf("%+v: found %+v, want %+v", r, got, want)
	}
}

func equal(a, b core.Selection) bool {
	same := func(x, y []core.Ref) bool {
		if len(x) != len(y) {
			return false
		}
		for i := range x {
			if x[i] != y[i] {
				return false
			}
		}
		return true
	}
	return a.Ref == b.Ref && a.Within == b.Within && a.Verified == b.Verified &&
		same(a.Also, b.Also) && same(a.WithinAlso, b.WithinAlso)
}

func wantPanic(t *testing.T, name string, f func() core.Extractor) {
	t.Helper()
	defer func() {
		t.Helper()
		if s, _ := recover().(string); len(s) < 20 {
			t.Errorf("%s: panicked with %q, want a sentence", name, s)
		}
	}()
	f()
}
