package extract_test

import (
	"errors"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

func gives(s core.Selection) core.Extractor {
	return func(core.Request) (core.Selection, error) { return s, nil }
}

func fails(err error) core.Extractor {
	return func(core.Request) (core.Selection, error) { return core.Selection{Ref: core.BySlug("leaked")}, err }
}

func verified(s core.Selection) core.Selection { s.Verified = true; return s }

var usa = slug("usa")

func TestFirst(t *testing.T) {
	never := func(core.Request) (core.Selection, error) {
		t.Error("an extractor behind the first that found something was asked")
		return none, nil
	}
	r := &fake{}
	check(t, extract.First(gives(none), gives(brazil), never), r, brazil, nil)
	check(t, extract.First(gives(none), gives(none)), r, none, nil)
	check(t, extract.First(fails(invalid), never), r, none, invalid)
	check(t, extract.First(gives(none), fails(core.ErrUnauthorized), never), r, none, core.ErrUnauthorized)
	check(t, extract.First(gives(verified(brazil)), never), r, verified(brazil), nil)

	e := extract.First(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID"))
	both := header("brazil")
	both.host = "usa.app.example.com"
	check(t, e, both, usa, nil)
	both.host = "a.b.app.example.com"
	check(t, e, both, none, invalid)
	both.host = "app.example.com"
	check(t, e, both, brazil, nil)
}

func TestAgree(t *testing.T) {
	r := &fake{}
	list := func(refs ...core.Selection) (out []core.Ref) {
		for _, s := range refs {
			out = append(out, s.Ref)
		}
		return out
	}
	check(t, extract.Agree(gives(none), gives(none)), r, none, nil)
	check(t, extract.Agree(gives(none), gives(brazil)), r, brazil, nil)
	check(t, extract.Agree(gives(brazil), gives(brazil), gives(none)), r, brazil, nil)
	check(t, extract.Agree(gives(brazil), gives(byID), gives(byID)), r, core.Selection{Ref: brazil.Ref, Also: list(byID)}, nil)
	check(t, extract.Agree(gives(brazil), gives(usa), gives(byID)), r, core.Selection{Ref: brazil.Ref, Also: list(usa, byID)}, nil)
	check(t, extract.Agree(gives(brazil), fails(invalid)), r, none, invalid)
	check(t, extract.Agree(fails(core.ErrUnauthorized), gives(brazil)), r, none, core.ErrUnauthorized)
	check(t, extract.Agree(gives(brazil), gives(verified(byID))), r, core.Selection{Ref: brazil.Ref, Also: list(byID), Verified: true}, nil)
	check(t, extract.Agree(gives(brazil), extract.Agree(gives(byID), gives(usa))), r,
		core.Selection{Ref: brazil.Ref, Also: list(byID, usa)}, nil)

	limited := core.Selection{Ref: brazil.Ref, Within: usa.Ref}
	check(t, extract.Agree(gives(brazil), gives(limited)), r, limited, nil)
	check(t, extract.Agree(gives(limited), gives(core.Selection{Ref: brazil.Ref, Within: byID.Ref})), r,
		core.Selection{Ref: brazil.Ref, Within: usa.Ref, WithinAlso: list(byID)}, nil)
}

// What an extractor hands out may be shared between requests.
func TestAgreeDoesNotWriteIntoForeignSlices(t *testing.T) {
	backing := []core.Ref{usa.Ref, core.BySlug("theirs")}
	e := extract.Agree(gives(core.Selection{Ref: brazil.Ref, Also: backing[:1]}), gives(byID))
	if _, err := e(&fake{}); err != nil || backing[1] != core.BySlug("theirs") {
		t.Errorf("the array behind a Selection was written into: %v, %v", backing, err)
	}
}

func TestWithin(t *testing.T) {
	r := &fake{}
	auth := verified(byID)
	check(t, extract.Within(gives(auth), gives(none)), r, auth, nil)
	check(t, extract.Within(gives(auth), gives(byID)), r, auth, nil)
	check(t, extract.Within(gives(auth), gives(brazil)), r,
		core.Selection{Ref: brazil.Ref, Within: byID.Ref, Verified: true}, nil)
	check(t, extract.Within(gives(byID), gives(verified(brazil))), r,
		core.Selection{Ref: brazil.Ref, Within: byID.Ref}, nil)
	check(t, extract.Within(extract.Agree(gives(auth), gives(usa)), gives(brazil)), r,
		core.Selection{Ref: brazil.Ref, Within: byID.Ref, WithinAlso: []core.Ref{usa.Ref}, Verified: true}, nil)
	check(t, extract.Within(gives(none), gives(none)), r, none, nil)
	check(t, extract.Within(gives(none), gives(brazil)), r, none, core.ErrTenantForbidden)
	check(t, extract.Within(fails(core.ErrUnauthorized), gives(brazil)), r, none, core.ErrUnauthorized)
	check(t, extract.Within(gives(auth), fails(invalid)), r, none, invalid)

	// Nothing weaker gets its turn when a choice was refused.
	e := extract.First(extract.Within(gives(none), extract.Header("X-Tenant-ID")), extract.Header("X-Tenant-ID"))
	check(t, e, header("brazil"), none, core.ErrTenantForbidden)

	nested := extract.Within(extract.Within(gives(auth), gives(usa)), gives(brazil))
	if _, err := nested(r); !errors.Is(err, core.ErrInternal) {
		t.Errorf("one Within inside another: %v", err)
	}
}

func TestOneReferenceAllocatesNothing(t *testing.T) {
	r := header("brazil")
	r.host, r.path = "brazil.app.example.com:443", "/t/brazil/invoices"
	r.values["query tenant"], r.values["cookie tenant"], r.values["param tenant"] = []string{"brazil"}, []string{uuid}, []string{"brazil"}
	auth := gives(verified(byID))
	for name, e := range map[string]core.Extractor{
		"header":    extract.Header("X-Tenant-ID"),
		"subdomain": extract.Subdomain("app.example.com"),
		"host":      extract.Host(),
		"path":      extract.Path(2),
		"prefix":    extract.PathAfter("/t/"),
		"first":     extract.First(extract.Subdomain("other.example.com"), extract.Header("X-Tenant-ID")),
		"agree":     extract.Agree(extract.Subdomain("app.example.com"), extract.Header("X-Tenant-ID")),
		"within":    extract.Within(auth, extract.Header("X-Tenant-ID")),
	} {
		frozen := prepared{r, r.values["header X-Tenant-Id"]}
		if n := testing.AllocsPerRun(100, func() {
			if sel, err := e(&frozen); err != nil || sel.IsZero() {
				t.Fatal(sel, err)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// prepared answers without putting a key together.
type prepared struct {
	*fake
	header []string
}

func (p *prepared) Header(string) (string, int) { return p.header[0], len(p.header) }
