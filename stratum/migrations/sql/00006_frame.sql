-- +goose Up

-- UUIDv7 (RFC 9562, section 5.7): 48 bits of milliseconds, the rest random. PostgreSQL has
-- one of its own from 18 on.
-- +goose StatementBegin
create function stratum.new_id() returns uuid language sql volatile parallel safe
return encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
	placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
	from 1 for 6), 52, 1), 53, 1), 'hex')::uuid;
-- +goose StatementEnd

-- Who did it, and from where; what it was of.
alter table stratum.audit_log
	add column seq bigint generated always as identity,
	add column actor_type text not null default 'system',
	add column request_id text,
	add column source_ip inet,
	add column resource_type text not null default 'tenant',
	add column resource_id text;

alter table stratum.events add column seq bigint generated always as identity;

-- Changes that were asked for with an idempotency key: each is made once. What is kept is
-- what the change was of, so that a repetition can be answered.
create table stratum.idempotency (
	actor_type text not null,
	actor text not null,
	key text not null check (octet_length(key) between 1 and 255),
	action text not null,
	fingerprint bytea not null,
	resources text[] not null,
	created_at timestamptz not null default now(),
	primary key (actor_type, actor, key)
);

create index idempotency_created_at on stratum.idempotency (created_at);
