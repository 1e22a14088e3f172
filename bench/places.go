package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// ownRows is how many rows a tenant with a schema or a database of its own has.
const ownRows = 1000

// ownTable is the table of such a tenant.
var ownTable = fmt.Sprintf(`create table item (id bigint primary key, body text not null);
	insert into item select i, 'body of ' || i from generate_series(0, %d) i;`, ownRows-1)

// placed are tenants of one strategy.
type placed struct {
	name      string
	tenants   []*core.Tenant
	databases stratumpgx.StaticDatabases
	tight     bool // only a quarter of the databases may be open at once
}

// places are all that have one of their own.
type places struct{ schemas, databases placed }

// settle makes the schemas and the databases.
func (f *field) settle(ctx context.Context, o options) (p places, err error) {
	super, err := pgx.Connect(ctx, f.server.URL(embedpg.Superuser, database))
	if err != nil {
		return p, err
	}
	defer super.Close(ctx)
	p.schemas = placed{name: string(core.SchemaPerTenant)}
	for i := range o.schemas {
		name := fmt.Sprintf("bench_%d", i)
		if _, err := super.Exec(ctx, fmt.Sprintf(`create role %[1]s; grant %[1]s to stratum_app; create schema %[1]s; grant usage on schema %[1]s to %[1]s;
			set search_path = %[1]s; %[2]s grant select on item to %[1]s; reset search_path`, name, ownTable)); err != nil {
			return p, err
		}
		p.schemas.tenants = append(p.schemas.tenants, &core.Tenant{ID: core.NewID(), Status: core.Active,
			Placement: core.Placement{Strategy: core.SchemaPerTenant, Schema: name, Role: name}})
	}
	p.databases = placed{name: string(core.DatabasePerTenant), databases: stratumpgx.StaticDatabases{}}
	if err := f.fillTemplate(ctx); err != nil {
		return p, err
	}
	for i := range o.databases {
		name := fmt.Sprintf("bench_%d", i)
		if err := f.server.CreateDatabase(ctx, name, template); err != nil {
			return p, err
		}
		p.databases.databases[name] = core.NewSecret(f.server.TCPURL(embedpg.App, name) + "&application_name=" + oursIs)
		p.databases.tenants = append(p.databases.tenants, &core.Tenant{ID: core.NewID(), Status: core.Active,
			Placement: core.Placement{Strategy: core.DatabasePerTenant, Database: name}})
	}
	return p, nil
}

// template is the database that those of tenants are copies of.
const template = "bench_template"

func (f *field) fillTemplate(ctx context.Context) error {
	if err := f.server.CreateDatabase(ctx, template, ""); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, f.server.URL(embedpg.Owner, template))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, ownTable+"grant select on item to stratum_app")
	return err
}

// placed are the rows of the table: each strategy by the number of its tenants, and
// databases that have to give way to each other.
func (f *field) placed(p places) (ways []placed) {
	for _, all := range []placed{{name: string(core.SharedRLS), tenants: f.tenants}, p.schemas, p.databases} {
		for _, n := range sizes(len(all.tenants), 100) {
			some := all
			some.tenants = all.tenants[:n]
			ways = append(ways, some)
		}
	}
	tight := p.databases
	tight.name, tight.tight = tight.name+", a quarter open", true
	return append(ways, tight)
}

// sizes are the powers of a number below n, and n.
func sizes(n, power int) (list []int) {
	for i := 1; i < n; i *= power {
		list = append(list, i)
	}
	if n > 0 {
		list = append(list, n)
	}
	return list
}
