package stratumpgx

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
)

// hold is what a unit of work has beside its connection, and gives back after it.
type hold struct {
	db    *DB
	gate  *gate
	lease *tenantDatabase
}

// release gives everything back. A nil hold has nothing.
func (h *hold) release() {
	if h == nil {
		return
	}
	if h.lease != nil {
		h.db.databases.end(h.lease)
	}
	if h.gate != nil {
		h.db.gates.leave(h.gate)
	}
}

// route finds the pool of a tenant's placement, and takes what it needs beside a
// connection: its place among the tenant's units of work, and a lease on a pool of its own.
func (db *DB) route(ctx context.Context, scope core.Scope) (binding, error) {
	b := binding{pool: db.tenant, scope: scope}
	at := scope.Placement
	if err := validPlacement(scope); err != nil {
		return b, err
	}
	if at.MaxConcurrency > 0 {
		g, err := db.gates.enter(ctx, scope.Tenant, at.MaxConcurrency)
		if err != nil {
			return b, fmt.Errorf("stratumpgx: waiting for one of the %d units of work that the tenant may have at once: %w", at.MaxConcurrency, err)
		}
		b.hold = &hold{db: db, gate: g}
	}
	var err error
	var primary, replica *place // nil: the shared tables; none
	switch at.Strategy {
	case core.SchemaPerTenant:
		if at.Role == "" {
			db.openWithoutRole(scope)
		}
		if !db.mixed.Load() {
			db.mixed.Store(true)
		}
		primary, replica = &db.schemas, db.replicas.ofSchemas()
	case core.DatabasePerTenant:
		if db.cfg.Databases == nil {
			err = core.Errorf(core.ScopeUnsupported, "tenant %s has a database of its own, and Config.Databases is nil: nothing tells where that is", scope.Tenant)
			break
		}
		var lease *tenantDatabase
		if lease, err = db.databases.begin(ctx, at.Database); err == nil {
			if b.hold == nil {
				b.hold = &hold{db: db}
			}
			b.hold.lease = lease
			primary, replica = &lease.place, lease.replica
		}
	default:
		replica = db.replicas.ofShared()
	}
	if err == nil {
		err = b.choose(ctx, primary, replica)
	}
	if err != nil {
		b.hold.release()
		return binding{}, err
	}
	return b, nil
}

// choose takes the pool of the replica, for work that may, and otherwise that of the primary.
func (b *binding) choose(ctx context.Context, primary, replica *place) (err error) {
	if b.scope.ReadOnly && replica != nil {
		if p, err := replica.get(ctx); err == nil {
			b.pool, b.place, b.second = p, replica, true
			return nil
		}
	}
	if b.place = primary; primary == nil {
		return nil // the pool of the shared tables is open
	}
	b.pool, err = primary.get(ctx)
	return err
}

// validPlacement refuses a placement that says too little, or what cannot be a name.
func validPlacement(scope core.Scope) error {
	at := scope.Placement
	refuse := func(field, format string, args ...any) error {
		return core.Errorf(core.ScopeUnsupported, "the placement of tenant %s: %s", scope.Tenant, fmt.Sprintf(format, args...)).With("field", "Placement."+field)
	}
	switch at.Strategy {
	case "", core.SharedRLS:
	case core.SchemaPerTenant:
		if !nameable(at.Schema) {
			return refuse("Schema", "%q is not a schema that it could name: 1 to 63 letters, digits, spaces and _-. are", at.Schema)
		}
		if at.Role != "" && !nameable(at.Role) {
			return refuse("Role", "%q is not a role that it could name: 1 to 63 letters, digits, spaces and _-. are", at.Role)
		}
	case core.DatabasePerTenant:
		if at.Database == "" {
			return refuse("Database", "it names no database")
		}
	default:
		return refuse("Strategy", "the strategy %q is none of %s, %s and %s", at.Strategy, core.SharedRLS, core.SchemaPerTenant, core.DatabasePerTenant)
	}
	if at.StatementTimeout < 0 || at.StatementTimeout > 0 && at.StatementTimeout < time.Millisecond {
		return refuse("StatementTimeout", "%v is no timeout; at least a millisecond, or 0 for the server's own", at.StatementTimeout)
	}
	if at.MaxConcurrency < 0 {
		return refuse("MaxConcurrency", "%d is no number of units of work; 0 for no cap", at.MaxConcurrency)
	}
	return nil
}

// nameable reports whether a scope can carry the name of a schema or role. What
// provisioning makes is; see wire.Setting.
func nameable(name string) bool {
	if name == "" || len(name) > 63 {
		return false
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.', c == ' ':
		default:
			return false
		}
	}
	return true
}

// schemaLifetime bounds how long a connection serves schemas: a backend keeps 9 to 18 KB
// for each table that it has touched, for ever. A thousand schemas of ten tables are
// 90 MB and more, in each connection that has met them all.
const schemaLifetime = 10 * time.Minute

// openSchemas opens the pool of tenants with a schema of their own. Statements are not
// prepared there: one whose search_path is another than at its last run is planned again
// anyway, and fails where the schemas are at different versions ("cached plan must not
// change result type"), which exec mode never does.
func (db *DB) openSchemas(ctx context.Context, at *pgxpool.Config) (*pool, error) {
	pc := at.Copy()
	if pc.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement || pc.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheDescribe {
		pc.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	pc.MinConns, pc.MinIdleConns = 0, 0
	pc.MaxConnLifetime = min(pc.MaxConnLifetime, schemaLifetime)
	pc.MaxConnLifetimeJitter = pc.MaxConnLifetime / 10
	return db.open(ctx, pc, core.ModeTenant, core.SchemaPerTenant, "")
}

// connectTimeout is that of connection strings that name none.
const connectTimeout = 5 * time.Second

// elsewhere gives the configuration of another server what all have.
func (db *DB) elsewhere(pc *pgxpool.Config) {
	pc.ConnConfig.Tracer = db.config.ConnConfig.Tracer
	if pc.ConnConfig.ConnectTimeout == 0 {
		pc.ConnConfig.ConnectTimeout = connectTimeout
	}
}

// openDatabase opens the pool of one tenant's database.
func (db *DB) openDatabase(ctx context.Context, key string) (*pool, error) {
	dsn, err := db.cfg.Databases.ConnectionString(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("its connection string: %w", err)
	}
	return db.openAt(ctx, dsn, key)
}

func (db *DB) openAt(ctx context.Context, dsn, key string) (*pool, error) {
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, core.Errorf(core.DatabaseDown, "the connection string of database %q cannot be read", key) // and is not shown
	}
	db.elsewhere(pc)
	if pc.ConnConfig.DefaultQueryExecMode == pgx.QueryExecModeCacheStatement {
		pc.ConnConfig.DefaultQueryExecMode = db.config.ConnConfig.DefaultQueryExecMode
	}
	pc.MinConns, pc.MinIdleConns = 0, 0
	pc.MaxConns = int32(db.databases.limits.ConnsPerDatabase)
	return db.open(ctx, pc, core.ModeTenant, core.DatabasePerTenant, key)
}

// withoutSecrets is what may be told of why a database cannot be reached: the messages of
// drivers name hosts, users and databases, and what a secret manager answers is not ours.
func withoutSecrets(err error) string {
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused):
		return "the server refuses with SQLSTATE " + refused.Code
	case errors.Is(err, context.DeadlineExceeded):
		return "it does not answer in time"
	case errors.Is(err, context.Canceled):
		return "the attempt was given up"
	}
	return "no connection can be made"
}

// openWithoutRole says once that schemas are not kept apart by a role.
func (db *DB) openWithoutRole(scope core.Scope) {
	db.roleless.Do(func() {
		db.log.Warn("stratumpgx: a tenant's schema has no role of its own: SQL that names another tenant's schema reaches it. "+
			"Give each tenant a NOLOGIN role that alone may use its schema.", slog.String("tenant", scope.Tenant.String()))
	})
}
