package connection

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

// DefaultServer is the key of the server that databases are on whose keys name none.
const DefaultServer = "default"

// candidates are the rows that may tell where a database is: its own, and its server's.
const candidates = "select key, dsn, replica from stratum.connections where key = any($1)"

// ConnectionString returns the connection string for the database with this key: its own, or
// that of its server for this database, if provisioning made it. With [Service.ReplicaConnectionString]
// it implements stratumpgx.ReplicatedDatabases.
//
// A key without a connection is [core.ErrScopeUnsupported]. A string that does not open is
// [core.ErrSealBroken], [core.ErrSealMalformed] or [core.ErrSealKeyUnknown].
func (s *Service) ConnectionString(ctx context.Context, key string) (string, error) {
	return s.find(ctx, key, fieldPrimary)
}

// ReplicaConnectionString is ConnectionString for the read replica. Empty: there is none.
func (s *Service) ReplicaConnectionString(ctx context.Context, key string) (string, error) {
	return s.find(ctx, key, fieldReplica)
}

func (s *Service) find(ctx context.Context, key, field string) (string, error) {
	if s.ring == nil {
		return "", keyless()
	}
	server, database, slash := strings.Cut(key, "/")
	if !slash {
		server, database = DefaultServer, key
	}
	found, err := db.Rows(ctx, s.db, scan, candidates, []string{key, server})
	if err != nil {
		return "", err
	}
	var shared *row
	for _, r := range found {
		if r.key == key {
			return s.open(r, field)
		}
		shared = &r
	}
	if shared == nil {
		return "", unknown(key)
	}
	dsn, err := s.open(*shared, field)
	if err != nil || dsn == "" {
		return "", err
	}
	return placement.Databases(dsn)(ctx, database)
}

func scan(in pgx.CollectableRow) (r row, err error) {
	err = in.Scan(&r.key, &r.dsn, &r.replica)
	return r, err
}

// open returns one of the strings of a row.
func (s *Service) open(r row, field string) (string, error) {
	text := r.dsn
	if field == fieldReplica {
		text = r.replica
	}
	if text == "" && field == fieldReplica {
		return "", nil
	}
	plain, err := s.ring.Open(text, of(r.key, field))
	if err != nil {
		return "", broken(r.key, field, err)
	}
	return string(plain), nil
}

// broken names the string that a seal's error is about.
func broken(key, field string, err error) error {
	var e *core.Error
	if !errors.As(err, &e) {
		return err
	}
	return core.Errorf(e.Code, "the connection %q, %s: %s", key, field, e.Message)
}
