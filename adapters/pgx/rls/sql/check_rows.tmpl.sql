{{/* What rules in Go read beside policies. */}}

{{define "check_indexes"}}, opc as materialized ( -- the operator classes: whether made for LIKE, and whether their operators are not LEAKPROOF
  select o.oid, o.opcname like '%\_pattern\_ops' as pattern,
    -- For a tree, that its = is not leakproof; for others, that none of the operators is.
    coalesce(case when am.amname in ('btree', 'hash')
      then bool_or(not p.proleakproof) filter (where w.amoprighttype = o.opcintype and w.amopstrategy = case am.amname when 'btree' then 3 else 1 end)
      else not bool_or(p.proleakproof) end, true) as leaky
  from pg_opclass o
  join pg_am am on am.oid = o.opcmethod
  left join pg_amop w on w.amopfamily = o.opcfamily and w.amoplefttype = o.opcintype and w.amoppurpose = 's'
  left join pg_operator op on op.oid = w.amopopr
  left join pg_proc p on p.oid = op.oprcode
  group by o.oid, o.opcname, am.amname
)
select m.fqn, quote_ident(m.col), format('%I.%I', n.nspname, c.relname), am.amname::text, x.indisunique, coalesce(x.indexprs::text, ''),
  array(select quote_ident(a.attname) from pg_attribute a where a.attrelid = m.rel and a.attnum > 0 and not a.attisdropped),
  k.keys, k.printed, k.types, k.pattern, k.leaky, k.descending,
  coalesce((select ' include (' || string_agg(pg_get_indexdef(x.indexrelid, i, true), ', ' order by i) || ')' from generate_series(x.indnkeyatts + 1, x.indnatts) i), ''),
  coalesce(' where ' || pg_get_expr(x.indpred, x.indrelid), ''),
  exists (select from pg_constraint con where con.conindid = x.indexrelid and con.contype in ('p', 'u', 'x'))
from rel m
join pg_index x on x.indrelid = m.rel
join pg_class c on c.oid = x.indexrelid and not c.relispartition
join pg_namespace n on n.oid = c.relnamespace
join pg_am am on am.oid = c.relam
cross join lateral (
  select array_agg(coalesce(quote_ident(a.attname), '') order by i) as keys, array_agg(pg_get_indexdef(x.indexrelid, i, true) order by i) as printed,
    array_agg(format_type(t.atttypid, t.atttypmod) order by i) as types, array_agg(o.pattern order by i) as pattern, array_agg(o.leaky order by i) as leaky,
    array_agg(x.indoption[i - 1] & 1 = 1 order by i) as descending
  from generate_series(1, x.indnkeyatts) i
  join opc o on o.oid = x.indclass[i - 1]
  join pg_attribute t on t.attrelid = x.indexrelid and t.attnum = i
  left join pg_attribute a on a.attrelid = x.indrelid and a.attnum = x.indkey[i - 1] and a.attnum <> 0
) k
where m.att is not null
order by 3{{end}}

{{/* Each foreign key with the query that counts its orphans, and why the current role could not count them. */}}
{{define "check_orphans"}}select format('constraint %I on %s', f.conname, f.fqn), f.fqn, quote_ident(f.conname), f.tfqn,
  format('select count(*) from %s r where %s and not exists (select from %s t where %s)', f.fqn, f.given, f.tfqn, j.joined),
  coalesce(case
    when f.period then 'it is temporal (PERIOD)'
    when not has_table_privilege(f.conrelid, 'SELECT') or not has_table_privilege(f.confrelid, 'SELECT') then format('%I may not read both tables; grant it SELECT, or run Check as another role', current_user)
    when s.hidden then format('row-level security hides rows of it from %I; run Check as %s, as a superuser or as a role with BYPASSRLS', current_user, cfg.system) end, '')
from fk f
cross join cfg
cross join lateral (
  select string_agg(format('t.%I operator(%I.%s) r.%I', b.attname, n.nspname, o.oprname, a.attname), ' and ' order by k.n) as joined
  from pg_constraint con
  cross join unnest(con.conkey, con.confkey, con.conpfeqop) with ordinality as k(att, ref, op, n)
  join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.att
  join pg_attribute b on b.attrelid = con.confrelid and b.attnum = k.ref
  join pg_operator o on o.oid = k.op
  join pg_namespace n on n.oid = o.oprnamespace
  where con.oid = f.oid
) j
cross join lateral (
  select bool_or(row_security_active(t.rel) and not (
    current_user = cfg.system
    and exists (select from pg_policy p where p.polrelid = t.rel and p.polname = 'stratum_system_select' and pg_get_expr(p.polqual, p.polrelid) = 'true')
    and not exists (select from pg_policy p where p.polrelid = t.rel and not p.polpermissive))) as hidden
  from (values (f.conrelid), (f.confrelid)) as t(rel)
) s
where f.enforced
order by 1{{end}}

{{define "check_server"}}select current_setting('server_version'), current_setting('server_version_num')::int, current_user::text, (select count(*) from rel)::int,
  array(select v.name from cfg, lateral (values (cfg.app), (cfg.system)) as v(name) where v.name not in (select r.rolname from pg_roles r))::text[]{{end}}
