package tenant

import (
	"context"
	"encoding/base64"
	"iter"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// Sizes of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 100
)

// ListOptions says which tenants are listed. The zero value means the first page of all.
type ListOptions struct {
	Limit  int         // tenants on a page, up to 100; 0: 50
	Cursor string      // Next of the page before; empty: the first page
	Status core.Status // only those with this status; empty: all
}

// Page is a part of a list, in the order in which the tenants were made.
type Page struct {
	Tenants []*core.Tenant
	Next    string // the cursor of the next page; empty: this is the last
}

const list = "select " + columns + ` from stratum.tenants t
	where ($1::uuid is null or t.id > $1) and ($2 = '' or t.status = $2)
	order by t.id limit $3`

// List returns a page of tenants. A tenant that exists throughout is on exactly one
// page, whatever is made and changed between the calls.
func (s *Service) List(ctx context.Context, opts ListOptions) (Page, error) {
	after, limit, err := opts.validate()
	if err != nil {
		return Page{}, err
	}
	found, err := s.read(ctx, list, db.UUID(after), string(opts.Status), limit+1) // one more tells whether there is more
	if err != nil {
		return Page{}, err
	}
	page := Page{Tenants: found}
	if len(found) > limit {
		page.Tenants = found[:limit]
		page.Next = encodeCursor(found[limit-1].ID)
	}
	return page, nil
}

// All yields the tenants of all pages from opts.Cursor on, reading page by page. An
// error is yielded once, as the last.
func (s *Service) All(ctx context.Context, opts ListOptions) iter.Seq2[*core.Tenant, error] {
	return func(yield func(*core.Tenant, error) bool) {
		opts := opts // each use of the iterator begins anew
		for {
			page, err := s.List(ctx, opts)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, t := range page.Tenants {
				if !yield(t, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			opts.Cursor = page.Next
		}
	}
}

func (o ListOptions) validate() (after core.ID, limit int, err error) {
	switch o.Status {
	case "", core.Active, core.Suspended, core.Archived:
	default:
		return after, 0, invalid("status", "a status is active, suspended or archived")
	}
	if o.Limit < 0 || o.Limit > MaxLimit {
		return after, 0, invalid("limit", "a page has 1 to %d tenants", MaxLimit)
	}
	limit = o.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if o.Cursor == "" {
		return after, limit, nil
	}
	after, ok := decodeCursor(o.Cursor)
	if !ok {
		return after, 0, invalid("cursor", "this cursor is from no page")
	}
	return after, limit, nil
}

// cursorVersion leads a cursor, so that another order can be told from this one.
const cursorVersion = 1

func encodeCursor(id core.ID) string {
	return base64.RawURLEncoding.EncodeToString(append([]byte{cursorVersion}, id[:]...))
}

func decodeCursor(s string) (id core.ID, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != 1+len(id) || b[0] != cursorVersion {
		return core.ID{}, false
	}
	copy(id[:], b[1:])
	return id, !id.IsZero()
}
