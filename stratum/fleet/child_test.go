package fleet_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/fleet"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

// childJob tells a copy of this test binary what to do until it is killed.
const childJob = "STRATUM_FLEET_TEST_JOB"

// job is one Migrate. At a point of the work on one tenant it says so and stops there.
type job struct {
	Lib, Owner string
	Version    int // to migrate to
	Parallel   int
	Tenant     core.ID
	Place      core.Placement // of the tenant
	Point      string
}

// The points at which a child can stop. In a statement it is the server that does, see heldApart.
const (
	beforePlace = "a place is about to be migrated"
	inStatement = "a migration is half done"
	beforeTold  = "a migration is committed and nobody knows"
	afterPlace  = "a place is done with"
)

// points are the real places, with stops around them.
type points struct {
	*placement.Provisioner
	reach func(point string, at core.Placement)
}

func (p points) Migrate(ctx context.Context, at core.Placement, files fs.FS, wait bool) (from, to int64, err error) {
	p.reach(beforePlace, at)
	from, to, err = p.Provisioner.Migrate(ctx, at, files, wait)
	p.reach(beforeTold, at)
	return from, to, err
}

// child is what the copy runs.
func child(text string) int {
	err := func() error {
		var j job
		if err := json.Unmarshal([]byte(text), &j); err != nil {
			return err
		}
		ctx := context.Background()
		places, err := placement.New(placement.Config{Owner: j.Owner, Migrations: upTo(1)})
		if err != nil {
			return err
		}
		base, err := db.Open(ctx, j.Lib, "")
		if err != nil {
			return err
		}
		stop := func(point string) {
			if point == j.Point {
				fmt.Println(point)
				_, _ = io.Copy(io.Discard, os.Stdin)
			}
		}
		s := fleet.NewService(base, points{places, func(point string, at core.Placement) {
			if at.Schema == j.Place.Schema && at.Database == j.Place.Database {
				stop(point)
			}
		}})
		files := upTo(j.Version)
		if j.Point == inStatement {
			files = heldApart(j.Version)
		}
		fmt.Println("ready")
		_, err = s.Migrate(ctx, files, fleet.Config{Parallel: j.Parallel, Progress: func(e fleet.Event) {
			if e.Tenant == j.Tenant {
				stop(afterPlace)
			}
		}})
		return errors.Join(err, errors.New("it had nothing to do any more"))
	}()
	fmt.Fprintln(os.Stderr, "a child ended:", err)
	return 1
}

// start starts a child and waits until it says the line. kill kills it, as kill -9 does.
func (w *world) start(t *testing.T, j job, line string) (kill func()) {
	t.Helper()
	j.Lib, j.Owner = w.URL(embedpg.Lib), w.URL(embedpg.Superuser)
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.Child(t, childJob+"="+string(text), line)
}
