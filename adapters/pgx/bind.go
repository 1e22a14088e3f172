package stratumpgx

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

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
	place *place // of the pool, if it is opened on use
	hold  *hold  // given back with the connection; nil: nothing

	second bool // a replica: when it cannot be reached, there is the primary
}

// bind resolves the context, or refuses.
func (db *DB) bind(ctx context.Context) (binding, error) {
	scope, err := core.ScopeFrom(ctx)
	if err != nil {
		return binding{}, err
	}
	switch scope.Mode {
	case core.ModeTenant:
		return db.route(ctx, scope)
	case core.ModeSystem:
		if db.system == nil {
			return binding{}, core.Errorf(core.ScopeUnsupported,
				"work across tenants (core.System) is refused: Config.System names no login for it")
		}
		if db.mixed.Load() && ctx.Value(sharedKey{}) == nil {
			return binding{}, core.Errorf(core.ScopeUnsupported,
				"work across tenants (core.System) reaches the shared tables only, and there are tenants with a schema or a database of their own: say stratumpgx.SharedTables(ctx) if that is meant")
		}
		return binding{pool: db.system, scope: scope}, nil
	}
	return binding{}, core.Errorf(core.ScopeUnsupported, "reads of a subtree (core.Subtree) are refused: no login is configured for them")
}

type sharedKey struct{}

// SharedTables says that work under [core.System] means the shared tables, and leaves
// out tenants that are placed elsewhere. Without it such work is refused as soon as
// there are any: when Config.Databases is set, or a tenant with a schema of its own has
// been met. A result is never partial in silence.
func SharedTables(ctx context.Context) context.Context {
	return context.WithValue(ctx, sharedKey{}, true)
}

// reached notes whether the pool's database could be reached, and returns what to tell.
func (b binding) reached(err error) error {
	switch {
	case b.place == nil:
	case err == nil:
		b.place.succeeded()
	case unreachable(err):
		return b.place.failed(err)
	}
	return err
}

func unreachable(err error) bool {
	var connect *pgconn.ConnectError
	return errors.As(err, &connect)
}

// serves reports whether the pool is the one for work of scope.
func (p *pool) serves(scope core.Scope) bool {
	if scope.Mode != p.mode {
		return false
	}
	at := scope.Placement
	if at.Strategy == "" {
		at.Strategy = core.SharedRLS
	}
	return scope.Mode == core.ModeSystem || at.Strategy == p.strategy && (at.Strategy != core.DatabasePerTenant || at.Database == p.database)
}

// arm writes the scope into the connection. The role comes last: what is set before it
// is set by the login.
func (l *link) arm(scope core.Scope) error {
	if scope.Mode == core.ModeSystem {
		return l.Raw()
	}
	at := scope.Placement
	buf, _ := scope.Tenant.AppendText(l.buf[:0])
	settings := append(l.settings[:0], wire.Setting{Name: TenantSetting, Value: buf})
	add := func(name string, from int, list bool) {
		settings = append(settings, wire.Setting{Name: name, Value: buf[from:len(buf):len(buf)], List: list})
	}
	from := len(buf)
	if scope.ReadOnly {
		buf = append(buf, "on"...)
		add("transaction_read_only", from, false)
		from = len(buf)
	}
	if at.StatementTimeout > 0 {
		buf = appendTimeout(buf, at.StatementTimeout)
		add("statement_timeout", from, false)
		from = len(buf)
	}
	if at.Strategy == core.SchemaPerTenant {
		// Temporary tables last: what somebody left there shadows nothing.
		buf = append(append(append(buf, '"'), at.Schema...), "\", pg_temp"...)
		add("search_path", from, true)
		from = len(buf)
		if at.Role != "" {
			buf = append(buf, at.Role...)
			add("role", from, false)
		}
	}
	l.buf, l.settings = buf, settings
	return l.Arm(settings...)
}

// appendTimeout writes a timeout as the server shows it: in the largest unit that divides it.
func appendTimeout(b []byte, timeout time.Duration) []byte {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"min", time.Minute}, {"s", time.Second}} {
		if timeout%unit.size == 0 {
			return append(strconv.AppendInt(b, int64(timeout/unit.size), 10), unit.name...)
		}
	}
	return append(strconv.AppendInt(b, timeout.Milliseconds(), 10), "ms"...)
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
