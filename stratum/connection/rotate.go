package connection

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

const (
	// outdated are the rows behind a key that another key than the current one has sealed.
	outdated = `select key, dsn, replica from stratum.connections
		where key > $1 and not (starts_with(dsn, $2) and (replica = '' or starts_with(replica, $2)))
		order by key limit $3`

	// reseal changes nothing if somebody set the connection since it was read.
	reseal = before + `,
		after as (
			update stratum.connections set dsn = @dsn, replica = @replica
			where key = @key and dsn = @dsn_was and replica = @replica_was
			returning ` + shown + `)`
)

// Rotate seals the strings again that another key than the current one has sealed, row by
// row, and returns how many connections it did; see package seal for when. What a call that
// was interrupted has not done the next one does. A connection that does not open stays as it
// is: the others are done, then the error says how many there are, and which the first is.
func (s *Service) Rotate(ctx context.Context) (rotated int, err error) {
	if s.ring == nil {
		return 0, keyless()
	}
	var broken []error
	for after := ""; ; {
		found, err := db.Rows(ctx, s.db, scan, outdated, after, s.ring.Prefix(), pageSize)
		if err != nil {
			return rotated, err
		}
		if len(found) == 0 {
			return rotated, unopened(broken)
		}
		for _, r := range found {
			next, err := s.rotate(r)
			if err != nil {
				broken = append(broken, err)
				after = r.key
				continue
			}
			err = s.replace(ctx, r, next)
			if errors.Is(err, pgx.ErrNoRows) {
				break // somebody set or deleted it since: read again from here
			}
			if err != nil {
				return rotated, err
			}
			rotated++
			after = r.key
		}
	}
}

// unopened is the error for connections that did not open, nil for none.
func unopened(broken []error) error {
	var first *core.Error
	if len(broken) == 0 || !errors.As(broken[0], &first) {
		return errors.Join(broken...)
	}
	return core.Errorf(first.Code, "connections that do not open and stay as they are: %d; the first: %s", len(broken), first.Message)
}

// rotate returns a row with its strings sealed by the current key.
func (s *Service) rotate(r row) (row, error) {
	next := row{key: r.key}
	for _, f := range []struct {
		field string
		was   string
		is    *string
	}{{fieldPrimary, r.dsn, &next.dsn}, {fieldReplica, r.replica, &next.replica}} {
		if f.was == "" && f.field == fieldReplica {
			continue
		}
		text, _, err := s.ring.Rotate(f.was, of(r.key, f.field))
		if err != nil {
			return row{}, broken(r.key, f.field, err)
		}
		*f.is = text
	}
	return next, nil
}

// replace is one statement, which locks the row; see reseal.
func (s *Service) replace(ctx context.Context, was, is row) error {
	return s.mutate(ctx, db.Mutation{
		Action: "connection.rotated",
		With:   reseal,
		Args:   pgx.NamedArgs{"key": was.key, "dsn": is.dsn, "replica": is.replica, "dsn_was": was.dsn, "replica_was": was.replica},
	})
}
