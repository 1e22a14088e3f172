{{/* Rules on the roles of the application and on what they own or may set. */}}

{{define "rule_role_bypasses"}}select 'role', o.who, format('%s has %s', o.who, a.list), format('alter role %s %s;', o.who, a.undo), null
from ours o
cross join lateral (
  select string_agg(v.name, ', ') as list, string_agg('NO' || v.name, ' ') as undo
  from (values ('SUPERUSER', o.rolsuper), ('BYPASSRLS', o.rolbypassrls), ('CREATEROLE', o.rolcreaterole), ('REPLICATION', o.rolreplication)) as v(name, has)
  where v.has
) a
where a.list is not null{{end}}

{{define "rule_role_member"}}select 'role', format('%s in %I', o.who, r.rolname), format('%s is a member of %I%s', o.who, r.rolname, w.what),
  -- Since 16 a membership may have several grantors, each of which has to take it back.
  string_agg(format('revoke %I from %s%s;', r.rolname, o.who, case when current_setting('server_version_num')::int >= 160000 then ' granted by ' || quote_ident(g.rolname) end), E'\n' order by g.rolname), null
from ours o
join pg_auth_members am on am.member = o.oid
join pg_roles r on r.oid = am.roleid
left join pg_roles g on g.oid = am.grantor
cross join cfg
cross join lateral (
  select case
    when r.rolname = cfg.owner then ', which owns the tables' when r.rolname in (cfg.system, cfg.subtree) then ', which sees other tenants' when r.rolname = cfg.lib then ', which owns the library'
    when r.rolsuper or r.rolbypassrls then ', which row-level security does not bind' when r.rolcreaterole then ', which can make itself a member of others' when r.rolreplication then ', which can read everything'
    when r.rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') then ', which reaches the files of the server'
    when r.rolname in ('pg_read_all_data', 'pg_write_all_data', 'pg_maintain') then ', which has rights on all tables'
    when exists (select from rel m where m.relowner = r.oid) then ', which owns tables with tenants'' rows' end as what
) w
where w.what is not null and not (o.is_system and r.rolname = cfg.subtree)
group by o.who, r.rolname, w.what{{end}}

{{define "rule_role_member_indirect"}}select 'role', format('%s in %I', o.who, r.rolname), format('%s can become %I through another role', o.who, r.rolname),
  (select string_agg(format('revoke %I from %s;', b.rolname, o.who), E'\n' order by b.rolname)
   from pg_auth_members am join pg_roles b on b.oid = am.roleid
   where am.member = o.oid and pg_has_role(am.roleid, r.oid, 'MEMBER')), null
from ours o
join pg_roles r on r.oid <> o.oid and not o.rolsuper and pg_has_role(o.oid, r.oid, 'MEMBER')
cross join cfg
where (r.rolname in (cfg.owner, cfg.lib, 'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') or r.rolname in (cfg.system, cfg.subtree) and not o.is_system
    or r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolreplication or exists (select from rel m where m.relowner = r.oid))
  and not exists (select from pg_auth_members am where am.member = o.oid and am.roleid = r.oid){{end}}

{{define "rule_app_owns_table"}}select 'table', m.fqn, format('%s belongs to %s, a role of the application', m.fqn, o.who), format('alter table %s owner to %I;', m.fqn, m.owner), null
from rel m join ours o on o.oid = m.relowner{{end}}

{{define "rule_owner_bypasses"}}select 'table', m.fqn, format('%s belongs to %I, whom FORCE does not bind', m.fqn, r.rolname), format('alter table %s owner to %I;', m.fqn, m.owner), null
from rel m join pg_roles r on r.oid = m.relowner
where (r.rolsuper or r.rolbypassrls) and r.oid not in (select o.oid from ours o){{end}}

{{define "rule_bypassrls_role"}}select 'role', quote_ident(r.rolname), format('the role %I has BYPASSRLS', r.rolname), format('alter role %I nobypassrls;', r.rolname), null
from pg_roles r
where r.rolbypassrls and not r.rolsuper and r.oid not in (select o.oid from ours o){{end}}

{{define "rule_role_setting"}}select 'role', format('%s in %s', coalesce(quote_ident(r.rolname), 'all roles'), coalesce(d.datname, 'all databases')),
  format('sessions of %s in %s begin with %s', coalesce(quote_ident(r.rolname), 'all roles'), coalesce(d.datname, 'all databases'), string_agg(split_part(c, '=', 1), ', ' order by c)),
  string_agg(format('alter %s reset %s;', case when r.oid is null then format('database %I', d.datname) when d.oid is null then format('role %I', r.rolname)
    else format('role %I in database %I', r.rolname, d.datname) end, quote_ident_dotted), E'\n' order by c), null
from pg_db_role_setting s
left join pg_roles r on r.oid = s.setrole
left join pg_database d on d.oid = s.setdatabase
cross join unnest(s.setconfig) c
cross join lateral (select string_agg(quote_ident(part), '.') as quote_ident_dotted from unnest(string_to_array(split_part(c, '=', 1), '.')) part) q
where lower(split_part(c, '=', 1)) in ('{{.Setting}}', 'role', 'session_replication_role', 'session_authorization', 'row_security')
  and (r.oid is null and (s.setrole = 0) or r.oid in (select o.oid from ours o)) and (s.setdatabase = 0 or d.datname = current_database())
group by r.oid, r.rolname, d.oid, d.datname{{end}}

{{define "rule_parameter_granted"}}select 'parameter', format('%s to %s', p.parname, coalesce(o.who, 'public')), format('%s may %s %s', coalesce(o.who, 'everybody'), string_agg(x.privilege_type, ', ' order by x.privilege_type), p.parname),
  string_agg(format('revoke %s on parameter %s from %s;', x.privilege_type, p.parname, coalesce(o.who, 'public')), E'\n' order by x.privilege_type), null
from pg_parameter_acl p cross join aclexplode(p.paracl) x left join ours o on o.oid = x.grantee
where p.parname in ('session_replication_role', 'lo_compat_privileges', 'allow_system_table_mods', 'session_preload_libraries', 'dynamic_library_path') and (x.grantee = 0 or o.oid is not null)
group by p.parname, o.who{{end}}

{{define "rule_schema_create"}}select 'schema', format('%I to %s', n.nspname, coalesce(o.who, 'public')), format('%s may create objects in the schema %I', coalesce(o.who, 'everybody'), n.nspname),
  format('revoke create on schema %I from %s;', n.nspname, coalesce(o.who, 'public')), null
from nsp n join pg_namespace s on s.oid = n.oid cross join aclexplode(s.nspacl) x left join ours o on o.oid = x.grantee
where x.privilege_type = 'CREATE' and (x.grantee = 0 or o.oid is not null) and n.oid in (select m.relnamespace from rel m){{end}}

{{define "rule_default_privileges"}}select 'default privileges', format('of %I%s to %s', r.rolname, ' in ' || quote_ident(n.nspname), coalesce(o.who, 'public')),
  format('%s gets %s on every new table of %I%s', coalesce(o.who, 'everybody'), string_agg(x.privilege_type, ', ' order by x.privilege_type), r.rolname, ' in the schema ' || quote_ident(n.nspname)),
  format('alter default privileges for role %I%s revoke all on tables from %s;', r.rolname, ' in schema ' || quote_ident(n.nspname), coalesce(o.who, 'public')), null
from pg_default_acl d
join pg_roles r on r.oid = d.defaclrole
left join pg_namespace n on n.oid = d.defaclnamespace
cross join aclexplode(d.defaclacl) x
left join ours o on o.oid = x.grantee
cross join cfg
where d.defaclobjtype = 'r' and (x.grantee = 0 or o.oid is not null) and r.rolname <> cfg.lib
group by r.rolname, n.nspname, o.who{{end}}

{{define "rule_library_granted"}}select 'grant', format('%I.%I to %s', n.nspname, c.relname, coalesce(o.who, 'public')), format('%s has rights on %I.%I, a table of the library', coalesce(o.who, 'everybody'), n.nspname, c.relname),
  format('revoke all on table %I.%I from %s;', n.nspname, c.relname, coalesce(o.who, 'public')), null
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
join cfg on c.relowner = (select r.oid from pg_roles r where r.rolname = cfg.lib)
cross join aclexplode(c.relacl) x
left join ours o on o.oid = x.grantee
where c.relkind in ('r', 'p', 'v', 'm') and (x.grantee = 0 or o.oid is not null)
group by n.nspname, c.relname, o.who{{end}}

{{define "rule_large_object_access"}}select 'large object', format('large object %s', l.oid), format('%s %s the large object %s', coalesce(o.who, 'everybody'), w.what, l.oid),
  case w.what when 'owns' then format('alter large object %s owner to %I;', l.oid, cfg.owner) else format('revoke all on large object %s from %s;', l.oid, coalesce(o.who, 'public')) end, null
from pg_largeobject_metadata l
cross join cfg
cross join lateral (
  select l.lomowner as role, 'owns' as what union select x.grantee, 'may use' from aclexplode(l.lomacl) x where x.grantee <> l.lomowner
) w
left join ours o on o.oid = w.role
where o.oid is not null or w.role = 0{{end}}

{{define "rule_large_object_compat"}}select 'parameter', 'lo_compat_privileges', 'lo_compat_privileges is on: nobody needs rights to read and write a large object', null, null
where current_setting('lo_compat_privileges') = 'on'{{end}}

{{define "rule_large_object_column"}}select 'table', m.fqn, format('the column %I of %s refers to large objects', a.attname, m.fqn), null, null
from rel m join pg_attribute a on a.attrelid = m.rel and a.attnum > 0 and not a.attisdropped join pg_type t on t.oid = a.atttypid
where t.typname = 'lo' or exists (select from pg_trigger g join pg_proc p on p.oid = g.tgfoid where g.tgrelid = m.rel and p.proname = 'lo_manage' and a.atttypid = 'oid'::regtype){{end}}

{{define "rule_large_object_function"}}select 'function', p.oid::regprocedure::text, format('%s may run %s, which works on large objects', app.who, p.oid::regprocedure),
  format('revoke execute on routine %s from %s, public;', p.oid::regprocedure, app.who), null
from pg_proc p join nsp n on n.oid = p.pronamespace cross join app
where p.prokind in ('f', 'p') and has_function_privilege(app.oid, p.oid, 'EXECUTE')
  and coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) ~* '\m(lo_(creat|create|import|export|open|get|put|unlink|from_bytea)|loread|lowrite)\M'{{end}}
