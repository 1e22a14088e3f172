-- +goose Up

-- Places that were made ahead of the tenants that will have them. A spare has the id of that
-- tenant already, so that its names are those of any other place. It is taken in the
-- transaction that inserts the tenant. While it is being made or removed it is an entry of
-- stratum.provisioning and not of this table.
create table stratum.spares (
	id uuid primary key,
	strategy text not null check (strategy in ('SCHEMA_PER_TENANT', 'DB_PER_TENANT')),
	schema_name text not null,
	role_name text not null,
	database_key text not null,
	-- What it was made of. One of another revision has other tables.
	revision text not null,
	version bigint not null,
	created_at timestamptz not null default now()
);

create index spares_strategy on stratum.spares (strategy, revision, id);
