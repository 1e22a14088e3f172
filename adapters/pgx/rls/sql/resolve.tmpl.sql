{{define "resolve"}}    -- Names mean what they mean to the caller; everything after that reads under pg_catalog
    -- alone, so that the server prints expressions in one way.
    perform pg_catalog.set_config('search_path', _path, true);
    _members := '[]';
    for _item in select s.n, s.name, null::oid as rel from {{template "specs"}} order by s.n loop
      begin
        _item.rel := to_regclass(_item.name);
      exception when others then
        raise exception using errcode = 'ST001',
          message = format('%s cannot be looked up: %s', _item.name, sqlerrm),
          hint = 'Write table, schema.table or, for names with capitals or dots, "Table".',
          detail = jsonb_build_object('table', _item.name, 'field', 'Name');
      end;
      if _item.rel is null then
        raise exception using errcode = 'ST001',
          message = format('there is no table %s', _item.name),
          hint = format('The search_path is %s.', _path),
          detail = jsonb_build_object('table', _item.name, 'field', 'Name');
      end if;
      _members := _members || jsonb_build_object('n', _item.n, 'rel', _item.rel);
    end loop;
    perform pg_catalog.set_config('search_path', 'pg_catalog', true);

    -- With pg_inherits, for pg_partition_tree takes locks, and two sessions that both hold them deadlock.
    with recursive tree as (
      select r.n, r.rel, r.rel as root, true as top
      from jsonb_to_recordset(_members) as r(n int, rel oid)
      union all
      select t.n, i.inhrelid, t.root, false
      from tree t
      join pg_class p on p.oid = t.rel and p.relkind = 'p'
      join pg_inherits i on i.inhparent = t.rel
    )
    select jsonb_agg(to_jsonb(m) order by m.n, m.top desc, m.rel) into _members
    from (
      select t.n, t.rel, t.root, t.top, format('%I.%I', ns.nspname, c.relname) as fqn, s.col, a.attnum as att,
        s.key, s.fks, s.replace, s.app, s.system
      from tree t
      join {{template "specs"}} on s.n = t.n
      join pg_class c on c.oid = t.rel
      join pg_namespace ns on ns.oid = c.relnamespace
      left join pg_attribute a on a.attrelid = t.rel and a.attname = s.col and not a.attisdropped
    ) m;
{{end}}

{{define "keys"}}    -- Foreign keys to a protected table that do not carry the tenant yet.
    select coalesce(jsonb_agg(to_jsonb(f) order by f.rel, f.conname), '[]') into _fks
    from (
      select con.oid as con, con.conname, con.conrelid as rel, m.fqn, m.col, con.confrelid as target,
        format('%I.%I', ns.nspname, c.relname) as tfqn, t.col as tcol, a.attnum as tatt,
        k.*, coalesce(d.cols, k.cols) as delcols,
        con.confupdtype as upd, con.confdeltype as del, con.confmatchtype as match,
        con.condeferrable as candefer, con.condeferred as deferred,
        -- Columns that the oldest supported version does not have.
        coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true) as enforced,
        coalesce((to_jsonb(con) ->> 'conperiod')::boolean, false) as period,
        obj_description(con.oid, 'pg_constraint') as remark
      from {{template "members"}}
      join pg_constraint con on con.conrelid = m.rel and con.contype = 'f' and con.conparentid = 0
      join pg_class c on c.oid = con.confrelid
      join pg_namespace ns on ns.oid = c.relnamespace
      cross join lateral (
        select coalesce(
          (select i.col from jsonb_to_recordset(_members) as i(rel oid, col text) where i.rel = con.confrelid limit 1),
          {{template "protectedcolumn" "con.confrelid"}}) as col
      ) t
      left join pg_attribute a on a.attrelid = con.confrelid and a.attname = t.col and not a.attisdropped
      cross join {{template "fkcolumns"}}
      left join lateral (
        select string_agg(quote_ident(a.attname), ', ' order by k.n) as cols
        from unnest(con.confdelsetcols) with ordinality as k(att, n)
        join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.att
      ) d on true
      where m.fks and t.col is not null
        and not exists (select from unnest(con.conkey, con.confkey) as k(att, ref) where k.att = m.att and k.ref = a.attnum)
    ) f;
{{end}}
