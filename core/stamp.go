package core

import "context"

// Stamp sets the tenant of a row that is about to be written in the scope of ctx,
// whose column id is. It is what the adapters of ORMs do with the tenant column.
//
// In the scope of a tenant a zero id becomes that tenant's, and any other than
// that tenant's is [ErrTenantMismatch]. Under [Subtree] the tenant is the one at the
// top: a subtree is for reading. Under [System] a zero id is [ErrNoTenant], since it
// could be anybody's row, and any other is left as it is. Without a scope it is [ErrNoTenant].
func Stamp(ctx context.Context, id *ID) error {
	scope, err := ScopeFrom(ctx)
	if err != nil {
		return err
	}
	switch {
	case scope.Mode == ModeSystem && id.IsZero():
		return Errorf(NoTenant, "a row written by system work must say which tenant it belongs to")
	case scope.Mode == ModeSystem:
		return nil
	case id.IsZero():
		*id = scope.Tenant
	case *id != scope.Tenant:
		return Errorf(TenantMismatch, "the row belongs to tenant %s, and the context to tenant %s", *id, scope.Tenant)
	}
	return nil
}
