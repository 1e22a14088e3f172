package extract_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

// answer is what one extractor says.
type answer struct {
	sel core.Selection
	err error
}

// answers reads a script: each byte is the answer of one extractor.
func answers(script []byte) []answer {
	refs := []core.Ref{brazil.Ref, usa.Ref, byID.Ref, core.ByDomain("acme.org")}
	all := make([]answer, 0, len(script))
	for _, b := range script[:min(len(script), 8)] {
		ref, other := refs[b&3], refs[b>>2&3]
		a := answer{sel: core.Selection{Ref: ref, Verified: b&128 != 0}}
		switch b >> 4 & 7 {
		case 0, 1:
			a = answer{}
		case 2:
			a = answer{sel: core.Selection{Ref: core.BySlug("leaked")}, err: invalid}
		case 3:
			a = answer{err: core.ErrUnauthorized}
		case 4:
			a.sel.Also = []core.Ref{other, usa.Ref}[:1:2]
		case 5:
			a.sel.Within = other
		case 6:
			a.sel.Within, a.sel.WithinAlso = other, []core.Ref{usa.Ref}
		}
		all = append(all, a)
	}
	return all
}

func extractors(list []answer) []core.Extractor {
	out := make([]core.Extractor, len(list))
	for i, a := range list {
		out[i] = func(core.Request) (core.Selection, error) { return a.sel, a.err }
	}
	return out
}

// agreed is extract.Agree by sets: who is meant, within whom, and whether it is proved.
func agreed(list []answer) (core.Selection, error) {
	var refs, limits []core.Ref
	verified := false
	for _, a := range list {
		if a.err != nil {
			return none, a.err
		}
		if a.sel.IsZero() {
			continue
		}
		refs = append(append(refs, a.sel.Ref), a.sel.Also...)
		if !a.sel.Within.IsZero() {
			limits = append(append(limits, a.sel.Within), a.sel.WithinAlso...)
		}
		verified = verified || a.sel.Verified
	}
	sel := core.Selection{Verified: verified}
	sel.Ref, sel.Also = split(refs)
	sel.Within, sel.WithinAlso = split(limits)
	return sel, nil
}

// split drops repetitions, and takes the first off.
func split(refs []core.Ref) (first core.Ref, others []core.Ref) {
	for _, ref := range refs {
		switch {
		case first.IsZero():
			first = ref
		case ref != first && !slices.Contains(others, ref):
			others = append(others, ref)
		}
	}
	return first, others
}

// alike is equal for selections that mean the same: repetitions do not matter.
func alike(a, b core.Selection) bool {
	tidy := func(s core.Selection) core.Selection {
		s.Ref, s.Also = split(append([]core.Ref{s.Ref}, s.Also...))
		if !s.Within.IsZero() {
			s.Within, s.WithinAlso = split(append([]core.Ref{s.Within}, s.WithinAlso...))
		}
		return s
	}
	return equal(tidy(a), tidy(b))
}

// judge compares, and looks whether anybody wrote into what the extractors handed out.
func judge(t *testing.T, list []answer, got core.Selection, err error, want core.Selection, wantErr error) {
	t.Helper()
	if !errors.Is(err, wantErr) || (err == nil) != (wantErr == nil) || !alike(got, want) {
		t.Fatalf("%+v:\n got %+v, %v\nwant %+v, %v", list, got, err, want, wantErr)
	}
	for _, a := range list {
		if behind := a.sel.Also; cap(behind) == 2 && len(behind) == 1 && behind[:2][1] != usa.Ref {
			t.Fatalf("%+v: the array behind a Selection was written into", list)
		}
	}
}

func addScripts(f *testing.F) {
	f.Helper()
	for _, s := range []string{"", "\x00", "\xf0\x71", "\x00\x70", "\x20\x70", "\x70\x30", "\x70\xf0\x72", "\x41\x72\x70", "\x5d\x6e", "\x50\x64\x71"} {
		f.Add([]byte(s), []byte("\x70"))
		f.Add([]byte("\xf2"), []byte(s))
	}
}

func FuzzFirst(f *testing.F) {
	addScripts(f)
	f.Fuzz(func(t *testing.T, script, more []byte) {
		list := answers(slices.Concat(script, more))
		if len(list) == 0 {
			return
		}
		want, wantErr := none, error(nil)
		if i := slices.IndexFunc(list, func(a answer) bool { return a.err != nil || !a.sel.IsZero() }); i >= 0 {
			if want, wantErr = list[i].sel, list[i].err; wantErr != nil {
				want = none
			}
		}
		got, err := extract.First(extractors(list)...)(&fake{})
		judge(t, list, got, err, want, wantErr)
	})
}

func FuzzAgree(f *testing.F) {
	addScripts(f)
	f.Fuzz(func(t *testing.T, script, more []byte) {
		left, right := answers(script), answers(more)
		if len(left) == 0 || len(right) == 0 {
			return
		}
		list := slices.Concat(left, right)
		want, wantErr := agreed(list)
		got, err := extract.Agree(extractors(list)...)(&fake{})
		judge(t, list, got, err, want, wantErr)
		// It does not matter how they are put together.
		got, err = extract.Agree(extract.Agree(extractors(left)...), extract.Agree(extractors(right)...))(&fake{})
		judge(t, list, got, err, want, wantErr)
	})
}

func FuzzWithin(f *testing.F) {
	addScripts(f)
	f.Fuzz(func(t *testing.T, script, more []byte) {
		left, right := answers(script), answers(more)
		if len(left) == 0 || len(right) == 0 {
			return
		}
		list := slices.Concat(left, right)
		want, wantErr := limited(left, right)
		got, err := extract.Within(extract.Agree(extractors(left)...), extract.Agree(extractors(right)...))(&fake{})
		judge(t, list, got, err, want, wantErr)
	})
}

// limited is extract.Within of two that agree.
func limited(authenticated, chosen []answer) (core.Selection, error) {
	auth, err := agreed(authenticated)
	if err != nil {
		return none, err
	}
	choice, err := agreed(chosen)
	switch {
	case err != nil:
		return none, err
	case choice.IsZero():
		return auth, nil
	case auth.IsZero():
		return none, core.ErrTenantForbidden
	case !auth.Within.IsZero() || !choice.Within.IsZero():
		return none, core.ErrInternal
	case choice.Ref == auth.Ref:
		auth.Also = append(slices.Clip(auth.Also), choice.Also...)
		auth.Verified = auth.Verified || choice.Verified
		return auth, nil
	}
	return core.Selection{Ref: choice.Ref, Also: choice.Also, Within: auth.Ref, WithinAlso: auth.Also, Verified: auth.Verified}, nil
}
