package tracker

import (
	"context"
	"errors"
	"strings"

	"github.com/stratum-hq/stratum-go/core"
)

// Tenants are Acme and Globex. A real service asks its registry: the library, or the
// client of a control plane, behind core/cache.
func Tenants() core.Resolver {
	return core.Static(
		&core.Tenant{ID: core.MustParseID("0190a6b0-0000-7000-8000-00000000000a"), Slug: "acme", Name: "Acme", Status: core.Active},
		&core.Tenant{ID: core.MustParseID("0190a6b0-0000-7000-8000-00000000000b"), Slug: "globex", Name: "Globex", Status: core.Active},
	)
}

// MemberOf is the Authorize hook of the programs: a user, in a header that a real service
// would not believe, belongs to the tenant that stands behind the @ of its name.
func MemberOf(_ context.Context, req core.Request, t *core.Tenant) error {
	user, n := req.Header("X-User")
	if _, home, ok := strings.Cut(user, "@"); n != 1 || !ok || home != t.Slug {
		return errors.New("this user is no member of the tenant")
	}
	return nil
}
