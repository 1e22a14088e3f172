package placement_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

func TestLatest(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"2_a.sql": {}, "00010_b.sql": {}, "9_c.sql": {}, "readme.sql": {}, "11_d.txt": {}, "sub/12_e.sql": {}}
	if got, err := placement.Latest(files); got != 10 || err != nil {
		t.Error(got, err)
	}
	if _, err := placement.Latest(fstest.MapFS{"readme.sql": {}}); !errors.Is(err, core.ErrValidation) {
		t.Error(err)
	}
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	more := notes()
	more["00002_tag.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\ncreate table tag ();")}
	inside, goOn := make(chan struct{}), make(chan struct{})
	p := provisioner(t, placement.Config{Owner: d.URL(embedpg.Superuser), Migrations: notes()})
	slow := provisioner(t, placement.Config{Owner: d.URL(embedpg.Superuser), Migrate: func(context.Context, *pgx.Conn, core.Placement) error {
		close(inside)
		<-goOn
		return nil
	}})
	for _, strategy := range []core.Strategy{core.SchemaPerTenant, core.DatabasePerTenant} {
		at := made(t, p, strategy)
		for _, want := range []int64{1, 2} { // the version found
			if from, to, err := p.Migrate(t.Context(), at, more, false); from != want || to != 2 || err != nil {
				t.Errorf("%s: %d, %d, %v", strategy, from, to, err)
			}
		}
	}
	at := p.Place(core.SchemaPerTenant, "acme", "", core.NewID())
	t.Cleanup(func() {
		if err := p.Remove(context.Background(), at); err != nil {
			t.Error(err)
		}
	})
	ended := make(chan error)
	go func() {
		version, err := slow.Make(t.Context(), at)
		if version != 0 {
			err = errors.New("a version of nothing")
		}
		ended <- err
	}()
	<-inside
	if _, _, err := p.Migrate(t.Context(), at, more, false); !errors.Is(err, placement.ErrBusy) {
		t.Error(err)
	}
	close(goOn)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if from, to, err := p.Migrate(t.Context(), at, more, true); from != 0 || to != 2 || err != nil {
		t.Errorf("%d, %d, %v", from, to, err)
	}
}

func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	p := provisioner(t, placement.Config{Owner: "postgres://x:hunter2@127.0.0.1:1/none?connect_timeout=2"})
	for _, at := range []core.Placement{{}, {Strategy: core.SchemaPerTenant, Schema: "a.b"}, {Strategy: core.DatabasePerTenant}, {Strategy: core.SharedRLS, Schema: "a"}} {
		if _, _, err := p.Migrate(t.Context(), at, notes(), true); !errors.Is(err, core.ErrScopeUnsupported) {
			t.Errorf("%+v: %v", at, err)
		}
	}
	at := core.Placement{Strategy: core.SchemaPerTenant, Schema: "a"}
	if _, _, err := p.Migrate(t.Context(), at, nil, true); !errors.Is(err, core.ErrValidation) {
		t.Error(err)
	}
	if _, _, err := p.Migrate(t.Context(), at, notes(), true); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
