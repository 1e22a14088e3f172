{{define "refuse"}}    -- What cannot be protected, and why: the first sentence that holds.
    select s.name, r.* into _bad
    from {{template "members"}}
    join {{template "specs"}} on s.n = m.n
    join pg_class c on c.oid = m.rel
    join pg_namespace ns on ns.oid = c.relnamespace
    join pg_roles o on o.oid = c.relowner
    left join pg_roles app on app.rolname = m.app
    left join pg_roles sys on sys.rolname = m.system
    left join pg_attribute a on a.attrelid = m.rel and a.attnum = m.att
    cross join lateral (select row_number() over () as rank, w.* from (
{{template "refuse_kinds"}}
      union all
{{template "refuse_roles"}}
      union all
{{template "refuse_columns"}}
    ) as w(field, sentence, hint)) r
    order by s.n, m.top desc, m.rel, r.rank
    limit 1;
    if not found then
{{template "refuse_fks"}}
    end if;
    if found then
      raise exception using errcode = 'ST001', message = _bad.sentence, hint = _bad.hint,
        detail = jsonb_build_object('table', _bad.name, 'field', _bad.field);
    end if;
{{end}}

{{define "refuse_kinds"}}      select 'Name', format('%s is a view, and policies are for tables', m.fqn),
        'Protect the tables that it reads, and make it a view WITH (security_invoker = true).'
      where c.relkind = 'v'
      union all
      select 'Name', format('%s is a materialized view: it holds the rows of all tenants and can have no policies', m.fqn),
        'Make it a table that is refreshed by your own code, or give the application no right on it.'
      where c.relkind = 'm'
      union all
      select 'Name', format('%s is a foreign table%s: policies do not reach the other server', m.fqn,
          case when not m.top then ', a partition of ' || s.name else '' end),
        'Protect it on the server where its rows are.'
      where c.relkind = 'f'
      union all
      select 'Name', format('%s is no table', m.fqn), 'Name a table.'
      where c.relkind not in ('r', 'p', 'v', 'm', 'f')
      union all
      select 'Name', format('%s is a temporary table, which one session sees only', m.fqn), 'Name the table with its schema, if a temporary one hides it.'
      where c.relpersistence = 't'
      union all
      select 'Name', format('%s belongs to the system', m.fqn), 'Name a table of yours.'
      where ns.nspname in ('pg_catalog', 'information_schema', 'pg_toast')
      union all
      select 'Name', format('%s is a partition of %s, and is protected with it', m.fqn, pg_partition_root(m.rel)::regclass),
        format('Name %s instead.', pg_partition_root(m.rel)::regclass)
      where m.top and c.relispartition
      union all
      select 'Name', format('%s inherits from %s: who reads the parent reads this table under the policies of the parent', m.fqn, i.inhparent::regclass),
        'Make it a partition, or end the inheritance with ALTER TABLE ... NO INHERIT.'
      from pg_inherits i where i.inhrelid = m.rel and not c.relispartition
      union all
      select 'Name', format('%s is inherited by %s, which the policies of neither would cover in full', m.fqn, i.inhrelid::regclass),
        'Make it a partitioned table, or end the inheritance with ALTER TABLE ... NO INHERIT.'
      from pg_inherits i where i.inhparent = m.rel and c.relkind <> 'p'
      union all
      select 'Name', format('%s is named twice', m.fqn), 'Name each table once.'
      where m.top and exists (select from jsonb_to_recordset(_members) as i(n int, rel oid, top boolean) where i.top and i.rel = m.rel and i.n < m.n)
{{end}}

{{define "refuse_roles"}}      select 'Name', format('%s belongs to %s, and this connection to %s', m.fqn, o.rolname, current_user),
        format('Connect as %I: only a table''s owner can protect it.', o.rolname)
      where not pg_has_role(c.relowner, 'USAGE')
      union all
      select 'Name', format('%s belongs to %s, whom row-level security never binds', m.fqn, o.rolname),
        format('ALTER TABLE %s OWNER TO stratum_owner; -- or another role without SUPERUSER and BYPASSRLS', m.fqn)
      where o.rolsuper or o.rolbypassrls
      union all
      select 'Roles', format('there is no role %s', want), format(
        'CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION NOINHERIT;', want)
      from (values (m.app, app.oid), (m.system, sys.oid)) as v(want, got) where got is null
      union all
      select 'Roles', format('the role %s passes by row-level security', m.app), format('ALTER ROLE %I NOSUPERUSER NOBYPASSRLS;', m.app)
      where app.rolsuper or app.rolbypassrls
      union all
      select 'Roles', format('the role %s is a member of %s and could become it', m.app, other.rolname),
        case when other.oid = app.oid then format('ALTER TABLE %s OWNER TO another role than the application''s.', m.fqn)
          else format('REVOKE %I FROM %I;', other.rolname, m.app) end
      from pg_roles other where other.oid in (o.oid, sys.oid) and pg_has_role(app.oid, other.oid, 'MEMBER')
{{end}}

{{define "refuse_columns"}}      select 'Column', format('the column %I of %s is %s, and must be uuid', m.col, m.fqn, format_type(a.atttypid, a.atttypmod)),
        'Rename it, or change its type.'
      where a.attnum is not null and (a.attnum < 0 or a.atttypid <> 'uuid'::regtype)
      union all
      select 'Column', format('the column %I of %s is generated, and must be one that can be set', m.col, m.fqn),
        'ALTER TABLE ... ALTER COLUMN ... DROP EXPRESSION'
      where a.attgenerated <> '' or a.attidentity <> ''
      union all
      select 'Column', format('%s is protected by its column %I already, not by %I', m.fqn, earlier, m.col),
        'Leave Column as it was, or call Unprotect first.'
      from {{template "protectedcolumn" "m.rel"}} as e(earlier) where earlier <> m.col
      union all
      select 'Replace', format('%s has the permissive policy %I: policies are ORed, so it would add its rows to those of the tenant', m.fqn, pol.polname),
        'Set Replace to drop it, or make it a restrictive one.'
      from pg_policy pol
      where pol.polrelid = m.rel and pol.polpermissive and not coalesce(m.replace, false)
        and pol.polname not in (select p.polname from {{template "policies"}})
      union all
      select 'CompositeKey', format('%s has no primary key', m.fqn), 'Add one, or leave CompositeKey unset.'
      where m.top and m.key and not exists (select from pg_index i where i.indrelid = m.rel and i.indisprimary)
{{end}}

{{define "refuse_fks"}}      select m.fqn as name, 'ForeignKeys' as field, r.* into _bad
      from {{template "fks"}}
      join {{template "members"}} on m.rel = f.rel
      join pg_class t on t.oid = f.target
      cross join lateral (
        select format('the foreign key %I of %s is ON UPDATE SET %s, which would take the tenant off the row as well', f.conname, f.fqn,
            case f.upd when 'n' then 'NULL' else 'DEFAULT' end), 'Make it ON UPDATE CASCADE or NO ACTION.'
        where f.upd in ('n', 'd')
        union all
        select format('the foreign key %I of %s is MATCH FULL over columns that may be null, which no key with a tenant can be', f.conname, f.fqn),
          'Make it MATCH SIMPLE and add a CHECK that all of its columns are null or none.'
        where f.match = 'f' and f.nullable and not f.single
        union all
        select format('the foreign key %I of %s is temporal (PERIOD), which cannot be made composite', f.conname, f.fqn), 'Leave ForeignKeys unset for this table.'
        where f.period
        union all
        select format('the foreign key %I of %s refers to %s, which belongs to %s', f.conname, f.fqn, f.tfqn, t.relowner::regrole),
          'Give both tables the same owner, or leave ForeignKeys unset.'
        where not pg_has_role(t.relowner, 'USAGE')
      ) as r(sentence, hint)
      limit 1;
{{end}}
