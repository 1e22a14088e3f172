package stratumpgx

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
)

// DB runs every query in the scope of its context. It is safe for concurrent use;
// one DB serves all tenants. It satisfies the DBTX interface of sqlc.
type DB struct {
	cfg    Config
	config *pgxpool.Config // as it was given
	log    *slog.Logger

	tenant    *pool       // of shared tables
	schemas   place       // of tenants with a schema of their own
	replicas  *replicas   // of both; nil: there is none
	databases *databases  // of tenants with a database of their own
	system    *pool       // nil: not configured
	mixed     atomic.Bool // there are tenants elsewhere than in the shared tables
	gates     gates
	roleless  sync.Once

	sqlMu     sync.Mutex
	sqlDBs    map[pgx.QueryExecMode]*sql.DB
	sqlClosed bool
}

// Open connects to dsn, a URL or key=value string as pgxpool.ParseConfig reads it,
// pool_ parameters included. The login must be one that row-level security binds:
// Open checks it and returns [core.ErrRoleUnsafe], with the reason and the SQL that
// makes a right one, before any query can run.
func Open(ctx context.Context, dsn string, cfg Config) (*DB, error) {
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	return New(ctx, pc, cfg)
}

// New is [Open] for a configuration that pgxpool.ParseConfig has made. Hooks that are
// set in it are chained with those of the DB, never replaced: AfterNetConnect is
// the inner one, PrepareConn runs in the scope of the caller, AfterConnect and
// AfterRelease run without a scope. pc itself is not modified.
func New(ctx context.Context, pc *pgxpool.Config, cfg Config) (*DB, error) {
	if pc == nil {
		return nil, errors.New("stratumpgx: New needs a configuration made by pgxpool.ParseConfig")
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg.Roles = cfg.Roles.withDefaults()
	db := &DB{cfg: cfg, config: pc.Copy(), log: cfg.Logger}
	if db.log == nil {
		db.log = slog.Default()
	}
	db.schemas.name = "the database of tenants' schemas"
	db.schemas.open = func(ctx context.Context) (*pool, error) { return db.openSchemas(ctx, db.config) }
	db.databases = newDatabases(cfg.DatabaseLimits.withDefaults(), db.openDatabase)
	if err := db.setReplicas(); err != nil {
		return nil, err
	}
	db.mixed.Store(cfg.Databases != nil)
	var err error
	if db.tenant, err = db.open(ctx, pc.Copy(), core.ModeTenant, core.SharedRLS, ""); err != nil {
		return nil, err
	}
	if cfg.System == "" {
		return db, nil
	}
	sc, err := pgxpool.ParseConfig(cfg.System)
	if err == nil {
		sc.ConnConfig.Tracer = pc.ConnConfig.Tracer
		if sc.ConnConfig.User == pc.ConnConfig.User {
			err = fmt.Errorf("Config.System: work across tenants needs a login of its own, and this is the application's, %q", pc.ConnConfig.User)
		} else {
			db.system, err = db.open(ctx, sc, core.ModeSystem, "", "")
		}
	}
	if err != nil {
		db.tenant.Close()
		return nil, fmt.Errorf("stratumpgx: %w", err)
	}
	return db, nil
}

// Close closes all pools, [DB.SQL] included. It waits until every acquired
// connection has been given back.
func (db *DB) Close() {
	db.closeSQL()
	db.schemas.close()
	db.replicas.close()
	db.databases.close()
	db.tenant.Close()
	if db.system != nil {
		db.system.Close()
	}
}

// Stat returns the figures of the pool that serves tenants.
func (db *DB) Stat() *pgxpool.Stat { return db.tenant.Stat() }

// MaxConns is the most connections that this DB may have open, on all servers together: of
// the shared tables, as many for tenants' schemas, those of replicas, of Config.System and of
// tenants' databases. Times the processes it has to fit into what the servers, or the poolers
// in front of them, admit; rls.CheckConfig.Connections is for that.
func (db *DB) MaxConns() int {
	n := 2 * int(db.config.MaxConns)
	if db.replicas != nil {
		n += 2 * db.replicas.most
	}
	if db.system != nil {
		n += int(db.system.Config().MaxConns)
	}
	if db.cfg.Databases != nil {
		n += db.databases.most()
	}
	return n
}

// Ping makes sure that the server answers. It needs no tenant.
func (db *DB) Ping(ctx context.Context) error {
	c, err := db.tenant.Acquire(pinging(ctx))
	if err != nil {
		return err
	}
	defer c.Release()
	return c.Ping(ctx)
}
