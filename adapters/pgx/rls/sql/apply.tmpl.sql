{{define "apply"}}    for _item in select t.sql from {{template "todo"}} where t.phase = 1 loop
      execute _item.sql;
    end loop;

    _lifted := '{}';
    if _deep then
      -- FORCE hides rows from the owner: a count would find none without a tenant, and a key over
      -- orphans would be declared valid. With row_security off, what is still hidden is an error.
      perform set_config('row_security', 'off', true);
{{template "lift"}}
{{template "fill"}}
    end if;

    for _item in select t.phase, t.sql, t.con from jsonb_to_recordset(_todo) as t(phase int, sql text, con oid)
      where t.phase between 2 and 6 order by t.phase
    loop
      if _item.phase < 6 then
        execute _item.sql;
        continue;
      end if;
      begin
        execute _item.sql;
      exception when foreign_key_violation then
        select f.* into _bad from {{template "fks"}} where f.con = _item.con;
        execute format('select count(*) from %s r where %s and not exists (select from %s t where t.%I = r.%I and %s)',
          _bad.fqn, _bad.given, _bad.tfqn, _bad.tcol, _bad.col, _bad.joined) into _count;
        raise exception using errcode = 'ST001',
          message = format('rows of %s that refer, by the foreign key %I, to a row of %s of another tenant, or to none: %s',
            _bad.fqn, _bad.conname, _bad.tfqn, _count),
          hint = 'Correct the rows, then run this again.',
          detail = jsonb_build_object('table', _bad.fqn, 'field', 'ForeignKeys', 'rows', _count);
      end;
    end loop;

    for _item in select l.rel::regclass as rel from unnest(_lifted) as l(rel) order by 1 loop
      execute format('alter table only %s force row level security', _item.rel);
    end loop;
    perform set_config('row_security', _security, true);
    for _item in select t.sql from {{template "todo"}} where t.phase between 7 and 9 order by t.phase loop
      execute _item.sql;
    end loop;
{{end}}

{{define "lift"}}      for _item in
        select c.oid, c.oid::regclass as rel
        from pg_class c
        where c.relforcerowsecurity
          and c.oid in (select m.rel from {{template "members"}} union select f.target from {{template "fks"}})
        order by 1
      loop
        execute format('alter table only %s no force row level security', _item.rel);
        _lifted := _lifted || _item.oid;
      end loop;
{{end}}

{{define "fill"}}      -- In the order in which the tables were named, since a line may take its tenant from its head.
      for _item in
        select m.rel, m.fqn, m.col, m.att, s.name, s.tenant, s.expr, s."from", s."where",
          exists (select from {{template "todo"}} where t.phase = 2 and t.rel = m.rel) as due
        from {{template "members"}} join {{template "specs"}} on s.n = m.n
        where m.top
        order by m.n
      loop
        continue when not _item.due;
        if _item.expr is not null then
          perform set_config('search_path', _path, true);
          begin
{{template "fill_sources"}}
{{template "fill_ambiguous"}}
            execute concat(format('update %s set %I = (', _item.fqn, _item.col), _item.expr, E'\n)',
              ' from ' || _item."from" || E'\n', format(' where %s.%I is null', _item.fqn, _item.col), ' and (' || _item."where" || E'\n)');
          exception when syntax_error_or_access_rule_violation or data_exception or cardinality_violation then
            raise exception using errcode = 'ST001',
              message = format('the Backfill of %s does not work: %s', _item.name, sqlerrm),
              hint = format('It is the text that follows UPDATE %s SET %I =. A protected table that it reads through a view or a function must be named in the same call.',
                _item.fqn, _item.col),
              detail = jsonb_build_object('table', _item.name, 'field', 'Backfill');
          end;
          perform set_config('search_path', 'pg_catalog', true);
        elsif _item.tenant is not null and _item.att is not null then
          execute format('update %s set %I = %L where %I is null', _item.fqn, _item.col, _item.tenant, _item.col);
        end if;

        execute format('select count(*) from %s where %I is null', _item.fqn, _item.col) into _count;
        if _count > 0 then
          raise exception using errcode = 'ST001',
            message = format('rows of %s left without a tenant: %s', _item.fqn, _count),
            hint = case when _item.expr is not null then 'The Backfill gives them none.' else 'Say whose they are: set Tenant or Backfill.' end,
            detail = jsonb_build_object('table', _item.name, 'field', case when _item.expr is not null then 'Backfill' else 'Tenant' end, 'rows', _count);
        end if;
      end loop;
      set constraints all immediate; -- a table with deferred checks pending cannot be altered
{{end}}

{{/* What the Backfill reads: the server tells, once it is the body of a function. */}}
{{define "fill_sources"}}            perform set_config('row_security', 'on', true); -- the server applies policies when it checks the body
            execute concat('create function pg_temp.stratum_backfill() returns void language sql begin atomic ',
              format('update %s set %I = (', _item.fqn, _item.col), _item.expr, E'\n)',
              ' from ' || _item."from" || E'\n', ' where (' || _item."where" || E'\n)', '; end');
            for _bad in
              select distinct c.oid, format('%I.%I', ns.nspname, c.relname) as fqn
              from pg_depend d
              join pg_class c on c.oid = d.refobjid and c.relkind in ('r', 'p') and c.relforcerowsecurity
              join pg_namespace ns on ns.oid = c.relnamespace
              where d.classid = 'pg_proc'::regclass and d.objid = to_regproc('pg_temp.stratum_backfill') -- a literal would stay the first table's
                and d.refclassid = 'pg_class'::regclass and pg_has_role(c.relowner, 'USAGE')
              order by 1
            loop
              execute format('alter table only %s no force row level security', _bad.fqn);
              _lifted := _lifted || _bad.oid;
            end loop;
            drop function pg_temp.stratum_backfill();
            perform set_config('row_security', 'off', true);
{{end}}

{{/* A join that meets several rows would take the tenant of any of them. */}}
{{define "fill_ambiguous"}}            if _item."from" is not null then
              execute concat(format('select count(*) from (select from %s, ', _item.fqn), _item."from" || E'\n',
                format(' where %s.%I is null', _item.fqn, _item.col), ' and (' || _item."where" || E'\n)',
                format(' group by %1$s.tableoid, %1$s.ctid having count(distinct (', _item.fqn), _item.expr, E'\n)) > 1) stratum') into _count;
              if _count > 0 then
                raise exception using errcode = 'ST001',
                  message = format('rows of %s for which the Backfill finds more than one tenant: %s', _item.fqn, _count),
                  hint = 'Join by a key, so that each row meets one other.',
                  detail = jsonb_build_object('table', _item.name, 'field', 'Backfill', 'rows', _count);
              end if;
            end if;
{{end}}
