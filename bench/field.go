package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// field is where contestants meet: a server, the same rows with and without row-level
// security, and a proxy that plays a distant server.
type field struct {
	options
	server  *embedpg.Server
	version string
	near    *proxy // counts turns, adds nothing
	far     *proxy // adds latency
	tenants []*core.Tenant
}

// database is the name of the database that is measured.
const database = "bench"

// tables: plain has no row-level security; item has the policy that Protect installs.
const tables = `
set role stratum_owner;
create table item (id bigint primary key, tenant_id uuid not null, body text not null);
insert into item select i, ('00000000-0000-7000-8000-' || lpad(to_hex(i %% %[2]d + 1), 12, '0'))::uuid, 'body of ' || i from generate_series(0, %[1]d - 1) i;
create index on item (tenant_id, id);
create table plain (like item including all);
insert into plain select * from item;
alter table item enable row level security;
alter table item force row level security;
create policy stratum_select on item for select to stratum_app
	using (tenant_id = (select nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid));
grant select on item, plain to stratum_app;
reset role;
vacuum analyze item, plain;`

func newField(ctx context.Context, o options) (f *field, err error) {
	f = &field{options: o}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	f.server, err = embedpg.Start(ctx, embedpg.Config{TCP: true, Database: database, Settings: map[string]string{"shared_buffers": "512MB", "max_connections": strconv.Itoa(300 + o.databases)}})
	if err != nil {
		return f, err
	}
	conn, err := pgx.Connect(ctx, f.server.URL(embedpg.Superuser, database))
	if err != nil {
		return f, err
	}
	defer conn.Close(ctx)
	for _, sql := range splitLast(fmt.Sprintf(tables, o.rows, o.tenants)) {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return f, err
		}
	}
	if err := conn.QueryRow(ctx, "show server_version").Scan(&f.version); err != nil {
		return f, err
	}
	for i := range o.tenants {
		id := core.MustParseID(fmt.Sprintf("00000000-0000-7000-8000-%012x", i+1))
		f.tenants = append(f.tenants, &core.Tenant{ID: id, Slug: fmt.Sprintf("t%d", i), Status: core.Active})
	}
	if f.near, err = newProxy(f.server.Addr(), 0); err != nil {
		return f, err
	}
	f.far, err = newProxy(f.server.Addr(), o.delay)
	return f, err
}

// splitLast gives the last statement, VACUUM, a query of its own.
func splitLast(sql string) []string {
	const last = "vacuum"
	for i := len(sql) - len(last); i > 0; i-- {
		if sql[i:i+len(last)] == last {
			return []string{sql[:i], sql[i:]}
		}
	}
	return []string{sql}
}

func (f *field) close() {
	for _, p := range []*proxy{f.near, f.far} {
		if p != nil {
			p.close()
		}
	}
	if f.server != nil {
		_ = f.server.Stop()
	}
}

// dsn is the application's connection string, to the server or to a proxy.
func (f *field) dsn(through *proxy) (string, error) {
	cfg, err := pgx.ParseConfig(f.server.TCPURL(embedpg.App, database))
	if err != nil {
		return "", err
	}
	address := f.server.Addr()
	if through != nil {
		address = through.addr()
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("host=%s port=%s user=%s password=%s dbname=%s sslmode=disable pool_max_conns=%d pool_min_conns=0",
		host, port, cfg.User, cfg.Password, database, f.workers), nil
}

// target is one row of one tenant.
type target struct {
	tenant *core.Tenant
	id     int64
}

// Every contestant meets as many rows, spread over the whole table: what differs is
// whose they are, not how many pages are in the caches.

// pick chooses any tenant, and the one of its rows that is read.
func (f *field) pick(r *rand.Rand) target {
	n := r.IntN(len(f.tenants))
	return f.row(n, n*7919)
}

// own chooses a row of the first tenant.
func (f *field) own(r *rand.Rand) target {
	return f.row(0, r.IntN(len(f.tenants)))
}

// row is a row of tenant n: row i belongs to tenant i modulo their number.
func (f *field) row(n, which int) target {
	each := f.rows / len(f.tenants)
	return target{f.tenants[n], int64(n + len(f.tenants)*(which%each))}
}
