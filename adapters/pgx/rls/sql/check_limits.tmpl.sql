{{/* Rules on what the server has room for. */}}

{{define "rule_connection_budget"}}select l.kind, l.object, format('%s admits %s connections of the application, and its processes may open %s', l.name, l.most, cfg.connections), l.fix, null
from cfg
cross join lateral (
  select 'server' as kind, 'server' as object, 'the server' as name, null as fix,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true)::int, 0) as most -- the last one since 16
  union all
  select 'role', app.who, 'the role ' || app.who, format('alter role %s connection limit %s;', app.who, cfg.connections), r.rolconnlimit
  from app join pg_roles r on r.oid = app.oid
  union all
  select 'database', quote_ident(d.datname), 'the database ' || quote_ident(d.datname), format('alter database %I connection limit %s;', d.datname, cfg.connections), d.datconnlimit
  from pg_database d
  where d.datname = current_database()
) l
where l.most between 0 and cfg.connections - 1{{end}}

{{/* A backend keeps 9 to 18 KB of each table that it has met, until it ends. That all of them together may take as
     much as shared_buffers, a quarter of the memory as the manual advises, or 4 GB where that is set low, is too much. */}}
{{define "rule_schemas_per_connection"}}select 'server', 'server', format('%s can reach %s tables in %s schemas: %s connections that have met them all keep up to %s', app.who, t.tables, t.schemas, m.connections, pg_size_pretty(m.size)), null, null
from app
cross join cfg
cross join lateral (
  select count(*) as tables, count(distinct c.relnamespace) as schemas
  from pg_class c
  where c.relkind in ('r', 'p') and c.relnamespace in (
    select n.oid
    from pg_namespace n cross join aclexplode(n.nspacl) x
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and n.nspname <> all (coalesce(cfg.schemas, '{}'))
      and x.privilege_type = 'USAGE' and (x.grantee = 0 or pg_has_role(app.oid, x.grantee, 'MEMBER')))
) t
cross join lateral (
  select k.connections, t.tables * 18 * 1024 * k.connections as size
  from (select coalesce(nullif(cfg.connections, 0), current_setting('max_connections')::int) as connections) k
) m
where t.schemas > 1 and m.size > greatest(pg_size_bytes(current_setting('shared_buffers')), pg_size_bytes('4 GB')){{end}}

{{/* Whether there is a table of versions, and who may read it. */}}
{{define "check_fleet"}}select has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'SELECT'), current_user::text, c.relowner::regrole::text
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'stratum' and c.relname = 'fleet' and c.relkind = 'r'{{end}}

{{define "check_behind"}}select count(*) filter (where f.version < f.newest), coalesce(max(f.newest), 0)
from (select version, max(version) over () as newest from stratum.fleet) f{{end}}
