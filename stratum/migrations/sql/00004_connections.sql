-- +goose Up

-- Where tenants' own databases are. The strings are sealed, each for its row and column, and
-- are in no other table.
create table stratum.connections (
	key text collate "C" primary key check (key ~ '^[A-Za-z0-9_.-]{1,63}(/[A-Za-z0-9_.-]{1,63})?$'),
	dsn text not null,
	replica text not null default '', -- empty: there is none
	version bigint not null default 1, -- counts how often it was set
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now()
);

-- A connection is no tenant's: what happens to it is recorded without one.
alter table stratum.audit_log alter tenant_id drop not null;
alter table stratum.events alter tenant_id drop not null;
