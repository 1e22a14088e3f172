{{/* The tables that Maintain works on: those of $1, else all that the current role owns, with their
     partitions, if they are protected; and behind them the tables that foreign keys tie to them,
     since a key can be checked only while both of its tables can be read. */}}
{{define "catalog"}}with recursive named as (
  select c.oid as rel from pg_class c where $1::oid[] is null or c.oid = any ($1)
  union
  select i.inhrelid from named n join pg_class p on p.oid = n.rel and p.relkind = 'p' join pg_inherits i on i.inhparent = n.rel
), mine as (
  select c.oid as rel from pg_class c
  where c.oid in (select n.rel from named n) and c.relforcerowsecurity and pg_has_role(c.relowner, 'USAGE')
    and exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'stratum_select')
), tied as (
  select con.confrelid as rel from pg_constraint con where con.contype = 'f' and con.conrelid in (select rel from mine)
  union
  select con.conrelid from pg_constraint con where con.contype = 'f' and con.confrelid in (select rel from mine)
)
select c.oid as rel, format('%I.%I', ns.nspname, c.relname) as name,
  {{template "protectedcolumn" "c.oid"}} as col,
  c.oid in (select rel from mine) as mine
from pg_class c
join pg_namespace ns on ns.oid = c.relnamespace
where c.oid in (select rel from mine)
  or c.relforcerowsecurity and pg_has_role(c.relowner, 'USAGE') and c.oid in (select rel from tied)
order by c.oid
{{end}}

{{/* What must hold before FORCE comes back: queries that count the rows for which it does not. */}}
{{define "recheck"}}select c.oid::regclass::text as name, 'Name' as field,
  format('rows of %s left without a tenant', c.oid::regclass) as sentence,
  format('select count(*) from only %s where %I is null', c.oid::regclass, v.col) as query
from unnest($1::oid[], $2::text[]) as v(rel, col)
join pg_class c on c.oid = v.rel
join pg_attribute a on a.attrelid = v.rel and a.attname = v.col
where not a.attisdropped and (not a.attnotnull or exists (
  select from pg_constraint nn where nn.conrelid = v.rel and nn.contype = 'n' and nn.conkey = array[a.attnum] and not nn.convalidated))
union all
select con.conrelid::regclass::text, 'ForeignKeys',
  format('rows of %s that refer, by the foreign key %I, to a row of %s of another tenant, or to none',
    con.conrelid::regclass, con.conname, con.confrelid::regclass),
  format('select count(*) from %s r where %s and not exists (select from %s t where %s)',
    con.conrelid::regclass, k.given, con.confrelid::regclass, k.joined)
from pg_constraint con
cross join {{template "fkcolumns"}}
where con.contype = 'f' and con.conparentid = 0 and coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true)
  and not coalesce((to_jsonb(con) ->> 'conperiod')::boolean, false)
  and (con.conrelid = any ($1) or con.confrelid = any ($1))
  and has_table_privilege(con.conrelid, 'SELECT') and has_table_privilege(con.confrelid, 'SELECT')
{{end}}
