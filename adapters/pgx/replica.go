package stratumpgx

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
)

// replicas are the pools of the read replica of the shared tables and of schemas.
type replicas struct {
	shared, schemas place
	most            int // connections of each
}

// errNoReplica is remembered of a database that has none, so that it is asked seldom.
var errNoReplica = errors.New("stratumpgx: there is no replica")

// setReplicas prepares the replicas of the configuration. They are opened when used.
func (db *DB) setReplicas() error {
	if with, ok := db.cfg.Databases.(ReplicatedDatabases); ok {
		db.databases.replica = func(ctx context.Context, key string) (*pool, error) {
			dsn, err := with.ReplicaConnectionString(ctx, key)
			switch {
			case err != nil:
				return nil, fmt.Errorf("its connection string: %w", err)
			case dsn == "":
				return nil, errNoReplica
			}
			return db.openAt(ctx, dsn, key)
		}
	}
	if db.cfg.Replica == "" {
		return nil
	}
	pc, err := pgxpool.ParseConfig(db.cfg.Replica)
	if err != nil {
		return core.Errorf(core.Validation, "Config.Replica cannot be read as a connection string").With("field", "Replica")
	}
	db.elsewhere(pc)
	db.replicas = &replicas{
		most: int(pc.MaxConns),
		shared: place{name: "the replica", open: func(ctx context.Context) (*pool, error) {
			return db.open(ctx, pc.Copy(), core.ModeTenant, core.SharedRLS, "")
		}},
		schemas: place{name: "the replica of tenants' schemas", open: func(ctx context.Context) (*pool, error) {
			return db.openSchemas(ctx, pc)
		}},
	}
	return nil
}

// close closes what was opened. Nil replicas are none.
func (r *replicas) close() {
	if r != nil {
		r.shared.close()
		r.schemas.close()
	}
}

// ofShared is the replica of the shared tables, or nil.
func (r *replicas) ofShared() *place {
	if r == nil {
		return nil
	}
	return &r.shared
}

// ofSchemas is the replica of tenants' schemas, or nil.
func (r *replicas) ofSchemas() *place {
	if r == nil {
		return nil
	}
	return &r.schemas
}
