-- +goose Up

-- The versions of the application's migrations in all places that provisioning made. It is
-- written with the tenant and after each migration, so that one query tells who is behind;
-- what is true is goose_db_version in the place itself, from which an entry is corrected.
create table stratum.fleet (
	tenant_id uuid primary key references stratum.tenants (id) on delete cascade,
	version bigint not null check (version >= 0),
	migrated_at timestamptz not null default now()
);

create index fleet_version on stratum.fleet (version, tenant_id);

-- Places made before: nobody knows their versions, so the first Migrate looks into each. A
-- name that provisioning made ends with the tenant's id; what was made by hand is left out.
insert into stratum.fleet (tenant_id, version)
select id, 0 from stratum.tenants
where strategy <> 'SHARED_RLS'
	and right(schema_name || database_key, 33) = '_' || replace(id::text, '-', '');
