{{/* Rules on keys and indexes that need no look into expressions. */}}

{{define "rule_no_tenant_index"}}select 'table', m.fqn, format('no index of %s begins with %I', m.fqn, m.col), format('create index on %s (%I);', m.fqn, m.col), null
from rel m
where m.att is not null and not m.relispartition and not exists (
  select from pg_index x join pg_class xc on xc.oid = x.indexrelid join pg_am am on am.oid = xc.relam
  where x.indrelid = m.rel and am.amname = 'btree' and x.indisvalid and x.indpred is null and x.indkey[0] = m.att){{end}}

{{define "rule_fk_without_tenant"}}select 'constraint', format('constraint %I on %s', f.conname, f.fqn), format('the foreign key %I of %s refers to %s without the tenant', f.conname, f.fqn, f.tfqn),
  case when not f.period and not (f.confmatchtype = 'f' and f.nullable and not f.single) then concat(
    case when not exists (
      select from pg_index i cross join {{template "indexcolumns" "f.tcol"}}
      where i.indrelid = f.confrelid and i.indisunique and i.indimmediate and i.indisvalid and i.indpred is null and i.indexprs is null
        and k.atts = array(select distinct e from unnest(f.refatts || f.tatt) e order by e))
    then format(E'alter table %s add unique (%I, %s);\n', f.tfqn, f.tcol, f.refs) end,
    format('alter table %s drop constraint %I, add constraint %I foreign key (%I, %s) references %s (%I, %s)', f.fqn, f.conname, f.conname, f.col, f.cols, f.tfqn, f.tcol, f.refs),
    {{template "fkactions"}}, ';') end,
  'It is temporal or MATCH FULL, which no key with a tenant can be.'
from fk f {{template "fkrest"}}
where not f.composite and f.att is not null and f.tatt is not null{{end}}

{{/* What stands behind REFERENCES in the key f, with the columns without the tenant as those to be set null. */}}
{{define "fkactions"}}case f.confupdtype when 'r' then ' on update restrict' when 'c' then ' on update cascade' end,
    case f.confdeltype when 'r' then ' on delete restrict' when 'c' then ' on delete cascade'
      when 'n' then format(' on delete set null (%s)', c.rest) when 'd' then format(' on delete set default (%s)', c.rest) end,
    case when f.condeferrable then ' deferrable' end, case when f.condeferred then ' initially deferred' end, case when not f.enforced then ' not enforced' end{{end}}

{{define "fkrest"}}cross join lateral (
  select string_agg(quote_ident(a.attname), ', ' order by k.n) as rest
  from pg_constraint con cross join unnest(case when cardinality(f.confdelsetcols) > 0 then f.confdelsetcols else con.conkey end) with ordinality as k(att, n)
  join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.att
  where con.oid = f.oid and a.attnum <> f.att
) c{{end}}

{{define "rule_fk_nulls_tenant"}}select 'constraint', format('constraint %I on %s', f.conname, f.fqn), format('the foreign key %I of %s takes the tenant off a row when %s changes', f.conname, f.fqn, f.tfqn),
  concat(format('alter table %s drop constraint %I, add constraint %I foreign key (%s) references %s (%s)', f.fqn, f.conname, f.conname, f.cols, f.tfqn, f.refs), {{template "fkactions"}}, ';'), null
from fk f {{template "fkrest"}}
where f.composite and (f.confupdtype in ('n', 'd') or f.confdeltype in ('n', 'd') and (coalesce(cardinality(f.confdelsetcols), 0) = 0 or f.att = any (f.confdelsetcols))){{end}}

{{define "rule_fk_not_valid"}}select 'constraint', format('constraint %I on %s', f.conname, f.fqn), format('the foreign key %I of %s was never %s', f.conname, f.fqn, case when f.enforced then 'validated' else 'enforced' end),
  case when f.enforced then format('alter table %s validate constraint %I;', f.fqn, f.conname) else format('alter table %s alter constraint %I enforced;', f.fqn, f.conname) end, null
from fk f
where not f.convalidated or not f.enforced{{end}}

{{define "rule_unindexed_foreign_keys"}}select 'constraint', format('constraint %I on %s', f.conname, f.fqn), format('no index of %s serves its foreign key %I', f.fqn, f.conname), format('create index on %s (%s);', f.fqn, f.cols), null
from fk f
where not exists (
  select from pg_index i
  where i.indrelid = f.conrelid and i.indisvalid and i.indpred is null and (
    select count(*) from unnest(i.indkey::int2[]) with ordinality as x(att, n) join pg_constraint c on c.oid = f.oid
    where x.n <= cardinality(c.conkey) and x.att = any (c.conkey)) = (select cardinality(c.conkey) from pg_constraint c where c.oid = f.oid)){{end}}

{{/* Unique indexes without the tenant, with what is needed to make one with it. A surrogate is a single column that the
     server fills with numbers, or a uuid: nobody guesses it or chooses it by its meaning. */}}
{{define "uniques"}}(
  select m.rel, m.fqn, m.col, x.indexrelid, c.relname as index, format('%I.%I', n.nspname, c.relname) as index_fqn, con.oid as con, con.conname, x.indisprimary,
    x.indnatts = 1 and x.indexprs is null and coalesce(a.atttypid = 'uuid'::regtype or a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) ~ '^nextval\(', false) as surrogate,
    exists (select from pg_constraint r where r.contype = 'f' and r.conindid = x.indexrelid and r.conparentid = 0) as referred,
    (select string_agg(pg_get_indexdef(x.indexrelid, k, true), ', ' order by k) from generate_series(1, x.indnkeyatts) k) as cols,
    (select ' include (' || string_agg(pg_get_indexdef(x.indexrelid, k, true), ', ' order by k) || ')' from generate_series(x.indnkeyatts + 1, x.indnatts) k) as included,
    case when x.indnullsnotdistinct then ' nulls not distinct' end as nulls, ' where ' || pg_get_expr(x.indpred, x.indrelid) as predicate
  from rel m
  join pg_index x on x.indrelid = m.rel and x.indisunique
  join pg_class c on c.oid = x.indexrelid and not c.relispartition
  join pg_namespace n on n.oid = c.relnamespace
  left join pg_constraint con on con.conindid = x.indexrelid and con.contype in ('p', 'u') and con.conrelid = m.rel
  left join pg_attribute a on a.attrelid = m.rel and a.attnum = x.indkey[0]
  left join pg_attrdef d on d.adrelid = m.rel and d.adnum = x.indkey[0]
  where m.att is not null and not exists (select from unnest(x.indkey::int2[]) with ordinality as k(att, n) where k.att = m.att and k.n <= x.indnkeyatts)
    and not coalesce((to_jsonb(con) ->> 'conperiod')::boolean, false)
) as u{{end}}

{{define "uniquefix"}}case when not u.referred then case when u.con is not null
    then format('alter table %s drop constraint %I, add constraint %I %s%s (%I, %s)%s;', u.fqn, u.conname, u.conname, case when u.indisprimary then 'primary key' else 'unique' end, u.nulls, u.col, u.cols, u.included)
    else format(E'drop index %s;\ncreate unique index %I on %s (%I, %s)%s%s%s;', u.index_fqn, u.index, u.fqn, u.col, u.cols, u.included, u.nulls, u.predicate) end end,
  'A foreign key refers to it. Make that composite first (rls.Table.ForeignKeys).'{{end}}

{{define "rule_unique_without_tenant"}}select 'index', u.index_fqn, format('%s of %s is unique across tenants: (%s)', u.index_fqn, u.fqn, u.cols), {{template "uniquefix"}}
from {{template "uniques"}}
where not u.surrogate{{end}}

{{define "rule_surrogate_key_without_tenant"}}select 'index', u.index_fqn, format('%s of %s is unique across tenants: (%s), which has no meaning', u.index_fqn, u.fqn, u.cols), {{template "uniquefix"}}
from {{template "uniques"}}
where u.surrogate{{end}}

{{define "rule_exclusion_without_tenant"}}select 'constraint', format('constraint %I on %s', con.conname, m.fqn), format('the exclusion constraint %I of %s excludes rows of other tenants', con.conname, m.fqn),
  concat(case when am.amname = 'gist' then E'create extension if not exists btree_gist;\n' end,
    format('alter table %s drop constraint %I, add constraint %I %s;', m.fqn, con.conname, con.conname,
      regexp_replace(pg_get_constraintdef(con.oid), '^(EXCLUDE USING \S+ \()', format('\1%I WITH =, ', m.col)))), null
from rel m join pg_constraint con on con.conrelid = m.rel and con.contype = 'x' and con.conparentid = 0
join pg_class x on x.oid = con.conindid join pg_am am on am.oid = x.relam
where m.att is not null and not m.att = any (con.conkey){{end}}
