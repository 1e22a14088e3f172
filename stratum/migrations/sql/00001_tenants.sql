-- +goose Up

-- The tree of tenants. A row is found by id, by slug, or by a domain below.
create table stratum.tenants (
	id uuid primary key,
	parent_id uuid references stratum.tenants (id),
	-- The ids above, root first, parent last. It is stored, although parent_id alone would do,
	-- because every request needs it to decide whether one tenant lies within another: with it a
	-- tenant is one row and one index probe, without it a recursive query. Ancestors change only
	-- when a tenant is moved, which rewrites them for the subtree in one UPDATE.
	ancestors uuid[] not null default '{}'
		check (cardinality(ancestors) <= 20 and array_position(ancestors, null) is null),
	slug text collate "C" not null unique check (slug ~ '^[a-z][a-z0-9_]{0,62}$'),
	name text not null check (char_length(name) between 1 and 255),
	status text not null default 'active' check (status in ('active', 'suspended', 'archived')),
	strategy text not null default 'SHARED_RLS'
		check (strategy in ('SHARED_RLS', 'SCHEMA_PER_TENANT', 'DB_PER_TENANT')),
	schema_name text not null default '' check (octet_length(schema_name) <= 63),
	role_name text not null default '' check (octet_length(role_name) <= 63),
	database_key text not null default '',
	region text not null default '',
	statement_timeout_ms int not null default 0 check (statement_timeout_ms >= 0),
	max_concurrency int not null default 0 check (max_concurrency >= 0),
	created_at timestamptz not null default now(),
	updated_at timestamptz not null default now(),
	check (parent_id is not distinct from ancestors[cardinality(ancestors)]),
	check (id <> all (ancestors))
);

create index tenants_parent_id on stratum.tenants (parent_id, status) where parent_id is not null;
create index tenants_status on stratum.tenants (status, id);

-- Custom domains: lower case, no port. One domain means one tenant.
create table stratum.tenant_domains (
	domain text collate "C" primary key check (domain = lower(domain) and octet_length(domain) between 1 and 253),
	tenant_id uuid not null references stratum.tenants (id) on delete cascade
);

create index tenant_domains_tenant_id on stratum.tenant_domains (tenant_id);

-- Who did what. No foreign key: the record outlives what it tells of.
create table stratum.audit_log (
	id uuid primary key,
	tenant_id uuid not null,
	actor text not null,
	action text not null,
	before jsonb,
	after jsonb,
	created_at timestamptz not null default now()
);

create index audit_log_tenant_id on stratum.audit_log (tenant_id, id);

-- What happened, for those who are to be told.
create table stratum.events (
	id uuid primary key,
	tenant_id uuid not null,
	type text not null,
	data jsonb not null,
	created_at timestamptz not null default now()
);

create index events_tenant_id on stratum.events (tenant_id, id);
