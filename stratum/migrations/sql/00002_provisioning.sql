-- +goose Up

-- The journal of schemas, roles and databases that are being made or removed. An entry is
-- committed before the first of them is made, and goes in the transaction that inserts the
-- tenant; it comes in the transaction that deletes the tenant, and goes after the last of
-- them is removed. So what it names belongs to no tenant, and if nobody is at work on it
-- any more, which an advisory lock tells, it is to be removed.
create table stratum.provisioning (
	tenant_id uuid primary key,
	strategy text not null check (strategy in ('SCHEMA_PER_TENANT', 'DB_PER_TENANT')),
	schema_name text not null,
	role_name text not null,
	database_key text not null,
	created_at timestamptz not null default now()
);
