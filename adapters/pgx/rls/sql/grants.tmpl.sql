{{define "plan_grants"}}    -- Phase 9. Exactly these four: TRUNCATE passes by policies, and nobody needs REFERENCES or TRIGGER.
    -- A partition is reached through its parent; nothing is granted on it, only taken away.
    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', 9, 'rel', m.rel, 'sql', g.sql))
      from {{template "members"}}
      join pg_class c on c.oid = m.rel
      cross join (values ('select'), ('insert'), ('update'), ('delete')) as w(need)
      cross join lateral (
        select format('grant %s on table %s to %I', w.need, m.fqn, r.rolname) as sql
        from pg_roles r
        where m.top and r.rolname in (m.app, m.system) and not exists (
          select from aclexplode(c.relacl) x where x.grantee = r.oid and lower(x.privilege_type) = w.need)
      ) g
    ), '[]');

    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', 9, 'rel', m.rel, 'sql', case
        when surplus then format('revoke %s on table %s from %s', x.privilege_type, m.fqn, coalesce(quote_ident(r.rolname), 'public'))
        else format('revoke grant option for %s on table %s from %I', x.privilege_type, m.fqn, r.rolname) end))
      from {{template "members"}}
      join pg_class c on c.oid = m.rel
      cross join aclexplode(c.relacl) x
      left join pg_roles r on r.oid = x.grantee
      cross join lateral (select x.grantee = 0 or x.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')) as s(surplus)
      where x.grantee = 0 or r.rolname in (m.app, m.system) and (surplus or x.is_grantable)
    ), '[]');

    -- The sequences that fill its columns, and the schema.
    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', 9, 'rel', m.rel, 'sql', g.sql))
      from {{template "members"}}
      join pg_class c on c.oid = m.rel
      join pg_roles r on r.rolname in (m.app, m.system)
      cross join lateral (
        select format('grant usage on sequence %s to %I', seq.oid::regclass, r.rolname) as sql
        from pg_depend d
        join pg_class seq on seq.oid = d.objid and seq.relkind = 'S'
        where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = m.rel and d.refobjsubid > 0
          and d.deptype in ('a', 'i')
          and case when seq.relkind = 'S' then not has_sequence_privilege(r.oid, seq.oid, 'USAGE') end -- asked of an index, it fails
        union all
        select format('grant usage on schema %s to %I', c.relnamespace::regnamespace, r.rolname)
        where not has_schema_privilege(r.oid, c.relnamespace, 'USAGE')
      ) g
      where m.top
    ), '[]');
{{end}}
