package main

import (
	"context"
	"math/rand/v2"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
)

// The ways, in the order of the table. The fair baseline is what the others are compared with.
const (
	unscoped = "unscoped, no row-level security"
	filter   = "WHERE tenant_id = $1, no row-level security"
	fair     = "tenant fixed per session (fair baseline)"
	perTx    = "BEGIN; set_config; query; COMMIT"
	perLease = "set_config on acquire, RESET on release"
	ours     = "stratum"
)

var ways = []string{unscoped, filter, fair, perTx, perLease, ours}

// contestant reads one row, again and again. A peer does so in another process, at
// which run asks for a whole round.
type contestant struct {
	way   string
	read  func(ctx context.Context, r *rand.Rand) error
	run   func(load) (answer, error)
	close func()
}

// A client is a way of talking to the database, such as an ORM.
type client struct {
	name string
	ways []string
	hand func(f *field, way string, pc *pgxpool.Config) (contestant, error) // as a user would write it by hand
	ours func(db *stratumpgx.DB) (readFunc, error)
}

// readFunc reads the row of a table that has the key id.
type readFunc func(ctx context.Context, table string, id int64) error

// clients are the clients that are measured.
func clients(o options) []client {
	all := []client{pgxClient()}
	for _, orm := range []orm{plainSQL(), gormORM(), entORM(), bunORM()} {
		all = append(all, orm.client())
	}
	if len(o.peers) > 0 {
		all = append(all, o.peers.client())
	}
	return all
}

// enter opens a contestant's connections.
func (f *field) enter(ctx context.Context, c client, way, dsn string) (contestant, error) {
	if p := f.peers.find(way); p != nil {
		return p.start(ctx, f, dsn)
	}
	pc, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return contestant{}, err
	}
	if way == fair {
		pc.ConnConfig.RuntimeParams["app.current_tenant_id"] = f.tenants[0].ID.String()
	}
	if way != ours {
		made, err := c.hand(f, way, pc)
		made.way = way
		return made, err
	}
	db, err := stratumpgx.New(ctx, pc, stratumpgx.Config{})
	if err != nil {
		return contestant{}, err
	}
	read, err := c.ours(db)
	if err != nil {
		db.Close()
		return contestant{}, err
	}
	return contestant{way: way, close: db.Close, read: func(ctx context.Context, r *rand.Rand) error {
		t := f.pick(r)
		return read(core.NewContext(ctx, t.tenant), "item", t.id)
	}}, nil
}
