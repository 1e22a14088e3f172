package stratumpgx_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// Connections of every kind are held, as many as there can be: the server has as many as
// MaxConns says.
func TestMaxConns(t *testing.T) {
	d, inSchema, _ := schemas(t)
	named := "&application_name=" + d.Name
	url := d.URL(embedpg.App) + named
	const shared, replica, system, each, databases = 3, 2, 1, 2, 2
	at := map[string]string{"a": url, "b": url}
	db := open(t, d, named+"&pool_max_conns=3", stratumpgx.Config{
		Replica:        url + "&pool_max_conns=2",
		System:         d.URL(embedpg.System) + named + "&pool_max_conns=1",
		Databases:      replicated{at, at},
		DatabaseLimits: stratumpgx.DatabaseLimits{ConnsPerDatabase: each, MaxConns: each*databases + 1}, // 1 is no pool
	})
	a, b := as(inDatabase(tenantA, "a")), as(inDatabase(tenantB, "b"))
	held := 0
	for _, kind := range []struct {
		ctx context.Context
		n   int
	}{
		{as(tenantA), shared},
		{as(inSchema), shared},
		{core.ReadOnly(as(tenantA)), replica},
		{core.ReadOnly(as(inSchema)), replica},
		{stratumpgx.SharedTables(core.System(context.Background(), "counting")), system},
		{a, each},
		{b, each},
		{core.ReadOnly(a), each},
		{core.ReadOnly(b), each},
	} {
		for range kind.n {
			c, err := db.Acquire(kind.ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Release()
			held++
		}
	}
	var open int
	err := d.Conn(t, embedpg.Superuser).QueryRow(t.Context(), "select count(*) from pg_stat_activity where application_name = $1", d.Name).Scan(&open)
	if err != nil || open != held || db.MaxConns() != held {
		t.Errorf("%d connections are held and %d open, and MaxConns is %d, %v", held, open, db.MaxConns(), err)
	}
	ctx, cancel := context.WithTimeout(as(inDatabase(tenantA, "c")), 30*time.Millisecond)
	defer cancel()
	if _, err := db.Exec(ctx, "select 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("one more:", err)
	}
}

func TestMaxConnsOfLittle(t *testing.T) {
	d := database(t)
	for want, cfg := range map[int]stratumpgx.Config{
		8:   {},
		108: {Databases: stratumpgx.StaticDatabases{}},
		16:  {Replica: d.URL(embedpg.App) + "&pool_max_conns=4"},
		12:  {System: d.URL(embedpg.System) + "&pool_max_conns=4"},
	} {
		if n := open(t, d, "&pool_max_conns=4", cfg).MaxConns(); n != want {
			t.Errorf("%d, want %d", n, want)
		}
	}
}
