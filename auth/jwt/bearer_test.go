package stratumjwt_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	stratumjwt "github.com/stratum-hq/stratum-go/auth/jwt"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/admit"
	"github.com/stratum-hq/stratum-go/core/extract"
)

func TestExtractor(t *testing.T) {
	token, expired := hs(good(nil)), hs(good(claims{"exp": 1}))
	plain := verifier(t, stratumjwt.Config{})
	cookie := verifier(t, stratumjwt.Config{Cookie: "session"})
	required := verifier(t, stratumjwt.Config{Required: true})
	const auth = "Authorization"
	for _, c := range []struct {
		name    string
		v       *stratumjwt.Verifier
		headers []string
		found   bool
		err     error
	}{
		{"nothing", plain, nil, false, nil},
		{"empty", plain, []string{auth, ""}, false, nil},
		{"bearer", plain, []string{auth, "Bearer " + token}, true, nil},
		{"lower case", plain, []string{auth, "bearer " + token}, true, nil},
		{"upper case", plain, []string{auth, "BEARER  " + token + " "}, true, nil},
		{"other scheme", plain, []string{auth, "Basic dXNlcjpwYXNz"}, false, nil},
		{"scheme alone", plain, []string{auth, "Bearer"}, false, errNo},
		{"scheme and space", plain, []string{auth, "Bearer "}, false, errNo},
		{"glued", plain, []string{auth, "Bearer" + token}, false, nil},
		{"tab", plain, []string{auth, "Bearer\t" + token}, false, nil},
		{"two tokens", plain, []string{auth, "Bearer " + token + " " + token}, false, errNo},
		{"a list", plain, []string{auth, "Bearer " + token + ", Basic x"}, false, errNo},
		{"twice", plain, []string{auth, "Bearer " + token, auth, "Bearer " + token}, false, errNo},
		{"two schemes", plain, []string{auth, "Basic x", auth, "Bearer " + token}, false, errNo},
		{"too long", plain, []string{auth, "Bearer " + strings.Repeat("a", stratumjwt.MaxToken+1)}, false, errNo},
		{"expired", plain, []string{auth, "Bearer " + expired}, false, errNo},
		{"garbage", plain, []string{auth, "Bearer garbage"}, false, errNo},
		{"no tenant", plain, []string{auth, "Bearer " + hs(good(claims{"tenant_id": nil}))}, false, errNo},
		{"cookie is not read", plain, []string{"Cookie", "session=" + token}, false, nil},
		{"cookie", cookie, []string{"Cookie", "a=b; session=" + token}, true, nil},
		{"empty cookie", cookie, []string{"Cookie", "session="}, false, nil},
		{"cookie twice", cookie, []string{"Cookie", "session=" + token + "; session=" + token}, false, errNo},
		{"bad cookie", cookie, []string{"Cookie", "session=a b"}, false, errNo},
		{"expired cookie", cookie, []string{"Cookie", "session=" + expired}, false, errNo},
		{"bearer, no cookie", cookie, []string{auth, "Bearer " + token}, true, nil},
		{"both", cookie, []string{auth, "Bearer " + token, "Cookie", "session=" + token}, false, errNo},
		{"basic and cookie", cookie, []string{auth, "Basic x", "Cookie", "session=" + token}, true, nil},
		{"required, nothing", required, nil, false, errNo},
		{"required, other", required, []string{auth, "Basic x"}, false, errNo},
		{"required", required, []string{auth, "Bearer " + token}, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			sel, err := c.v.Extractor()(request(c.headers...))
			if !errors.Is(err, c.err) || c.err == nil && err != nil || sel.IsZero() == c.found || sel.Verified != c.found {
				t.Errorf("%+v, %v", sel, err)
			}
			if c.found && sel.Ref != core.ByID(core.MustParseID(brazil)) {
				t.Errorf("found %s", sel.Ref)
			}
			if err != nil {
				unrepeated(t, err, token)
			}
			got, err := c.v.Claims(request(c.headers...))
			if c.found != (err == nil) && c.name != "no tenant" || (got == nil) != (err != nil) || err != nil && !errors.Is(err, errNo) {
				t.Errorf("claims: %+v, %v", got, err)
			}
		})
	}
}

// What a header may choose depends on the token, and a bad token never gives way to it.
func TestAdmission(t *testing.T) {
	northStar := &core.Tenant{ID: core.ID{1}, Slug: "north_star", Status: core.Active}
	south := &core.Tenant{ID: core.ID{2}, Slug: "south", Status: core.Active, Ancestors: []core.ID{northStar.ID}}
	resolver := core.Static(northStar, south,
		&core.Tenant{ID: core.ID{3}, Slug: "stranger", Status: core.Active},
		&core.Tenant{ID: core.ID{4}, Slug: "suspended", Status: core.Suspended})
	clock := newClock()
	v := verifier(t, stratumjwt.Config{Clock: clock.Now})
	subject := ""
	a := admit.New(resolver, admit.Config[struct{}]{
		Extract: extract.First(extract.Within(v.Extractor(), extract.Header("X-Tenant-ID"))),
		Authorize: func(_ context.Context, r core.Request, _ *core.Tenant) error {
			c, err := v.Claims(r)
			if err == nil {
				subject = c.Subject
			}
			return err
		},
	})
	of := func(slug string) string { return "Bearer " + hs(good(claims{"tenant_id": slug, "sub": "ana"})) }
	for _, c := range []struct {
		name, auth, header string
		want               string
		err                error
	}{
		{"token", of("north_star"), "", "north_star", nil},
		{"the same", of("north_star"), "north_star", "north_star", nil},
		{"below", of("north_star"), "south", "south", nil},
		{"above", of("south"), "north_star", "", core.ErrTenantForbidden},
		{"elsewhere", of("north_star"), "stranger", "", core.ErrTenantForbidden},
		{"no token", "", "south", "", core.ErrTenantForbidden},
		{"neither", "", "", "", core.ErrMissingTenant},
		{"bad token", of("north_star") + "x", "south", "", core.ErrUnauthorized},
		{"bad token alone", of("north_star") + "x", "", "", core.ErrUnauthorized},
		{"unknown", of("nobody"), "", "", core.ErrTenantNotFound},
		{"suspended", of("suspended"), "", "", core.ErrTenantSuspended},
	} {
		t.Run(c.name, func(t *testing.T) {
			var headers []string
			if c.auth != "" {
				headers = append(headers, "Authorization", c.auth)
			}
			if c.header != "" {
				headers = append(headers, "X-Tenant-ID", c.header)
			}
			subject = ""
			ctx, err := a.Admit(context.Background(), request(headers...))
			if !errors.Is(err, c.err) || c.err == nil && err != nil {
				t.Fatalf("%v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			if tenant, err := core.FromContext(ctx); err != nil || tenant.Slug != c.want || subject != "ana" {
				t.Errorf("runs as %+v for %q, %v", tenant, subject, err)
			}
		})
	}
	clock.Advance(2 * time.Hour)
	if _, err := a.Admit(context.Background(), request("Authorization", of("north_star"))); !errors.Is(err, core.ErrUnauthorized) {
		t.Errorf("after its expiry: %v", err)
	}
}

func FuzzBearer(f *testing.F) {
	token := hs(good(nil))
	for _, s := range []string{"", "Bearer", "Bearer ", "bearer " + token, "Bearer " + token + ",", "Basic x", "Bearer a.b.c", token, "Bearer ..", "\x00"} {
		f.Add(s, s)
	}
	f.Add("Bearer "+token, token)
	v := verifier(f, stratumjwt.Config{Cookie: "c"})
	f.Fuzz(func(t *testing.T, header, cookie string) {
		sel, err := v.Extractor()(request("Authorization", header, "Cookie", "c="+cookie))
		if err != nil {
			if !errors.Is(err, core.ErrUnauthorized) || !sel.IsZero() {
				t.Fatalf("%q, %q: %+v, %v", header, cookie, sel, err)
			}
			return
		}
		if !sel.IsZero() && !strings.Contains(header+cookie, token) {
			t.Fatalf("%q, %q: %+v", header, cookie, sel)
		}
		scheme, _, _ := strings.Cut(strings.Trim(header, " \t"), " ")
		if sel.IsZero() && strings.EqualFold(scheme, "bearer") {
			t.Fatalf("%q: a bearer token counts as missing", header)
		}
	})
}

func BenchmarkExtractor(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256", "ES256"} {
		r := request("Authorization", "Bearer "+sign(alg, private(alg), good(nil), nil))
		for name, n := range map[string]int{"remembered": 0, "anew": -1} {
			e := verifier(b, stratumjwt.Config{Keys: []stratumjwt.Key{keyFor("", alg)}, Remembered: n}).Extractor()
			b.Run(alg+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := e(r); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
