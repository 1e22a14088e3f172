package fleet

import (
	"context"
	"io/fs"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

// pageSize is how many places [Service.Behind] reads at once.
const pageSize = 500

// Status says how far the fleet is.
type Status struct {
	Target   int64     // the version that the migrations lead to
	Behind   int       // places below it
	Current  int       // places at it
	Ahead    int       // places above it: a newer program was here
	Versions []Version // those that occur, lowest first
}

// Version counts the places at a version. 0 is also one that nobody has looked at yet.
type Version struct {
	Version int64
	Places  int
}

// Status counts, with one query, the places by version. It returns [core.ErrValidation]
// if there are no migrations.
func (s *Service) Status(ctx context.Context, files fs.FS) (Status, error) {
	target, err := placement.Latest(files)
	if err != nil {
		return Status{}, err
	}
	status := Status{Target: target}
	status.Versions, err = db.Rows(ctx, s.db, pgx.RowToStructByPos[Version],
		"select version, count(*)::int from stratum.fleet group by version order by version")
	for _, v := range status.Versions {
		switch {
		case v.Version < target:
			status.Behind += v.Places
		case v.Version == target:
			status.Current += v.Places
		default:
			status.Ahead += v.Places
		}
	}
	return status, err
}

// Behind yields the places below the version that the migrations lead to, in the order
// in which the tenants were made, reading page by page. An error is yielded once, as the
// last.
func (s *Service) Behind(ctx context.Context, files fs.FS) iter.Seq2[Place, error] {
	return func(yield func(Place, error) bool) {
		target, err := placement.Latest(files)
		var after core.ID
		for err == nil {
			var page []Place
			if page, err = s.below(ctx, target, nil, after, pageSize); err != nil {
				break
			}
			for _, p := range page {
				if !yield(p, nil) {
					return
				}
				after = p.Tenant
			}
			if len(page) < pageSize {
				return
			}
		}
		yield(Place{}, err)
	}
}
