{{define "plan_columns"}}    -- Phases 1 to 3. A new column whose rows all go to one tenant is a change of the catalog only.
    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', w.phase, 'rel', w.rel, 'sql', w.sql) order by w.n)
      from (
        select 1 as phase, m.rel, m.n, format('alter table %s add column %I uuid%s', m.fqn, m.col,
          case when s.tenant is not null then format(' not null default %L', s.tenant) else '' end) as sql
        from {{template "members"}} join {{template "specs"}} on s.n = m.n
        where m.top and m.att is null
        union all
        select 2, m.rel, m.n, format('alter table %s alter column %I set not null', m.fqn, m.col)
        from {{template "members"}}
        left join pg_attribute a on a.attrelid = m.rel and a.attnum = m.att
        where m.top and (a.attnotnull is not true or exists ( -- 18 has NOT NULL constraints that are not valid yet
          select from pg_constraint nn where nn.conrelid = m.rel and nn.contype = 'n' and nn.conkey = array[m.att] and not nn.convalidated))
        union all
        select 3, m.rel, m.n, format(
          'alter table only %s alter column %I set default nullif(pg_catalog.current_setting(''{{.Setting}}'', true), '''')::uuid', m.fqn, m.col)
        from {{template "members"}}
        left join pg_attrdef d on d.adrelid = m.rel and d.adnum = m.att
        where pg_get_expr(d.adbin, d.adrelid) is distinct from '{{template "stamp" .}}'
      ) w), '[]');
{{end}}

{{define "plan_keys"}}    -- Phases 4 to 6. Unique keys with the tenant in front come first: each is an index that leads with it.
    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', 4, 'rel', u.rel, 'sql', format('alter table %s add unique (%I, %s)', u.fqn, u.col, u.cols)))
      from (
        select distinct on (w.rel, w.atts) w.*
        from (
          select m.rel, m.fqn, m.col, m.att, k.cols, k.atts
          from {{template "members"}}
          join pg_index i on i.indrelid = m.rel and i.indisprimary
          cross join {{template "indexcolumns" "m.col"}}
          where m.top and m.key
          union all
          select f.target, f.tfqn, f.tcol, f.tatt, f.refs, f.refatts from {{template "fks"}}
        ) w
        order by w.rel, w.atts, w.cols
      ) u
      where not exists (
        select from pg_index i cross join {{template "indexcolumns" "u.col"}}
        where i.indrelid = u.rel and i.indisunique and i.indimmediate and i.indisvalid and i.indpred is null and i.indexprs is null
          and k.atts = array(select distinct e from unnest(u.atts || u.att) e order by e))
    ), '[]');

    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', 5, 'rel', m.rel, 'sql', format('create index on %s (%I%s)', m.fqn, m.col, ', ' || k.cols)) order by m.n)
      from {{template "members"}}
      left join pg_index i on i.indrelid = m.rel and i.indisprimary
      left join {{template "indexcolumns" "m.col"}} on true
      where m.top
        and not exists (select from {{template "todo"}} where t.phase = 4 and t.rel = m.rel)
        and not exists (
          select from pg_index x join pg_class xc on xc.oid = x.indexrelid join pg_am am on am.oid = xc.relam
          where x.indrelid = m.rel and am.amname = 'btree' and x.indisvalid and x.indpred is null and x.indkey[0] = m.att)
    ), '[]');

    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', 6, 'rel', f.rel, 'con', f.con, 'sql', concat(
        format('alter table %s drop constraint %I, add constraint %I foreign key (%I, %s) references %s (%I, %s)',
          f.fqn, f.conname, f.conname, f.col, f.cols, f.tfqn, f.tcol, f.refs),
        -- Over one column that may be null, MATCH FULL is MATCH SIMPLE; with the tenant it would refuse the null.
        case when f.match = 'f' and not f.nullable then ' match full' end,
        case f.upd when 'r' then ' on update restrict' when 'c' then ' on update cascade' end,
        case f.del when 'r' then ' on delete restrict' when 'c' then ' on delete cascade'
          when 'n' then format(' on delete set null (%s)', f.delcols) when 'd' then format(' on delete set default (%s)', f.delcols) end,
        case when f.candefer then ' deferrable' end, case when f.deferred then ' initially deferred' end,
        case when not f.enforced then ' not enforced' end,
        format('; comment on constraint %I on %s is %L', f.conname, f.fqn, f.remark))))
      from {{template "fks"}}
    ), '[]');
{{end}}

{{define "plan_policies"}}    -- Phases 7 and 8. A policy is compared as a whole: command, role, kind, expressions, and the hash
    -- of these in its comment, which lets a checker see an edit without knowing the roles.
    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', 7, 'rel', m.rel, 'sql', format('drop policy %I on %s', pol.polname, m.fqn)))
      from {{template "members"}}
      join pg_policy pol on pol.polrelid = m.rel and pol.polpermissive
      where m.replace and pol.polname not in (select p.polname from {{template "policies"}})
    ), '[]');

    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', 7, 'rel', m.rel, 'sql', concat(
        case when pol.oid is not null then format('drop policy %I on %s; ', p.polname, m.fqn) end,
        {{template "createpolicy"}})))
      from {{template "members"}}
      cross join {{template "policies"}}
      cross join {{template "policybody" .}}
      left join pg_policy pol on pol.polrelid = m.rel and pol.polname = p.polname
      where pol.oid is null or not pol.polpermissive or pol.polcmd::text <> p.cmd
        or pol.polroles <> array(select r.oid from pg_roles r where r.rolname = b.role)
        or pg_get_expr(pol.polqual, pol.polrelid) is distinct from case when p.reads then b.printed end
        or pg_get_expr(pol.polwithcheck, pol.polrelid) is distinct from case when p.writes then b.printed end
        or obj_description(pol.oid, 'pg_policy') is distinct from h.remark
    ), '[]');

    _todo := _todo || coalesce((
      select jsonb_agg(jsonb_build_object('phase', 8, 'rel', m.rel,
        'sql', format('alter table only %s enable row level security, force row level security', m.fqn)))
      from {{template "members"}}
      join pg_class c on c.oid = m.rel
      where not (c.relrowsecurity and c.relforcerowsecurity)
    ), '[]');
{{end}}
