{{/* Row sets that several parts read. Each stands behind FROM. */}}

{{define "specs"}}jsonb_to_recordset(_specs) as s(n int, name text, col text, tenant uuid, expr text, "from" text, "where" text,
        key boolean, fks boolean, replace boolean, app text, system text){{end}}

{{/* A member is a table that was named, or a partition of one. att is null while the column is missing. */}}
{{define "members"}}jsonb_to_recordset(_members) as m(n int, rel oid, root oid, top boolean, fqn text, col text, att int2,
        key boolean, fks boolean, replace boolean, app text, system text){{end}}

{{define "fks"}}jsonb_to_recordset(_fks) as f(con oid, conname text, rel oid, fqn text, col text, target oid, tfqn text, tcol text, tatt int2,
        cols text, refs text, refatts int2[], delcols text, nullable boolean, single boolean, joined text, given text, upd text, del text, match text,
        candefer boolean, deferred boolean, enforced boolean, period boolean, remark text){{end}}

{{define "todo"}}jsonb_to_recordset(_todo) as t(phase int, rel oid, sql text){{end}}

{{/* The column that the policies of the table {{.}} compare: each policy depends on it. Null if the table has no such policy. */}}
{{define "protectedcolumn"}}(
        select min(a.attname)::text
        from pg_policy p
        join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
          and d.refclassid = 'pg_class'::regclass and d.refobjid = p.polrelid and d.refobjsubid > 0
        join pg_attribute a on a.attrelid = p.polrelid and a.attnum = d.refobjsubid
        where p.polrelid = {{.}} and p.polname in ('stratum_select', 'stratum_insert', 'stratum_update', 'stratum_delete')){{end}}

{{/* The columns of the foreign key con, and the condition under which its rows r and t belong together. */}}
{{define "fkcolumns"}}lateral (
        select string_agg(quote_ident(a.attname), ', ' order by k.n) as cols,
          string_agg(quote_ident(b.attname), ', ' order by k.n) as refs,
          array_agg(b.attnum order by b.attnum) as refatts,
          count(*) = 1 as single,
          not bool_and(a.attnotnull) as nullable,
          string_agg(format('t.%I = r.%I', b.attname, a.attname), ' and ' order by k.n) as joined,
          string_agg(format('r.%I is not null', a.attname), ' and ' order by k.n) as given
        from unnest(con.conkey, con.confkey) with ordinality as k(att, ref, n)
        join pg_attribute a on a.attrelid = con.conrelid and a.attnum = k.att
        join pg_attribute b on b.attrelid = con.confrelid and b.attnum = k.ref) k{{end}}

{{/* The setting as the server prints it back, with pg_catalog alone on the search path. */}}
{{define "stamp"}}(NULLIF(current_setting(''{{.Setting}}''::text, true), ''''::text))::uuid{{end}}

{{/* The policies a protected table has: the one place that lists them. A role
     is matched by one policy per command and never by two, because permissive policies
     are ORed, and an OR costs the index. The policy of subtree reads will be
     one more line, for SELECT alone, to a role of its own. */}}
{{define "policies"}}(values
        ('stratum_select',        'r', 'select', 'app',    true,  false),
        ('stratum_insert',        'a', 'insert', 'app',    false, true),
        ('stratum_update',        'w', 'update', 'app',    true,  true),
        ('stratum_delete',        'd', 'delete', 'app',    true,  false),
        ('stratum_system_select', 'r', 'select', 'system', true,  false),
        ('stratum_system_insert', 'a', 'insert', 'system', false, true),
        ('stratum_system_update', 'w', 'update', 'system', true,  true),
        ('stratum_system_delete', 'd', 'delete', 'system', true,  false)
      ) as p(polname, cmd, verb, who, reads, writes){{end}}

{{/* Of the policy p on the table m: its role, its body as written and as printed, and the comment with the hash. */}}
{{define "policybody"}}lateral (
        select case p.who when 'app' then m.app else m.system end as role,
          case p.who when 'app' then format('%I = (select nullif(pg_catalog.current_setting(''{{.Setting}}'', true), '''')::uuid)', m.col) else 'true' end as body,
          case p.who when 'app' then format('(%I = ( SELECT {{template "stamp" .}} AS "nullif"))', m.col) else 'true' end as printed
      ) b
      cross join lateral (
        select format('Made by Stratum, which restores it when it is edited. Hash of the body: %s',
          left(encode(sha256(convert_to(concat_ws(' ', p.verb, b.role, b.printed), 'UTF8')), 'hex'), 16)) as remark
      ) h{{end}}

{{/* The SQL that makes it. */}}
{{define "createpolicy"}}concat(
        format('create policy %I on %s as permissive for %s to %I', p.polname, m.fqn, p.verb, b.role),
        case when p.reads then format(' using (%s)', b.body) end,
        case when p.writes then format(' with check (%s)', b.body) end,
        format('; comment on policy %I on %s is %L', p.polname, m.fqn, h.remark)){{end}}

{{/* The key columns of the index i: as text without the tenant's {{.}} in front, and as a sorted set. */}}
{{define "indexcolumns"}}lateral (
        select string_agg(quote_ident(a.attname), ', ' order by x.n) filter (where a.attname <> {{.}}) as cols,
          array_agg(a.attnum order by a.attnum) as atts
        from unnest(i.indkey::int2[]) with ordinality as x(att, n)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = x.att
        where x.n <= i.indnkeyatts) k{{end}}

{{/* Only one Protect, Unprotect or Maintain at a time in a database: none of them can deadlock with another. */}}
{{define "serialize"}}pg_advisory_xact_lock(8390046114268379763){{end}}
