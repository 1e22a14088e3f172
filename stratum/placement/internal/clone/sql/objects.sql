-- What is in the schema $1: a row for each thing that is made by itself, with the statements
-- that make it, and the place in which it stands where nothing that it needs says otherwise.
-- The class is 0 for what is no entry of a catalog. The search_path is the schema alone.
with
members as (
	select classid, objid from pg_depend where refclassid = 'pg_namespace'::regclass and refobjid = $1
),
relations as (
	select c.*, format('%I', c.relname) as name, am.amname,
		coalesce((select format(' tablespace %I', s.spcname) from pg_tablespace s where s.oid = c.reltablespace), '') as tablespace,
		coalesce(' with (' || array_to_string(c.reloptions || (
			select array_agg('toast.' || o) from pg_class x, unnest(x.reloptions) o where x.oid = c.reltoastrelid), ', ') || ')', '') as options
	from members m join pg_class c on c.oid = m.objid left join pg_am am on am.oid = c.relam
	where m.classid = 'pg_class'::regclass
),
sequences as (
	select s.*, r.name, r.relpersistence, own.deptype, own.refobjid as of_table, own.refobjsubid as of_column,
		format('increment %s minvalue %s maxvalue %s start %s cache %s %s', s.seqincrement, s.seqmin, s.seqmax, s.seqstart, s.seqcache,
			case when s.seqcycle then 'cycle' else 'no cycle' end) as numbers
	from relations r join pg_sequence s on s.seqrelid = r.oid
	left join pg_depend own on own.classid = 'pg_class'::regclass and own.objid = r.oid
		and own.refclassid = 'pg_class'::regclass and own.deptype in ('a', 'i')
),
columns as (
	select a.*, r.name as relation, r.relkind, format('%I', a.attname) as name, y.typstorage, y.typnamespace, d.oid as default_oid,
		pg_get_expr(d.adbin, d.adrelid) as expression, s.name as sequence, s.numbers, format_type(a.atttypid, a.atttypmod)
			|| coalesce((select ' collate ' || c.oid::regcollation from pg_collation c where c.oid = a.attcollation and c.oid <> y.typcollation), '') as type
	from relations r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
	join pg_type y on y.oid = a.atttypid
	left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
	left join sequences s on s.deptype = 'i' and s.of_table = a.attrelid and s.of_column = a.attnum
	where r.relkind in ('r', 'v', 'm')
),
elements as ( -- of a table's definition
	select attrelid, attnum, name || ' ' || type
		|| case attcompression when 'l' then ' compression lz4' when 'p' then ' compression pglz' else '' end
		|| case attgenerated when 's' then format(' generated always as (%s) stored', expression) when 'v' then format(' generated always as (%s)', expression) else '' end
		|| case when attidentity <> '' then format(' generated %s as identity (sequence name %s %s)',
			case attidentity when 'a' then 'always' else 'by default' end, sequence, numbers) else '' end
		|| coalesce((select case when convalidated then format(' constraint %I not null', conname) || case when connoinherit then ' no inherit' else '' end else '' end
			from pg_constraint where conrelid = attrelid and contype = 'n' and conkey = array[attnum]), case when attnotnull then ' not null' else '' end) as element
	from columns where relkind = 'r'
),
settings as ( -- of columns
	select attrelid, format('alter table %s alter column %s set %s', relation, name, what) as sql
	from columns cross join lateral (
		select 'storage ' || case attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end where attstorage <> typstorage
		union all select 'statistics ' || attstattarget where attstattarget >= 0
		union all select '(' || array_to_string(attoptions, ', ') || ')' where attoptions is not null
	) as s (what) where relkind <> 'v'
),
indexes as (
	select i.indexrelid, r.relkind, c.relname, k.oid as key, array(
		select format('alter index %I set (%s)', c.relname, array_to_string(c.reloptions, ', ')) where k.oid is not null and c.reloptions is not null
		union all select format('alter index %I alter column %s set statistics %s', c.relname, attnum, attstattarget)
			from pg_attribute where attrelid = c.oid and attstattarget >= 0
		union all select format('alter index %I set tablespace %I', c.relname, spcname) from pg_tablespace s where s.oid = c.reltablespace
		union all select format('alter table %s cluster on %I', r.name, c.relname) where i.indisclustered
		union all select format('alter table %s replica identity using index %I', r.name, c.relname) where i.indisreplident
		union all select format('comment on index %I is %L', c.relname, obj_description(c.oid, 'pg_class')) where k.oid is not null and obj_description(c.oid, 'pg_class') is not null
	) as settings
	from relations r join pg_index i on i.indrelid = r.oid join pg_class c on c.oid = i.indexrelid
	left join pg_constraint k on k.conrelid = r.oid and k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x')
	where i.indisvalid
),
objects (class, id, place, what, sql) as (
	select 'pg_proc'::regclass, p.oid, 1, kind || ' ' || signature, array[
		regexp_replace(pg_get_functiondef(p.oid), '^CREATE OR REPLACE (FUNCTION|PROCEDURE) ("([^"]|"")*"|[^".(]+)\.', 'CREATE \1 '),
		format(case when exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) x where x.grantee = 0)
			then 'grant execute on %s %s to public' else 'revoke execute on %s %s from public' end, kind, signature)]
	from members m join pg_proc p on p.oid = m.objid cross join lateral (
		select case p.prokind when 'p' then 'procedure' else 'function' end, format('%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid))
	) as f (kind, signature) where m.classid = 'pg_proc'::regclass
	union all
	select 'pg_type'::regclass, t.oid, 2, format('type %I', t.typname), array[format('create type %I as ', t.typname) || case t.typtype
		when 'e' then format('enum (%s)', (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid))
		else format('(%s)', (select string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
				|| coalesce((select ' collate ' || c.oid::regcollation from pg_collation c join pg_type y on y.oid = a.atttypid
					where c.oid = a.attcollation and c.oid <> y.typcollation), ''), ', ' order by a.attnum)
			from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped)) end]
	from members m join pg_type t on t.oid = m.objid where m.classid = 'pg_type'::regclass and t.typtype in ('e', 'c')
	union all
	select 'pg_type'::regclass, t.oid, 2, format('domain %I', t.typname), array[format('create domain %I as %s', t.typname, format_type(t.typbasetype, t.typtypmod))
		|| coalesce((select ' collate ' || c.oid::regcollation from pg_collation c join pg_type b on b.oid = t.typbasetype where c.oid = t.typcollation and c.oid <> b.typcollation), '')
		|| coalesce(' default ' || coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)), '')
		|| case when t.typnotnull then coalesce((select format(' constraint %I', conname) from pg_constraint where contypid = t.oid and contype = 'n'), '') || ' not null' else '' end
		|| coalesce((select string_agg(format(' constraint %I %s', conname, pg_get_constraintdef(oid, true)), '' order by conname) from pg_constraint where contypid = t.oid and contype = 'c' and convalidated), '')]
		|| array(select format('comment on constraint %I on domain %I is %L', conname, t.typname, d)
			from pg_constraint k, obj_description(k.oid, 'pg_constraint') d where contypid = t.oid and (contype = 'n' or convalidated) and d is not null)
	from members m join pg_type t on t.oid = m.objid where m.classid = 'pg_type'::regclass and t.typtype = 'd'
	union all
	select 'pg_constraint'::regclass, k.oid, 3, format('constraint %I on domain %I', k.conname, t.typname),
		array[format('alter domain %I add constraint %I %s', t.typname, k.conname, pg_get_constraintdef(k.oid, true))]
	from members m join pg_type t on t.oid = m.objid join pg_constraint k on k.contypid = t.oid
	where m.classid = 'pg_type'::regclass and k.contype = 'c' and not k.convalidated
	union all
	select 'pg_class'::regclass, r.oid, 4, 'table ' || r.name, array[format('create %s table %s (%s) using %I', case relpersistence when 'u' then 'unlogged' else '' end,
			r.name, (select string_agg(element, ', ' order by attnum) from elements where attrelid = r.oid), r.amname) || r.options || r.tablespace]
		|| array(select sql from settings where attrelid = r.oid)
		|| case r.relreplident when 'f' then array[format('alter table %s replica identity full', r.name)]
			when 'n' then array[format('alter table %s replica identity nothing', r.name)] else '{}' end
		|| array(select format('comment on constraint %I on %s is %L', conname, r.name, d)
			from pg_constraint k, obj_description(k.oid, 'pg_constraint') d where conrelid = r.oid and contype = 'n' and convalidated and d is not null)
	from relations r where r.relkind = 'r'
	union all
	select 'pg_class'::regclass, s.seqrelid, 5, 'sequence ' || s.name, array[format('create %s sequence %s as %s %s', case s.relpersistence when 'u' then 'unlogged' else '' end,
			s.name, format_type(s.seqtypid, null), s.numbers)] || array(
		select format('alter sequence %s owned by %s.%s', s.name, c.relation, c.name) from columns c where c.attrelid = s.of_table and c.attnum = s.of_column)
	from sequences s where s.deptype is distinct from 'i'
	union all
	select 'pg_attrdef'::regclass, default_oid, 6, format('default of %s.%s', relation, name),
		array[format('alter table %s alter column %s set default %s', relation, name, expression)]
	from columns where expression is not null and attgenerated = ''
	union all -- Types of the template are others than those of the copy.
	select 0, r.oid, 7, 'rows of ' || r.name, array[format('insert into %s %s overriding system value select %s from %I.%s', r.name, '(' || string_agg(c.name, ', ') || ')',
		string_agg(c.name || case when c.typnamespace = $1 then '::text::' || c.type else '' end, ', '), (select nspname from pg_namespace where oid = $1), r.name)]
	from relations r left join columns c on c.attrelid = r.oid and c.attgenerated = '' where r.relkind = 'r' group by r.oid, r.name
	union all
	select 0, seqrelid, 7, 'value of ' || name, array[format('select setval(%L, last_value, is_called) from %I.%s', name, (select nspname from pg_namespace where oid = $1), name)]
		|| array(select format('comment on sequence %s is %L', name, d) from obj_description(seqrelid, 'pg_class') d where deptype = 'i' and d is not null)
	from sequences
	union all
	select 'pg_constraint'::regclass, k.oid, case k.contype when 'f' then 9 else 8 end, format('constraint %I on %s', k.conname, r.name),
		array[format('alter table %s add constraint %I %s', r.name, k.conname, pg_get_constraintdef(k.oid, true))]
			|| coalesce((select settings from indexes where key = k.oid), '{}')
	from relations r join pg_constraint k on k.conrelid = r.oid
	where r.relkind = 'r' and (k.contype in ('p', 'u', 'x', 'c', 'f') or k.contype = 'n' and not k.convalidated)
	union all
	select 'pg_class'::regclass, indexrelid, 8, format('index %I', relname), array[pg_get_indexdef(indexrelid, 0, true)] || settings from indexes where key is null
	union all
	select 'pg_class'::regclass, r.oid, 10, 'view ' || r.name, array[format('create view %s%s as %s', r.name, r.options, pg_get_viewdef(r.oid))] from relations r where r.relkind = 'v'
	union all
	select 'pg_class'::regclass, r.oid, 11, 'materialized view ' || r.name, array[format('create materialized view %s using %I%s%s as %s%s', r.name, r.amname, r.options, r.tablespace,
			rtrim(pg_get_viewdef(r.oid), ';'), case when r.relispopulated then '' else ' with no data' end)] || array(select sql from settings where attrelid = r.oid)
	from relations r where r.relkind = 'm'
	union all
	select 'pg_statistic_ext'::regclass, s.oid, 12, format('statistics %I', s.stxname),
		array[regexp_replace(pg_get_statisticsobjdef(s.oid), '^CREATE STATISTICS ("([^"]|"")*"|[^". (]+)\.', 'CREATE STATISTICS ')]
			|| array(select format('alter statistics %I set statistics %s', s.stxname, s.stxstattarget) where s.stxstattarget >= 0)
	from members m join pg_statistic_ext s on s.oid = m.objid where m.classid = 'pg_statistic_ext'::regclass
	union all
	select 'pg_rewrite'::regclass, w.oid, 12, format('rule %I on %s', w.rulename, r.name), array[pg_get_ruledef(w.oid, true)]
		|| array(select format('alter table %s %s rule %I', r.name, how, w.rulename) from (values ('D', 'disable'), ('R', 'enable replica'), ('A', 'enable always')) e (c, how) where c = w.ev_enabled::text)
	from relations r join pg_rewrite w on w.ev_class = r.oid where w.rulename <> '_RETURN'
	union all
	select 'pg_trigger'::regclass, g.oid, 12, format('trigger %I on %s', g.tgname, r.name), array[pg_get_triggerdef(g.oid, true)]
		|| array(select format('alter table %s %s trigger %I', r.name, how, g.tgname) from (values ('D', 'disable'), ('R', 'enable replica'), ('A', 'enable always')) e (c, how) where c = g.tgenabled::text)
	from relations r join pg_trigger g on g.tgrelid = r.oid where not g.tgisinternal
	union all
	select 'pg_policy'::regclass, p.oid, 12, format('policy %I on %s', p.polname, r.name), array[format('create policy %I on %s as %s for %s to %s', p.polname, r.name,
			case when p.polpermissive then 'permissive' else 'restrictive' end,
			case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
			(select string_agg(case x when 0 then 'public' else quote_ident(pg_get_userbyid(x)) end, ', ') from unnest(p.polroles) x))
		|| coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '') || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')]
	from relations r join pg_policy p on p.polrelid = r.oid
	union all -- From here on the rows can be hidden.
	select 0, r.oid, 13, 'row-level security of ' || r.name, array(select format('alter table %s enable row level security', r.name) where r.relrowsecurity
		union all select format('alter table %s force row level security', r.name) where r.relforcerowsecurity)
	from relations r where r.relrowsecurity or r.relforcerowsecurity
)
select o.class::oid, o.id, o.place, o.what, o.sql, array(
		select format('comment on %s is %L', o.what, description) from pg_description where classoid = o.class and objoid = o.id and objsubid = 0
	) || array(
		select format('comment on column %I.%I is %L', c.relname, a.attname, d.description)
		from pg_class c join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = c.oid
		join pg_attribute a on a.attrelid = c.oid and a.attnum = d.objsubid
		where c.oid = case o.class when 'pg_class'::regclass then o.id when 'pg_type'::regclass then (select typrelid from pg_type where oid = o.id) end)
from objects o order by o.place, o.what
