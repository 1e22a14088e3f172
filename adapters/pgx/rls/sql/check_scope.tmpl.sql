{{/* The rows that the rules of Check share; a rule is one SELECT behind these, of kind, object, message, fix
     and the reason for no fix. rel are the tables with tenants' rows, m their name in the rules. */}}
{{define "check_scope"}}with recursive cfg as (
  select $1::text as col, $2::text as app, $3::text as system, $4::text as subtree, $5::text as owner, $6::text as lib,
    $7::text[] as schemas, $8::text[]::oid[] as excluded, $9::int as connections
), nsp as materialized (
  select n.oid, n.nspname
  from pg_namespace n, cfg
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and (coalesce(cardinality(cfg.schemas), 0) = 0 or n.nspname = any (cfg.schemas))
), app as materialized (
  select r.oid, r.rolname, quote_ident(r.rolname) as who from pg_roles r, cfg where r.rolname = cfg.app
), ours as materialized ( -- roles of the application
  select r.*, quote_ident(r.rolname) as who, r.rolname = cfg.app as is_app, r.rolname = cfg.system as is_system
  from pg_roles r, cfg where r.rolname in (cfg.app, cfg.system, cfg.subtree)
), rel as materialized (
  select c.oid as rel, c.relname, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relacl, c.relnamespace,
    format('%I.%I', n.nspname, c.relname) as fqn, col.name as col, cfg.app, cfg.system, cfg.owner,
    a.attnum as att, a.atttypid, a.attnotnull, a.attgenerated, a.attidentity,
    exists (select from pg_policy p where p.polrelid = c.oid) as has_policy,
    exists (select from pg_policy p where p.polrelid = c.oid and p.polname in (select p.polname from {{template "policies"}})) as protected
  from pg_class c
  join nsp n on n.oid = c.relnamespace
  cross join cfg
  cross join lateral (select coalesce({{template "protectedcolumn" "c.oid"}}, cfg.col) as name) col
  left join pg_attribute a on a.attrelid = c.oid and a.attname = col.name and a.attnum > 0 and not a.attisdropped
  where c.relkind in ('r', 'p') and c.relpersistence <> 't'
    and (a.attnum is not null or c.relrowsecurity or exists (select from pg_policy p where p.polrelid = c.oid))
    and c.oid <> all (coalesce(cfg.excluded, '{}'))
    and c.relowner is distinct from (select r.oid from pg_roles r where r.rolname = cfg.lib)
    and not exists (select from pg_depend e where e.classid = 'pg_class'::regclass and e.objid = c.oid and e.deptype = 'e')
), wanted as materialized ( -- the policies of Protect for each of the tables
  select m.rel, p.polname, p.cmd, p.verb, p.who, b.role, b.body, b.printed, h.remark, p.reads, p.writes, {{template "createpolicy"}} as sql
  from rel m
  cross join {{template "policies"}}
  cross join {{template "policybody" .}}
), allpolicies as materialized (
  select w.rel, string_agg(w.sql || ';', E'\n' order by w.polname) as sql from wanted w group by w.rel
), held as materialized ( -- what PUBLIC and the roles of the application were granted on the tables, columns included
  select m.rel, x.grantee, x.privilege_type, x.is_grantable, null::name as attname, coalesce(o.who, 'public') as who
  from rel m cross join aclexplode(m.relacl) x left join ours o on o.oid = x.grantee
  where x.grantee = 0 or o.oid is not null
  union all
  select m.rel, x.grantee, x.privilege_type, x.is_grantable, a.attname, coalesce(o.who, 'public')
  from rel m join pg_attribute a on a.attrelid = m.rel and a.attacl is not null cross join aclexplode(a.attacl) x left join ours o on o.oid = x.grantee
  where x.grantee = 0 or o.oid is not null
), uses as ( -- the views that read a table of rel, through others or not
  select m.rel as root, m.fqn as root_name, m.rel as view from rel m
  union
  select u.root, u.root_name, r.ev_class
  from uses u
  join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = u.view
  join pg_rewrite r on r.oid = d.objid and r.ev_class <> u.view
), views as materialized (
  select c.oid, c.relkind, c.relowner, format('%I.%I', n.nspname, c.relname) as fqn, string_agg(distinct u.root_name, ', ' order by u.root_name) as tables,
    coalesce((select lower(o.option_value) in ('true', 'on', '1', 'yes') from pg_options_to_table(c.reloptions) o where o.option_name = 'security_invoker'), false) as invoker,
    coalesce((select lower(o.option_value) in ('true', 'on', '1', 'yes') from pg_options_to_table(c.reloptions) o where o.option_name = 'security_barrier'), false) as barrier
  from uses u
  join pg_class c on c.oid = u.view and c.relkind in ('v', 'm')
  join pg_namespace n on n.oid = c.relnamespace
  where c.oid <> all (coalesce((select cfg.excluded from cfg), '{}'))
  group by c.oid, c.relkind, c.relowner, n.nspname, c.relname, c.reloptions
), definers as materialized ( -- SECURITY DEFINER functions, and the tables they seem to touch
  select p.oid, p.oid::regprocedure::text as name, case when p.prokind = 'p' then 'procedure' else 'function' end as kind, p.proowner, p.proconfig, p.prorettype,
    touched.tables, exists (select from app where has_function_privilege(app.oid, p.oid, 'EXECUTE')) as callable,
    (select substr(s, 13) from unnest(p.proconfig) s where s like 'search\_path=%') as path
  from pg_proc p
  join nsp n on n.oid = p.pronamespace
  cross join lateral (
    select string_agg(distinct t.fqn, ', ' order by t.fqn) as tables
    from (
      -- A body that the server has parsed depends on what it names; another is text, in which names are looked for.
      select m.fqn from pg_depend d join rel m on d.refobjid = m.rel
      where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass
      union all
      select m.fqn from rel m where p.prosqlbody is null and p.prosrc ~* ('\m' || regexp_replace(m.relname, '([^a-zA-Z0-9_])', '\\\1', 'g') || '\M')
      union all
      select v.fqn from views v where p.prosqlbody is null and p.prosrc ~* ('\m' || regexp_replace(split_part(v.fqn, '.', 2), '([^a-zA-Z0-9_])', '\\\1', 'g') || '\M')
      union all
      select 'what it is told to (dynamic SQL)' where p.prosqlbody is null and p.prosrc ~* '\mexecute\M'
    ) t
  ) touched
  where p.prosecdef and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
), fk as materialized ( -- foreign keys between tables with tenants' rows
  select con.oid, con.conname, con.conrelid, con.confrelid, con.confdeltype, con.confupdtype, con.confdelsetcols, con.convalidated, con.conparentid, con.condeferrable, con.condeferred,
    con.confmatchtype, coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true) as enforced, coalesce((to_jsonb(con) ->> 'conperiod')::boolean, false) as period,
    m.fqn, m.col, m.att, m.relkind, m.relispartition, t.fqn as tfqn, t.col as tcol, t.att as tatt, k.*,
    exists (select from unnest(con.conkey, con.confkey) as e(att, ref) where e.att = m.att and e.ref = t.att) as composite
  from pg_constraint con
  join rel m on m.rel = con.conrelid
  join rel t on t.rel = con.confrelid
  cross join {{template "fkcolumns"}}
  where con.contype = 'f' and con.conparentid = 0
)
{{end}}
