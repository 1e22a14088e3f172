{{/* Rules on what runs with the rights of somebody else: views, functions, triggers. */}}

{{define "rule_security_definer_view"}}select 'view', v.fqn, format('%s reads %s with the rights of its owner %s, and %s may read it', v.fqn, v.tables, v.relowner::regrole, app.who),
  format('alter view %s set (security_invoker = true);', v.fqn), null
from views v cross join app
where v.relkind = 'v' and not v.invoker and (has_table_privilege(app.oid, v.oid, 'SELECT, INSERT, UPDATE, DELETE') or has_any_column_privilege(app.oid, v.oid, 'SELECT, INSERT, UPDATE')){{end}}

{{define "rule_materialized_view_in_api"}}select 'view', v.fqn, format('%s keeps rows of %s of all tenants, and %s may read it', v.fqn, v.tables, app.who),
  format('revoke all on table %s from %s, public;', v.fqn, app.who), null
from views v cross join app
where v.relkind = 'm' and (has_table_privilege(app.oid, v.oid, 'SELECT') or has_any_column_privilege(app.oid, v.oid, 'SELECT')){{end}}

{{define "rule_view_definer_function"}}select 'view', v.fqn, format('%s calls %s, which is SECURITY DEFINER and touches %s', v.fqn, string_agg(distinct f.name, ', ' order by f.name), string_agg(distinct f.tables, ', ' order by f.tables)),
  string_agg(distinct format('alter %s %s security invoker;', f.kind, f.name), E'\n'), null
from pg_class c
join nsp n on n.oid = c.relnamespace
cross join lateral (select format('%I.%I', n.nspname, c.relname) as fqn) v
join pg_rewrite r on r.ev_class = c.oid
join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_proc'::regclass
join definers f on f.oid = d.refobjid and f.tables is not null
cross join app
where c.relkind in ('v', 'm') and has_table_privilege(app.oid, c.oid, 'SELECT')
group by v.fqn{{end}}

{{define "rule_view_without_barrier"}}select 'view', v.fqn, format('%s filters the rows of %s without security_barrier', v.fqn, v.tables), format('alter view %s set (security_barrier = true);', v.fqn), null
from views v cross join app
where v.relkind = 'v' and not v.barrier and has_table_privilege(app.oid, v.oid, 'SELECT') and pg_get_viewdef(v.oid) ~* '\mwhere\M'{{end}}

{{define "rule_security_definer_bypass"}}select 'function', f.name, format('%s may run %s with the rights of %s, whom no policy stops; it touches %s', app.who, f.name, f.proowner::regrole, f.tables),
  format('alter %s %s security invoker;', f.kind, f.name), null
from definers f cross join app cross join cfg join pg_roles r on r.oid = f.proowner
where f.callable and f.tables is not null and (r.rolsuper or r.rolbypassrls or r.rolname = cfg.system){{end}}

{{define "rule_security_definer_function"}}select 'function', f.name, format('%s may run %s with the rights of %s; it touches %s', app.who, f.name, f.proowner::regrole, f.tables),
  format('alter %s %s security invoker;', f.kind, f.name), null
from definers f cross join app cross join cfg join pg_roles r on r.oid = f.proowner
where f.callable and f.tables is not null and not (r.rolsuper or r.rolbypassrls or r.rolname = cfg.system) and f.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype){{end}}

{{define "rule_function_search_path_mutable"}}select 'function', f.name, format('%s is SECURITY DEFINER and searches the path of its caller', f.name),
  format('alter %s %s set search_path = %s, pg_temp;', f.kind, f.name, (select quote_ident(n.nspname) from pg_proc p join pg_namespace n on n.oid = p.pronamespace where p.oid = f.oid)), null
from definers f
where f.callable and f.path is null{{end}}

{{define "rule_function_pg_temp_first"}}select 'function', f.name, format('%s is SECURITY DEFINER and looks for tables among the caller''s temporary ones first (search_path = %s)', f.name, f.path),
  format('alter %s %s set search_path = %s, pg_temp;', f.kind, f.name, coalesce(nullif(concat_ws(', ', nullif(q.rest, '')), ''), 'pg_catalog')), null
from definers f
cross join lateral (
  select string_agg(btrim(s), ', ' order by n) filter (where btrim(s) not in ('pg_temp', '"pg_temp"', '""', '')) as rest,
    (array_agg(btrim(s, ' "') order by n desc))[1] = 'pg_temp' as last
  from unnest(string_to_array(f.path, ',')) with ordinality as u(s, n)
) q
where f.callable and f.path is not null and q.last is not true{{end}}

{{define "rule_leakproof_function"}}select 'function', p.oid::regprocedure::text, format('%s is LEAKPROOF: it may see rows before the policies do', p.oid::regprocedure), format('alter function %s not leakproof;', p.oid::regprocedure), null
from pg_proc p join nsp n on n.oid = p.pronamespace
where p.proleakproof and not exists (select from pg_depend e where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e'){{end}}

{{define "rule_trigger_definer"}}select 'trigger', format('trigger %I on %s', t.tgname, m.fqn), format('the trigger %I of %s runs %s with the rights of %s', t.tgname, m.fqn, p.oid::regprocedure, p.proowner::regrole),
  format('alter function %s security invoker;', p.oid::regprocedure), null
from rel m join pg_trigger t on t.tgrelid = m.rel and not t.tgisinternal and t.tgparentid = 0 join pg_proc p on p.oid = t.tgfoid
where p.prosecdef{{end}}

{{define "rule_trigger_disabled"}}select 'trigger', format('trigger %I on %s', t.tgname, m.fqn), format('the trigger %I of %s, which checks a foreign key, is switched off', t.tgname, m.fqn),
  format('alter table only %s enable trigger %I;', m.fqn, t.tgname), null
from rel m join pg_trigger t on t.tgrelid = m.rel and t.tgisinternal
where t.tgenabled = 'D'{{end}}
