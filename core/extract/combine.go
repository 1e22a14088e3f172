package extract

import (
	"slices"
	"strconv"

	"github.com/stratum-hq/stratum-go/core"
)

// First asks one extractor after the other, and stops at the first that finds
// something. An error is final: what stands in the first place and is no good does
// not give way to the second. It panics on no extractor, and on a nil one.
func First(extractors ...core.Extractor) core.Extractor {
	list := checked("First", extractors)
	return func(r core.Request) (core.Selection, error) {
		for _, extract := range list {
			sel, err := extract(r)
			if err != nil {
				return core.Selection{}, err
			}
			if !sel.IsZero() {
				return sel, nil
			}
		}
		return core.Selection{}, nil
	}
}

// Agree asks all extractors, and wants those that find something to mean the same
// tenant, one by its slug and another by its id perhaps: admission resolves them
// and compares, and refuses with [core.ErrTenantAmbiguous] if they differ. The
// answer counts as verified if one of them is. It panics on no extractor, and on a nil one.
func Agree(extractors ...core.Extractor) core.Extractor {
	list := checked("Agree", extractors)
	return func(r core.Request) (core.Selection, error) {
		var all core.Selection
		for _, extract := range list {
			sel, err := extract(r)
			if err != nil {
				return core.Selection{}, err
			}
			switch {
			case sel.IsZero():
			case all.IsZero():
				all = sel
			default:
				all = merge(all, sel)
			}
		}
		return all, nil
	}
}

// merge adds to a what b wants too.
func merge(a, b core.Selection) core.Selection {
	a.Also = add(a.Also, a.Ref, b.Ref)
	for _, ref := range b.Also {
		a.Also = add(a.Also, a.Ref, ref)
	}
	switch {
	case b.Within.IsZero():
	case a.Within.IsZero():
		a.Within, a.WithinAlso = b.Within, b.WithinAlso
	default: // two limits must be the same one
		a.WithinAlso = add(a.WithinAlso, a.Within, b.Within)
		for _, ref := range b.WithinAlso {
			a.WithinAlso = add(a.WithinAlso, a.Within, ref)
		}
	}
	a.Verified = a.Verified || b.Verified
	return a
}

// add appends ref if it is not there yet. It never writes into the array that an
// extractor handed out.
func add(list []core.Ref, main, ref core.Ref) []core.Ref {
	if ref == main || slices.Contains(list, ref) {
		return list
	}
	return append(slices.Clip(list), ref)
}

// Within lets a request choose a tenant, with a header say, inside the subtree of
// the one it is authenticated for: admission refuses any other with
// [core.ErrTenantForbidden], and wants both to be active. Without a choice the
// authenticated tenant is taken. A choice without an authenticated tenant is
// refused too, with the same error: it must not fall through to something weaker.
//
// The answer counts as verified if the authenticated one does. It panics on a nil
// extractor. One Within inside another is an error of the request ([core.ErrInternal]).
func Within(authenticated, chosen core.Extractor) core.Extractor {
	checked("Within", []core.Extractor{authenticated, chosen})
	return func(r core.Request) (core.Selection, error) {
		auth, err := authenticated(r)
		if err != nil {
			return core.Selection{}, err
		}
		choice, err := chosen(r)
		switch {
		case err != nil:
			return core.Selection{}, err
		case choice.IsZero():
			return auth, nil
		case auth.IsZero():
			return core.Selection{}, core.Errorf(core.TenantForbidden, "only an authenticated caller may choose a tenant")
		case !auth.Within.IsZero() || !choice.Within.IsZero():
			return core.Selection{}, core.Errorf(core.Internal, "extract.Within cannot be put inside extract.Within")
		}
		if choice.Ref == auth.Ref {
			return merge(auth, choice), nil
		}
		return core.Selection{
			Ref:        choice.Ref,
			Also:       choice.Also,
			Within:     auth.Ref,
			WithinAlso: auth.Also,
			Verified:   auth.Verified,
		}, nil
	}
}

// checked panics on a list that can never work, and copies a good one.
func checked(name string, extractors []core.Extractor) []core.Extractor {
	must(len(extractors) > 0, name+" needs at least one extractor")
	for i, e := range extractors {
		must(e != nil, "extractor "+strconv.Itoa(i+1)+" of "+name+" is nil")
	}
	return slices.Clone(extractors)
}
