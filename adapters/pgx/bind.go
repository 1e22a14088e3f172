package stratumpgx

import (
	"context"

	"github.com/stratum-hq/stratum-go/adapters/pgx/internal/wire"
	"github.com/stratum-hq/stratum-go/core"
)

// TenantSetting is the transaction-local setting that policies read.
const TenantSetting = "app.current_tenant_id"

// binding is what a context comes to: the pool to take a connection from, and what
// to put in front of each transaction. It is the only place where that is decided,
// for pgx callers and for [DB.SQL] alike.
type binding struct {
	pool  *pool
	scope core.Scope
}

// bind resolves the context, or refuses.
func (db *DB) bind(ctx context.Context) (binding, error) {
	scope, err := core.ScopeFrom(ctx)
	if err != nil {
		return binding{}, err
	}
	switch scope.Mode {
	case core.ModeTenant:
		if s := scope.Placement.Strategy; s != "" && s != core.SharedRLS {
			return binding{}, core.Errorf(core.ScopeUnsupported,
				"tenant %s is placed by %s, and this database is configured for %s only", scope.Tenant, s, core.SharedRLS)
		}
		return binding{db.tenant, scope}, nil
	case core.ModeSystem:
		if db.system == nil {
			return binding{}, core.Errorf(core.ScopeUnsupported,
				"work across tenants (core.System) is refused: Config.System names no login for it")
		}
		return binding{db.system, scope}, nil
	}
	return binding{}, core.Errorf(core.ScopeUnsupported, "reads of a subtree (core.Subtree) are refused: no login is configured for them")
}

// arm writes the scope into the connection.
func (b binding) arm(l *link) error {
	if b.scope.Mode == core.ModeSystem {
		return l.Raw()
	}
	id, _ := b.scope.Tenant.AppendText(l.id[:0])
	return l.Arm(wire.Setting{Name: TenantSetting, Value: id})
}

// same reports whether work of other may run where work of scope runs. The reason
// of system work may differ.
func same(scope, other core.Scope) bool {
	return scope.Mode == other.Mode && scope.Tenant == other.Tenant && scope.Placement == other.Placement
}

// inherit checks a context that is used inside a transaction or on an acquired
// connection which runs in scope: one that says nothing inherits, one that says
// the same is welcome, any other is refused.
func inherit(ctx context.Context, scope core.Scope) error {
	if !core.HasScope(ctx) {
		return nil
	}
	other, err := core.ScopeFrom(ctx)
	if err != nil {
		return err
	}
	if !same(scope, other) {
		return core.Errorf(core.TenantMismatch, "this transaction or connection belongs to %s, and the context to %s",
			describe(scope), describe(other))
	}
	return nil
}

func describe(s core.Scope) string {
	if s.Mode == core.ModeSystem {
		return "system work"
	}
	return s.Mode.String() + " " + s.Tenant.String()
}
