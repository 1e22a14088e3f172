-- +goose Up

-- Whoever changes something, psql too, tells those who have it cached: on the channel
-- stratum_changes, when the change is committed, with the id of the tenant. What is cached of a
-- tenant depends on it and on those above, so the id stands for its whole subtree. A
-- statement that changes many is told as "all".
-- +goose StatementBegin
create function stratum.tell() returns trigger language plpgsql as $$
declare
	ids uuid[] := '{}';
	more uuid[];
	own constant boolean := tg_table_name = 'tenants';
begin
	if tg_op = 'TRUNCATE' then
		perform pg_catalog.pg_notify('stratum_changes', 'all');
		return null;
	end if;
	-- Each statement is planned when it is first executed: one of the two may have no table.
	if tg_op in ('UPDATE', 'DELETE') then
		if own then
			select pg_catalog.array_agg(x.id) into more from (select id from old_rows limit 101) x;
		else
			select pg_catalog.array_agg(x.tenant_id) into more from (select distinct tenant_id from old_rows limit 101) x;
		end if;
		ids := ids || coalesce(more, '{}');
	end if;
	if tg_op in ('INSERT', 'UPDATE') then
		if own then
			select pg_catalog.array_agg(x.id) into more from (select id from new_rows limit 101) x;
		else
			select pg_catalog.array_agg(x.tenant_id) into more from (select distinct tenant_id from new_rows limit 101) x;
		end if;
		ids := ids || coalesce(more, '{}');
	end if;
	if pg_catalog.cardinality(ids) > 100 then
		perform pg_catalog.pg_notify('stratum_changes', 'all');
	else
		perform pg_catalog.pg_notify('stratum_changes', x::text) from pg_catalog.unnest(ids) x;
	end if;
	return null;
end
$$;
-- +goose StatementEnd

-- +goose StatementBegin
do $$
declare
	name text;
begin
	foreach name in array array['tenants', 'tenant_domains'] loop
		execute format('create trigger tell_insert after insert on stratum.%I referencing new table as new_rows
			for each statement execute function stratum.tell()', name);
		execute format('create trigger tell_update after update on stratum.%I referencing old table as old_rows new table as new_rows
			for each statement execute function stratum.tell()', name);
		execute format('create trigger tell_delete after delete on stratum.%I referencing old table as old_rows
			for each statement execute function stratum.tell()', name);
		execute format('create trigger tell_truncate after truncate on stratum.%I
			for each statement execute function stratum.tell()', name);
	end loop;
end
$$;
-- +goose StatementEnd
