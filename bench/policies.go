package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/embedpg"
)

// form is a way to write the predicate of a policy; the empty predicate is none: no
// row-level security, and a literal in the query.
type form struct{ name, predicate string }

// installed is what Protect installs, beside what others write.
const installed = `tenant_id = (select nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid)`

var forms = []form{
	{"a literal, no row-level security", ""},
	{"(select current_setting), as installed", installed},
	{"current_setting, not in a select", `tenant_id = nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid`},
	{"plpgsql function, not in a select", `tenant_id = current_tenant()`},
	{"(select plpgsql function)", `tenant_id = (select current_tenant())`},
	{"the column as text", `tenant_id::text = pg_catalog.current_setting('app.current_tenant_id', true)`},
	{"as installed, or a bypass", installed + ` or (select pg_catalog.current_setting('app.bypass', true) = 'on')`},
}

const policyFunction = `
create function current_tenant() returns uuid language plpgsql stable parallel safe
	as $$ begin return nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid; end $$`

// task is what is timed under each form. %s is the table and, for a literal, the filter.
type task struct{ name, scan, query string }

var tasks = []task{
	{"count own rows", "on", "select count(*) from %s"},
	{"scan the table", "off", "select count(*) from %s"},
	{"last 50", "on", "select id from %s order by id desc limit 50"},
}

// search is a predicate with an index of its own that row-level security may make useless.
type search struct{ name, predicate string }

var searches = []search{
	{"text =", `email = 'user77@example.com'`},
	{"lower(text) =", `lower(email) = 'user77@example.com'`},
	{"generated column of lower(text)", `email_lower = 'user77@example.com'`},
	{"text like 'prefix%'", `email like 'user77@%'`},
	{"text ^@ prefix", `email ^@ 'user77@'`},
	{"numeric =", `amount = 77.5`},
	{"jsonb @>", `attrs @> '{"n": 77}'`},
	{"tsvector @@", `words @@ to_tsquery('simple', 'w77')`},
	{"array @>", `tags @> array['t77']`},
}

const searchTables = `
set role stratum_owner;
create table doc (
	id bigint primary key, tenant_id uuid not null, email text not null,
	email_lower text generated always as (lower(email)) stored,
	amount numeric not null, attrs jsonb not null, words tsvector not null, tags text[] not null
);
insert into doc (id, tenant_id, email, amount, attrs, words, tags)
select i, case when i %% 5 < 2 then '00000000-0000-7000-8000-000000000001'
	else ('00000000-0000-7000-8000-' || lpad(to_hex(i %% %[2]d + 1), 12, '0'))::uuid end,
	'user' || i || '@example.com', i + 0.5, jsonb_build_object('n', i), to_tsvector('simple', 'w' || i), array['t' || i]
from generate_series(0, %[1]d - 1) i;
create table doc_plain (like doc including all);
insert into doc_plain (id, tenant_id, email, amount, attrs, words, tags) select id, tenant_id, email, amount, attrs, words, tags from doc;
do $$ declare t text; begin
	foreach t in array array['doc', 'doc_plain'] loop
		execute format('create index on %%1$I (tenant_id, email); create index on %%1$I (tenant_id, email_lower); create index on %%1$I (lower(email));
			create index on %%1$I (email text_pattern_ops); create index on %%1$I (tenant_id, amount); create index on %%1$I (amount);
			create index on %%1$I using gin (attrs); create index on %%1$I using gin (words); create index on %%1$I using gin (tags)', t);
	end loop;
end $$;
alter table doc enable row level security;
alter table doc force row level security;
create policy stratum_select on doc for select to stratum_app using (` + installed + `);
grant select on doc, doc_plain to stratum_app;
reset role;
vacuum analyze doc, doc_plain;`

// policies prints what forms of policy cost, and which indexes they take away.
func policies(ctx context.Context, o options, stdout, stderr io.Writer) error {
	fmt.Fprintf(stderr, "policies: filling %d rows\n", o.rows)
	f, err := newField(ctx, o)
	if err != nil {
		return err
	}
	defer f.close()
	super, err := pgx.Connect(ctx, f.server.URL(embedpg.Superuser, database))
	if err != nil {
		return err
	}
	defer super.Close(ctx)
	app, err := pgx.Connect(ctx, f.server.URL(embedpg.App, database))
	if err != nil {
		return err
	}
	defer app.Close(ctx)
	if _, err := super.Exec(ctx, policyFunction); err != nil {
		return err
	}
	if _, err := app.Exec(ctx, "set app.current_tenant_id = '"+f.tenants[0].ID.String()+"'"); err != nil {
		return err
	}
	if err := f.policyForms(ctx, super, app, stdout); err != nil {
		return err
	}
	for _, sql := range splitLast(fmt.Sprintf(searchTables, o.rows, o.tenants)) {
		if _, err := super.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return f.searches(ctx, app, stdout)
}

// policyForms times each task under each form.
func (f *field) policyForms(ctx context.Context, super, app *pgx.Conn, stdout io.Writer) error {
	fmt.Fprintf(stdout, "\nforms of policy, %d rows of %d tenants; time by that of a literal, median of %d\n\n", f.rows, len(f.tenants), f.rounds)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\t")
	for _, task := range tasks {
		fmt.Fprintf(t, "%s\t", task.name)
	}
	fmt.Fprintln(t)
	base := make([]float64, len(tasks))
	for i, form := range forms {
		from := "plain where tenant_id = '" + f.tenants[0].ID.String() + "'"
		if form.predicate != "" {
			from = "item"
			if _, err := super.Exec(ctx, "alter policy stratum_select on item using ("+form.predicate+")"); err != nil {
				return err
			}
		}
		fmt.Fprintf(t, "%s\t", form.name)
		for j, task := range tasks {
			if _, err := app.Exec(ctx, fmt.Sprintf("set enable_indexscan = %[1]s; set enable_bitmapscan = %[1]s; set enable_indexonlyscan = %[1]s", task.scan)); err != nil {
				return err
			}
			took, err := timed(ctx, app, fmt.Sprintf(task.query, from), f.rounds)
			if err != nil {
				return err
			}
			if i == 0 {
				base[j] = took
			}
			fmt.Fprintf(t, "%.2f\t", took/base[j])
		}
		fmt.Fprintln(t)
	}
	if _, err := app.Exec(ctx, "reset enable_indexscan; reset enable_bitmapscan; reset enable_indexonlyscan"); err != nil {
		return err
	}
	return t.Flush()
}

// searches times each search with and without row-level security.
func (f *field) searches(ctx context.Context, app *pgx.Conn, stdout io.Writer) error {
	fmt.Fprintf(stdout, "\nsearches in a tenant that has two fifths of %d rows; milliseconds, median of %d\n\n", f.rows, f.rounds)
	t := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tRLS\twithout\tratio\t")
	for _, s := range searches {
		with, err := timed(ctx, app, "select count(*) from doc where "+s.predicate, f.rounds)
		if err != nil {
			return err
		}
		without, err := timed(ctx, app, "select count(*) from doc_plain where tenant_id = '"+f.tenants[0].ID.String()+"' and "+s.predicate, f.rounds)
		if err != nil {
			return err
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.1f\t\n", s.name, with/1e6, without/1e6, with/without)
	}
	return t.Flush()
}

// timed is the median of how long a query takes, in nanoseconds, after one run that does not count.
func timed(ctx context.Context, conn *pgx.Conn, query string, runs int) (float64, error) {
	var took []float64
	for i := range min(runs, 25) + 1 {
		start := time.Now()
		if _, err := conn.Exec(ctx, query); err != nil {
			return 0, fmt.Errorf("%s: %w", query, err)
		}
		if i > 0 {
			took = append(took, float64(time.Since(start).Nanoseconds()))
		}
	}
	return median(took), nil
}
