package connection

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/seal"
)

// MaxLen is the length of the longest connection string, in bytes.
const MaxLen = 8192

// maxPart is the length of each part of a key, in bytes: that of PostgreSQL's names.
const maxPart = 63

// Service keeps connection strings. It is safe for concurrent use.
type Service struct {
	db   *db.DB
	ring *seal.Ring
}

// NewService is for package stratum, which opens the database. Without a ring nothing can be
// set or read.
func NewService(db *db.DB, ring *seal.Ring) *Service { return &Service{db: db, ring: ring} }

// Connection is how the application's login gets to a database.
type Connection struct {
	// Primary is a URL or key=value string as pgxpool.ParseConfig reads it, of at most
	// [MaxLen] bytes.
	Primary core.Secret

	// Replica is that of a read replica. Empty: there is none.
	Replica core.Secret
}

// shown are the columns that changes are recorded with: the sealed strings are no part of a
// record that many read and that outlives them.
const shown = "null::uuid as tenant_id, key, version, replica <> '' as replicated, created_at, updated_at"

const (
	// lock makes those who write take turns, so that each records what it replaced. Nobody
	// who reads waits.
	lock = "lock table stratum.connections in share row exclusive mode"

	before = "before as (select " + shown + " from stratum.connections where key = @key)"
	put    = before + `,
		after as (
			insert into stratum.connections as c (key, dsn, replica) values (@key, @dsn, @replica)
			on conflict (key) do update set dsn = @dsn, replica = @replica, version = c.version + 1, updated_at = now()
			returning ` + shown + `)`
	remove = "after as (delete from stratum.connections where key = @key returning " + shown + ")"
)

// Set inserts or replaces a connection. Pools that are open go on with the string that they
// have until a new connection of theirs is refused. It fails with [core.ErrValidation], whose
// detail "field" is key, primary or replica and which repeats neither string, and with
// [core.ErrScopeUnsupported] if stratum.Config.Seal has no keys.
func (s *Service) Set(ctx context.Context, key string, c Connection) error {
	if s.ring == nil {
		return keyless()
	}
	if !validKey(key) {
		return invalid("key", "a key has 1 to %d letters, digits and _-., or a server and a database of as many with a slash in between", maxPart)
	}
	if err := validString("primary", c.Primary); err != nil {
		return err
	}
	r := row{key: key}
	var err error
	if r.dsn, err = s.ring.Seal([]byte(c.Primary.Reveal()), of(key, fieldPrimary)); err != nil {
		return err
	}
	if c.Replica.Len() > 0 {
		if err := validString("replica", c.Replica); err != nil {
			return err
		}
		if r.replica, err = s.ring.Seal([]byte(c.Replica.Reveal()), of(key, fieldReplica)); err != nil {
			return err
		}
	}
	return s.mutate(ctx, db.Mutation{
		Action: "connection.set",
		Lock:   []string{lock},
		With:   put,
		Args:   pgx.NamedArgs{"key": key, "dsn": r.dsn, "replica": r.replica},
	})
}

// Delete removes a connection. Pools that are open stay so. A key that is not there is
// [core.ErrScopeUnsupported].
func (s *Service) Delete(ctx context.Context, key string) error {
	err := s.mutate(ctx, db.Mutation{
		Action:  "connection.deleted",
		Lock:    []string{lock},
		With:    remove,
		Removes: true,
		Args:    pgx.NamedArgs{"key": key},
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return unknown(key)
	}
	return err
}

// mutate returns [pgx.ErrNoRows] if there was nothing to change.
func (s *Service) mutate(ctx context.Context, m db.Mutation) error {
	m.Key, m.Select = "key", "select key from after"
	err := s.db.Mutate(ctx, m, func(r pgx.Row) error { return r.Scan(new(string)) })
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		refused.Detail = "" // has the row, where a constraint is violated
	}
	return err
}

// row is one of the table.
type row struct{ key, dsn, replica string }

// The columns, as a seal names them.
const (
	fieldPrimary = "dsn"
	fieldReplica = "replica"
)

// of is the place of a sealed string.
func of(key, field string) seal.Of { return seal.Of{Table: "connections", Row: key, Field: field} }

// validKey reports whether s can be the Database of a placement.
func validKey(s string) bool {
	server, database, slash := strings.Cut(s, "/")
	return validPart(server) && (!slash || validPart(database))
}

func validPart(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxPart
}

// validString does not repeat what it cannot read, nor the reason, which may.
func validString(field string, dsn core.Secret) error {
	if dsn.Len() == 0 {
		return invalid(field, "%s is empty, and must be a connection string", field)
	}
	if dsn.Len() > MaxLen {
		return invalid(field, "%s has %d bytes; a connection string has at most %d", field, dsn.Len(), MaxLen)
	}
	if _, err := pgxpool.ParseConfig(dsn.Reveal()); err != nil {
		return invalid(field, "%s cannot be read as a connection string; files that it names must be there", field)
	}
	return nil
}

func invalid(field, format string, args ...any) error {
	return core.Errorf(core.Validation, format, args...).With("field", field)
}

func unknown(key string) error {
	return core.Errorf(core.ScopeUnsupported, "there is no connection string for the database %q", key)
}

func keyless() error {
	return core.Errorf(core.ScopeUnsupported, "connection strings are kept sealed only, and stratum.Config.Seal has no keys")
}
