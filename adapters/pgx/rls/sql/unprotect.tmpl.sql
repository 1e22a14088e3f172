{{define "unprotect"}}do {{.Tag}}
-- Takes away what protect gave, and keeps columns, keys, indexes and rows.
#variable_conflict use_column
declare
  _specs   constant jsonb := {{.SpecTag}}{{.Specs}}{{.SpecTag}};
  _jit     constant text := pg_catalog.current_setting('jit');
  _path    constant text := pg_catalog.current_setting('search_path');
  _members jsonb;
  _fks     constant jsonb := '[]';
  _deep    constant boolean := false;
  _todo    jsonb;
  _item    record;
  _bad     record;
begin
{{template "guard"}}
  -- Compiling these queries would take longer than they do: the server cannot guess how few rows there are.
  perform pg_catalog.set_config('jit', 'off', true);

  for _pass in 1..3 loop
{{template "resolve"}}
    select s.name, r.* into _bad
    from {{template "members"}}
    join {{template "specs"}} on s.n = m.n
    join pg_class c on c.oid = m.rel
    cross join lateral (
      select format('%s is a partition of %s, and is protected with it', m.fqn, pg_partition_root(m.rel)::regclass) as sentence,
        format('Name %s instead.', pg_partition_root(m.rel)::regclass) as hint
      where m.top and c.relispartition
      union all
      select format('%s belongs to %s, and this connection to %s', m.fqn, c.relowner::regrole, current_user),
        format('Connect as %s.', c.relowner::regrole)
      where not pg_has_role(c.relowner, 'USAGE')
    ) r
    order by s.n
    limit 1;
    if found then
      raise exception using errcode = 'ST001', message = _bad.sentence, hint = _bad.hint,
        detail = jsonb_build_object('table', _bad.name, 'field', 'Name');
    end if;

    _todo := '[]';
{{template "plan_unprotect" .}}
    exit when _todo = '[]';
    if _pass = 3 then
      raise exception using errcode = 'ST001',
        message = format('this did not take effect: %s', (select t.sql from {{template "todo"}} order by t.phase limit 1)),
        hint = 'Somebody else may have granted it, or own what it is about.',
        detail = jsonb_build_object('field', 'Name');
    elsif _pass = 1 then
{{template "lock"}}
      continue;
    end if;
    for _item in select t.sql from {{template "todo"}} order by t.phase loop
      execute _item.sql;
    end loop;
  end loop;
  perform pg_catalog.set_config('search_path', _path, true), pg_catalog.set_config('jit', _jit, true);
end
{{.Tag}};
{{end}}

{{define "plan_unprotect"}}    -- Grants go first: without policies they would show the rows of every tenant. Policies that are
    -- not ours stay in force.
    select coalesce(jsonb_agg(jsonb_build_object('phase', w.phase, 'rel', m.rel, 'sql', w.sql)), '[]') into _todo
    from {{template "members"}}
    join pg_class c on c.oid = m.rel
    cross join lateral (
      select 1 as phase, format('revoke %s on table %s from %I', x.privilege_type, m.fqn, r.rolname) as sql
      from aclexplode(c.relacl) x
      join pg_roles r on r.oid = x.grantee and r.rolname in (m.app, m.system)
      where x.privilege_type in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
      union all
      select 2, format('drop policy %I on %s', pol.polname, m.fqn)
      from pg_policy pol
      where pol.polrelid = m.rel and pol.polname in (select p.polname from {{template "policies"}})
      union all
      select 3, format('alter table only %s disable row level security, no force row level security', m.fqn)
      where (c.relrowsecurity or c.relforcerowsecurity) and not exists (
        select from pg_policy pol
        where pol.polrelid = m.rel and pol.polname not in (select p.polname from {{template "policies"}}))
      union all
      select 4, format('alter table only %s alter column %I drop default', m.fqn, m.col)
      from pg_attrdef d
      where d.adrelid = m.rel and d.adnum = m.att and pg_get_expr(d.adbin, d.adrelid) = '{{template "stamp" .}}'
    ) w
    where exists (
      select from pg_policy pol
      where pol.polrelid = m.rel and pol.polname in (select p.polname from {{template "policies"}}));
{{end}}
