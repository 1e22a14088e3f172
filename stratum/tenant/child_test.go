package tenant_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// childJob tells a copy of this test binary what to do until it is killed.
const childJob = "STRATUM_TENANT_TEST_JOB"

// job is what a child does: it makes and purges tenants. At a point it says so and stops
// there; without one it goes on until it is killed.
type job struct {
	Lib, Owner string
	Strategies []core.Strategy
	Spares     int // of each strategy; it fills before each tenant that it makes
	Point      string
}

// The points at which a child can stop.
const (
	beforeMake   = "the journal is written"
	inMigrate    = "the place is half made"
	afterMake    = "the place is made"
	beforeRemove = "the tenant is gone"
	afterRemove  = "the place is removed"
)

// points are the real Provisioner, with stops between the steps.
type points struct {
	*placement.Provisioner
	reach func(point string)
}

func (p points) Make(ctx context.Context, at core.Placement) (int64, error) {
	p.reach(beforeMake)
	version, err := p.Provisioner.Make(ctx, at)
	p.reach(afterMake)
	return version, err
}

func (p points) Remove(ctx context.Context, at core.Placement) error {
	p.reach(beforeRemove)
	err := p.Provisioner.Remove(ctx, at)
	p.reach(afterRemove)
	return err
}

// child is what the copy runs.
func child(text string) int {
	err := func() error {
		var j job
		if err := json.Unmarshal([]byte(text), &j); err != nil {
			return err
		}
		reach := func(point string) {
			if point == j.Point {
				fmt.Println(point)
				_, _ = io.Copy(io.Discard, os.Stdin)
			}
		}
		ctx := context.Background()
		places, err := placement.New(placement.Config{Owner: j.Owner, Migrate: func(ctx context.Context, conn *pgx.Conn, _ core.Placement) error {
			_, err := conn.Exec(ctx, "create table a (id int)")
			reach(inMigrate)
			return err
		}})
		if err != nil {
			return err
		}
		base, err := db.Open(ctx, j.Lib, "")
		if err != nil {
			return err
		}
		spares := map[core.Strategy]int{}
		for _, strategy := range j.Strategies {
			spares[strategy] = j.Spares
		}
		s, err := tenant.NewService(base, tenant.Config{Places: points{places, reach}, Spares: spares})
		if err != nil {
			return err
		}
		fmt.Println("ready")
		return j.run(ctx, base, s)
	}()
	fmt.Fprintln(os.Stderr, "a child ended:", err)
	return 1
}

func (j job) run(ctx context.Context, base *db.DB, s *tenant.Service) error {
	for i := 0; ; i++ {
		if err := s.Fill(ctx); err != nil {
			return err
		}
		made, err := s.Create(ctx, tenant.New{Name: "N", Slug: fmt.Sprint("n", i), Strategy: j.Strategies[i%len(j.Strategies)]})
		if err != nil {
			return err
		}
		if err := base.Exec(ctx, "update stratum.tenants set status = 'archived' where id = $1", made.ID.String()); err != nil {
			return err
		}
		if err := s.Purge(ctx, made.ID); err != nil {
			return err
		}
	}
}

// start starts a child and waits until it says the line. kill kills it, as kill -9 does.
func (w *world) start(t *testing.T, j job, line string) (kill func()) {
	t.Helper()
	j.Lib, j.Owner = w.URL(embedpg.Lib), w.owner
	text, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	return pgtest.Child(t, childJob+"="+string(text), line)
}
