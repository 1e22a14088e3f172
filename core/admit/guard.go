package admit

import (
	"context"
	"errors"

	"github.com/stratum-hq/stratum-go/core"
)

// Permissions says what the tenant of a context may do. It is asked with the context
// that admission made.
type Permissions interface {
	// HasPermission reports whether the tenant of ctx has the permission key. An
	// error means that it could not be found out, and refuses.
	HasPermission(ctx context.Context, key string) (bool, error)
}

// Scopes says what the credentials of a caller are good for, such as read or admin of
// an API key.
type Scopes interface {
	// HasScope reports whether the credentials in ctx have the scope. An error means
	// that it could not be found out, and refuses.
	HasScope(ctx context.Context, scope string) (bool, error)
}

// RequirePermission is the decision behind the RequirePermission of each middleware:
// nil if the tenant of ctx has the permission key, [core.ErrMissingTenant] without a
// tenant, else [core.ErrForbidden]. It panics at once if permissions is nil or key is empty.
func RequirePermission(permissions Permissions, key string) func(context.Context) error {
	if permissions == nil || key == "" {
		panic("admit: RequirePermission needs somebody to ask, and the key of a permission")
	}
	return func(ctx context.Context) error {
		if _, err := core.TenantID(ctx); err != nil {
			return core.ErrMissingTenant
		}
		ok, err := permissions.HasPermission(ctx, key)
		return verdict(ok, err, "permission", key)
	}
}

// RequireScope is the decision behind the RequireScope of each middleware: nil if the
// credentials in ctx have the scope, else [core.ErrForbidden]. It panics at once if scopes is
// nil or scope is empty.
func RequireScope(scopes Scopes, scope string) func(context.Context) error {
	if scopes == nil || scope == "" {
		panic("admit: RequireScope needs somebody to ask, and the name of a scope")
	}
	return func(ctx context.Context) error {
		ok, err := scopes.HasScope(ctx, scope)
		return verdict(ok, err, "scope", scope)
	}
}

// verdict turns an answer into nil or a refusal: no answer is a refusal.
func verdict(ok bool, err error, kind, name string) error {
	switch {
	case err != nil && coreError(err) != nil:
		return err
	case err != nil:
		return core.ErrInternal.Wrap(errors.Join(errors.New("asking for "+kind+" "+name), err))
	case !ok:
		return core.Errorf(core.Forbidden, "this needs the %s %s", kind, name).With(kind, name)
	}
	return nil
}
