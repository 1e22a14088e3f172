package stratumpgx

import (
	"fmt"
	"log/slog"

	"github.com/stratum-hq/stratum-go/core"
)

// Config says how a [DB] works. The zero value is right for an application that
// reaches PostgreSQL directly or through PgBouncer and does no work across tenants.
type Config struct {
	// System is the connection string of the login for work under [core.System],
	// stratum_system by convention. It has a pool of its own, and the tracer of the
	// application's. Empty: such work is refused with [core.ErrScopeUnsupported].
	System string

	// Replica is the connection string of the application's login on a read replica, for
	// work under [core.ReadOnly] of tenants in the shared tables and in schemas. While it
	// cannot be reached, that work goes to the primary, as it does if this is empty.
	Replica string

	// Databases finds the databases of tenants that have one of their own. Nil: work of
	// such a tenant is refused with [core.ErrScopeUnsupported].
	Databases Databases

	// DatabaseLimits bound the pools of these databases.
	DatabaseLimits DatabaseLimits

	// Pooler says whether a pooler in transaction mode stands in front of the server.
	// The zero value finds out when the DB is opened.
	Pooler Pooler

	// Reset says when a session is cleaned before its connection goes back to the
	// pool. The zero value cleans it when what was seen of its work asks for it.
	Reset Reset

	// Roles are the names of the roles that the application's login must not be a
	// member of. Zero fields have the conventional names.
	Roles Roles

	// Logger gets a line for each piece of work under [core.System]. Nil: slog.Default().
	Logger *slog.Logger
}

// Roles names the roles with rights across tenants.
type Roles struct {
	Owner   string // owns the protected tables; default stratum_owner
	System  string // work across tenants; default stratum_system
	Subtree string // reads of a subtree; default stratum_subtree
	Lib     string // owns the library's schema; default stratum_lib
}

func (r Roles) withDefaults() Roles {
	for _, f := range []struct {
		field *string
		name  string
	}{
		{&r.Owner, "stratum_owner"}, {&r.System, "stratum_system"},
		{&r.Subtree, "stratum_subtree"}, {&r.Lib, "stratum_lib"},
	} {
		if *f.field == "" {
			*f.field = f.name
		}
	}
	return r
}

// Pooler is what stands between the application and the server.
type Pooler uint8

// The kinds of pooler.
const (
	// PoolerAuto compares the backend's process id with the one announced at
	// connection time; a pooler announces one of its own.
	PoolerAuto Pooler = iota
	// PoolerNone is a direct connection, or a pooler in session mode.
	PoolerNone
	// PoolerTransaction is a pooler in transaction mode, such as PgBouncer: the scope
	// statement is prepared in each segment, and pgx's exec mode is used unless the
	// configuration names another one than its default. There is no session to reset.
	PoolerTransaction
	// PoolerPrepared is PoolerTransaction for a pooler that keeps prepared statements by
	// their names, which saves the server the planning: pgx's exec mode stays as it is. That
	// is PgBouncer from 1.21 on, with max_prepared_statements. After a change of a table's
	// columns it has to RECONNECT: statements that it has prepared fail until then.
	PoolerPrepared
)

// Reset says when a session is reset at release: session authorization, role,
// settings, cursors, channels, temporary tables and advisory locks.
//
// What the command tags do not show is not seen: set_config(…, false), advisory
// locks, and what a function does. Choose [ResetAlways] for applications that do
// such things; it costs a round trip for each acquired connection.
type Reset uint8

// The kinds of reset.
const (
	// ResetMarked resets after SET, CREATE, DECLARE, LISTEN, DO, CALL, LOAD, SELECT INTO
	// and CREATE TABLE AS, and closes the connection after PREPARE, DEALLOCATE and DISCARD.
	// SET LOCAL cannot be told from SET.
	ResetMarked Reset = iota
	// ResetAlways resets at each release.
	ResetAlways
	// ResetNever leaves sessions as they are.
	ResetNever
)

func (c Config) validate() error {
	if c.Pooler > PoolerPrepared {
		return core.Errorf(core.Validation, "Config.Pooler has the unknown value %d", c.Pooler).With("field", "Pooler")
	}
	if c.Reset > ResetNever {
		return core.Errorf(core.Validation, "Config.Reset has the unknown value %d", c.Reset).With("field", "Reset")
	}
	if err := c.DatabaseLimits.validate(); err != nil {
		return err
	}
	if c.Pooler >= PoolerTransaction && c.Reset == ResetAlways {
		return fmt.Errorf("stratumpgx: Config.Reset=ResetAlways contradicts a Config.Pooler in transaction mode: there is no session to reset behind it")
	}
	return nil
}
