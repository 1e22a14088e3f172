package rls_test

import "github.com/stratum-hq/stratum-go/adapters/pgx/rls"

// pair is a schema that has a flaw and one that does not. $app is the application's role.
type pair struct {
	rule   string
	setup  string      // before Protect, for both
	tables []rls.Table // to protect, beside invoice
	flaw   string
	sound  string
	super  bool   // run by a superuser
	roles  bool   // changes roles, which all databases of the server have
	noFix  bool   // there is no SQL for it, with a reason
	object string // in the name of what the flaw is about, if others may have it

	connections int // of CheckConfig
}

const (
	eventLog = "create table event (tenant_id uuid not null, day date not null) partition by list (day); create table event_1 partition of event for values in ('2026-01-01');"
	lines2   = "create table line (id uuid primary key default gen_random_uuid(), invoice uuid);"
)

var (
	eventTable = []rls.Table{{Name: "event"}}
	lineTable  = []rls.Table{{Name: "line"}}
)

var pairs = []pair{
	{rule: "rls_disabled", flaw: "create table t (tenant_id uuid not null)", sound: "create table t (id int)"},
	{rule: "partition_unprotected", setup: eventLog, tables: eventTable, flaw: "create table event_2 partition of event for values in ('2026-01-02')"},
	{rule: "inheritance", flaw: "create table old () inherits (invoice)", sound: "create table old (like invoice)"},
	{rule: "rls_not_forced", flaw: "alter table invoice no force row level security"},
	{rule: "rls_enabled_no_policy", flaw: "create table t (tenant_id uuid not null); alter table t enable row level security, force row level security"},
	{rule: "tenant_column_missing", noFix: true,
		flaw:  "create table t (org uuid); alter table t enable row level security; create policy p on t to $app using (org is not null)",
		sound: "create table t (org uuid)"},
	{rule: "tenant_column_nullable", flaw: "alter table invoice alter tenant_id drop not null"},
	{rule: "tenant_column_type", flaw: "create table t (tenant_id text not null default '')", sound: "create table t (tenant_id uuid not null)"},
	{rule: "tenant_column_default", flaw: "alter table invoice alter tenant_id drop default"},
	{rule: "unprotected_dependent", flaw: "create table line (invoice uuid references invoice); grant select on line to $app", sound: "create table line (invoice uuid references invoice)"},
	{rule: "foreign_table_in_api", super: true,
		flaw:  "create foreign data wrapper w; create server s foreign data wrapper w; create foreign table far (tenant_id uuid) server s; grant select on far to $app",
		sound: "create foreign data wrapper w; create server s foreign data wrapper w; create foreign table far (tenant_id uuid) server s"},
	{rule: "rewrite_rule", flaw: "create rule r as on delete to invoice do also notify gone"},
	{rule: "publication", super: true, flaw: "create publication p for table invoice; create publication q for tables in schema public", sound: "create table t (); create publication p for table t"},
	{rule: "publication", super: true, noFix: true, flaw: "create publication p for all tables"},
	{rule: "sequence_not_granted", setup: "create table t (id bigserial);", flaw: "alter table t add tenant_id uuid not null; grant insert on t to $app",
		sound: "alter table t add tenant_id uuid not null; grant insert on t to $app; grant usage on sequence t_id_seq to $app"},
	{rule: "sequence_settable", setup: "create table t (id bigserial);", tables: []rls.Table{{Name: "t"}}, flaw: "grant update on sequence t_id_seq to $app"},

	{rule: "grant_excess", flaw: "grant truncate, references on invoice to $app"},
	{rule: "grant_option", flaw: "grant select on invoice to $app with grant option; grant update (note) on invoice to $app with grant option", sound: "grant update (note) on invoice to $app"},
	{rule: "grant_to_public", flaw: "grant select (note) on invoice to public; grant insert on invoice to public"},
	{rule: "partition_granted", setup: eventLog, tables: eventTable, flaw: "grant select on event_1 to $app"},
	{rule: "default_privileges", flaw: "alter default privileges grant select on tables to $app; alter default privileges in schema public grant insert on tables to public"},
	{rule: "library_granted", super: true, flaw: "create table secret (); alter table secret owner to stratum_lib; grant select on secret to $app", sound: "create table secret (); alter table secret owner to stratum_lib"},
	{rule: "schema_create", super: true, flaw: "grant create on schema public to $app"},
	{rule: "parameter_granted", super: true, roles: true, flaw: "grant set on parameter session_replication_role to $app", sound: "grant set on parameter log_statement to $app"},

	{rule: "role_bypasses", super: true, roles: true, flaw: "alter role $app bypassrls createrole replication"},
	{rule: "role_bypasses", super: true, roles: true, flaw: "alter role $app superuser", sound: "alter role $app createdb"},
	{rule: "role_member", super: true, roles: true, flaw: "grant pg_execute_server_program, stratum_owner to $app", sound: "create role $app_team; grant $app_team to $app"},
	{rule: "role_member_indirect", super: true, roles: true, flaw: "create role $app_team; grant pg_read_server_files to $app_team; grant $app_team to $app", sound: "create role $app_team; grant $app_team to $app"},
	{rule: "app_owns_table", super: true, roles: true, flaw: "alter table invoice owner to $app"},
	{rule: "owner_bypasses", super: true, flaw: "alter table invoice owner to current_user"},
	{rule: "bypassrls_role", super: true, roles: true, object: "$app_other", flaw: "create role $app_other bypassrls", sound: "create role $app_other"},
	{rule: "role_setting", super: true, roles: true, flaw: "alter role $app set app.current_tenant_id = 'x'; alter role $app set row_security = off", sound: "alter role $app set work_mem = '8MB'"},
	{rule: "large_object_access", super: true, flaw: "select lo_create(4711); grant select on large object 4711 to $app; select lo_create(4712); alter large object 4712 owner to $app", sound: "select lo_create(4711)"},
	{rule: "large_object_compat", super: true, noFix: true, flaw: "set lo_compat_privileges = on"},
	{rule: "large_object_function", flaw: "create function f() returns oid language sql as 'select lo_create(0)'; create function g() returns bytea language sql begin atomic select lo_get(1::oid); end", sound: "create function f() returns text language sql as 'select ''lo''::text'"},
	{rule: "large_object_column", noFix: true, flaw: "create domain lo as oid; alter table invoice add scan lo", sound: "alter table invoice add scan bytea"},

	{rule: "security_definer_view", flaw: "create view v as select * from invoice; create view w as select * from v; grant select on w to $app", sound: "create view v with (security_invoker) as select * from invoice; grant select on v to $app; create view w as select * from invoice"},
	{rule: "materialized_view_in_api", flaw: "create materialized view v as select * from invoice; grant select on v to $app", sound: "create materialized view v as select * from invoice"},
	{rule: "view_definer_function", flaw: definer + "create view v with (security_invoker) as select f(); grant select on v to $app", sound: definer + "create view v as select f()"},
	{rule: "view_without_barrier", flaw: "create view v with (security_invoker) as select * from invoice where no > 1; grant select on v to $app", sound: "create view v with (security_invoker) as select * from invoice; grant select on v to $app"},
	{rule: "security_definer_bypass", super: true, flaw: definer, sound: definer + "revoke execute on function f from public"},
	{rule: "security_definer_function", flaw: definer, sound: "create function f() returns bigint language sql as 'select count(*) from public.invoice'"},
	{rule: "security_definer_function", flaw: "create procedure f(what text) language plpgsql security definer as 'begin execute what; end'", sound: "create function f() returns int language sql security definer as 'select 1'"},
	{rule: "function_search_path_mutable", flaw: "create function f() returns int language sql security definer as 'select 1'", sound: definer},
	{rule: "function_pg_temp_first", flaw: "create function f() returns int language sql security definer set search_path = public, pg_catalog as 'select 1'", sound: definer},
	{rule: "leakproof_function", super: true, flaw: "create function f(int) returns boolean language sql immutable leakproof as 'select true'", sound: "create function f(int) returns boolean language sql immutable as 'select true'"},
	{rule: "trigger_definer", flaw: trigger + "alter function touch() security definer", sound: trigger},
	{rule: "trigger_disabled", super: true, setup: lines2, tables: lineTable, flaw: lineKey + "; alter table line disable trigger all", sound: lineKey},

	{rule: "fk_without_tenant", setup: lines2, tables: lineTable, flaw: "alter table line add foreign key (invoice) references invoice on delete set null deferrable", sound: lineKey},
	{rule: "fk_nulls_tenant", setup: lines2, tables: lineTable, flaw: lineKey + " on delete set null", sound: lineKey + " on delete set null (invoice)"},
	{rule: "fk_not_valid", setup: lines2, tables: lineTable, flaw: lineKey + " not valid", sound: lineKey},
	{rule: "fk_orphans", super: true, noFix: true, setup: lines2, tables: lineTable, flaw: lineKey + "; set session_replication_role = replica; insert into line (tenant_id, invoice) values (gen_random_uuid(), gen_random_uuid())",
		sound: lineKey + "; insert into line (tenant_id) values (gen_random_uuid())"},
	{rule: "unique_without_tenant", flaw: "alter table invoice add unique (no); create unique index on invoice (lower(note)) where no > 1", sound: "alter table invoice add unique (tenant_id, no)"},
	{rule: "surrogate_key_without_tenant", sound: "alter table invoice drop constraint invoice_pkey"},
	{rule: "exclusion_without_tenant", flaw: "alter table invoice add exclude using btree (no with =)", sound: "alter table invoice add exclude using btree (tenant_id with =, no with =)"},
	{rule: "no_tenant_index", flaw: "create table t (id int, tenant_id uuid not null)", sound: "create table t (id int, tenant_id uuid not null, primary key (tenant_id, id))"},
	{rule: "unindexed_foreign_keys", setup: lines2, tables: lineTable, flaw: lineKey, sound: lineKey + "; create index on line (tenant_id, invoice)"},

	{rule: "index_not_leakproof", flaw: "create index on invoice (tenant_id, lower(note) desc)", sound: "create index on invoice (tenant_id, note)"},
	{rule: "index_not_leakproof", flaw: "create unique index on invoice (tenant_id, lower(note), no); create index on invoice (note text_pattern_ops); create index on invoice ((no + 1)) include (note) where no > 0", sound: "create index on invoice (tenant_id, (coalesce(note, '')))"},
	{rule: "index_not_leakproof", noFix: true, flaw: "alter table invoice add doc jsonb; create index on invoice using gin (doc); create index on invoice using gin (to_tsvector('simple', note))"},
	{rule: "index_type_not_leakproof", noFix: true, flaw: "alter table invoice add amount numeric, add tags text[]; create index on invoice (tenant_id, amount); create index on invoice (tenant_id, tags)",
		sound: "alter table invoice add amount bigint, add due timestamptz; create index on invoice (tenant_id, amount, due)"},

	{rule: "connection_budget", super: true, roles: true, connections: 9, flaw: "alter role $app connection limit 8", sound: "alter role $app connection limit 9"},
	{rule: "connection_budget", super: true, connections: 9, flaw: limited + " connection limit 8', current_database()); end $$", sound: limited + " connection limit 9', current_database()); end $$"},
	{rule: "schemas_per_connection", super: true, roles: true, noFix: true, connections: 100_000, flaw: tenantSchema + "grant usage on schema w to $app_w", sound: tenantSchema},
	{rule: "tenants_behind", super: true, noFix: true, flaw: fleet + "insert into stratum.fleet values (gen_random_uuid(), 1)", sound: fleet},
}

const (
	// 18 KB of each of three tables, 100,000 times, are more than 4 GB; of one they are not.
	tenantSchema = "create role $app_w; grant $app_w to $app; create schema w; create table w.a (); create table w.b ();"
	definer      = "create function f() returns bigint language sql security definer set search_path = pg_catalog, pg_temp as 'select count(*) from public.invoice';"
	trigger      = "create function touch() returns trigger language plpgsql as 'begin return new; end'; create trigger t before insert on invoice for each row execute function touch();"
	limited      = "do $$ begin execute format('alter database %I"
	fleet        = "create schema stratum; create table stratum.fleet (tenant_id uuid primary key, version bigint not null); insert into stratum.fleet select gen_random_uuid(), 2 from generate_series(1, 3);"
	lineKey      = "alter table line add foreign key (tenant_id, invoice) references invoice (tenant_id, id)"
)
