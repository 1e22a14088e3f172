package connection

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// Entry is what may be told of a connection.
type Entry struct {
	Key     string  `json:"key"`
	Primary Address `json:"primary"`
	Replica Address `json:"replica,omitzero"` // zero: there is none

	// Problem says why the addresses are not known: a string does not open, which is
	// [core.SealBroken] or another code of a seal, or cannot be read here, which is
	// [core.Validation]. Empty: there is none.
	Problem core.Code `json:"problem,omitempty"`

	Version   int64     `json:"version"` // counts how often it was set
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"` // when it was last set
}

// Address is where a connection leads to.
type Address struct {
	Host     string `json:"host"`     // the first one, or the folder of a socket
	Database string `json:"database"` // empty: the one that is named like the login
}

const (
	pageSize = 100
	page     = `select key, dsn, replica, version, created_at, updated_at from stratum.connections
		where key > $1 order by key limit $2`
)

// List yields the connections whose keys follow after, in order of their bytes; empty: all.
// It reads page by page, so one that is set or deleted meanwhile may be missing or there. An
// error is yielded once, as the last.
func (s *Service) List(ctx context.Context, after string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		after := after // each use of the iterator begins anew
		for {
			entries, err := db.Rows(ctx, s.db, s.entry, page, after, pageSize)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range entries {
				if !yield(e, nil) {
					return
				}
				after = e.Key
			}
			if len(entries) < pageSize {
				return
			}
		}
	}
}

func (s *Service) entry(in pgx.CollectableRow) (Entry, error) {
	var r row
	var e Entry
	if err := in.Scan(&r.key, &r.dsn, &r.replica, &e.Version, &e.CreatedAt, &e.UpdatedAt); err != nil {
		return e, err
	}
	e.Key = r.key
	var err error
	if e.Primary, err = s.address(r, fieldPrimary); err == nil {
		e.Replica, err = s.address(r, fieldReplica)
	}
	if err != nil {
		e.Primary, e.Problem = Address{}, codeOf(err)
	}
	return e, nil
}

func (s *Service) address(r row, field string) (Address, error) {
	if s.ring == nil {
		return Address{}, core.ErrSealKeyUnknown
	}
	dsn, err := s.open(r, field)
	if err != nil || dsn == "" {
		return Address{}, err
	}
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return Address{}, core.ErrValidation // and nothing of the cause
	}
	return Address{Host: config.ConnConfig.Host, Database: config.ConnConfig.Database}, nil
}

// codeOf is the code of an error of this library.
func codeOf(err error) core.Code {
	var e *core.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return core.Internal
}
