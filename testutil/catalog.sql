-- The catalog as one document. $1 is the role through which the database is attacked.
with rel as (
  select c.oid, n.nspname, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relowner, c.relpages, c.reloptions
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
)
select json_build_object(
'tables', (select coalesce(json_agg(t order by t."Schema", t."Name"), '[]') from (
  select c.oid::bigint as "OID", c.nspname as "Schema", c.relname as "Name", c.relkind as "Kind",
    c.relrowsecurity as "Secured", c.relforcerowsecurity as "Forced", c.relpages::bigint as "Pages",
    pg_get_userbyid(c.relowner) as "Owner", pg_has_role($1::name, c.relowner, 'USAGE') as "Owned", c.relispartition as "Partition",
    (select i.inhparent::bigint from pg_inherits i where i.inhrelid = c.oid order by i.inhseqno limit 1) as "Parent",
    case when c.relispartition then pg_get_partition_constraintdef(c.oid) end as "Bound",
    json_build_object(
      'Select', has_schema_privilege($1::name, c.nspname, 'usage') and has_any_column_privilege($1::name, c.oid, 'select'),
      'Insert', has_schema_privilege($1::name, c.nspname, 'usage') and has_any_column_privilege($1::name, c.oid, 'insert'),
      'Update', has_schema_privilege($1::name, c.nspname, 'usage') and has_any_column_privilege($1::name, c.oid, 'update'),
      'Delete', has_schema_privilege($1::name, c.nspname, 'usage') and has_table_privilege($1::name, c.oid, 'delete'),
      'Truncate', has_schema_privilege($1::name, c.nspname, 'usage') and has_table_privilege($1::name, c.oid, 'truncate')) as "May",
    (select json_agg(json_build_object(
        'Name', a.attname, 'Type', format_type(a.atttypid, a.atttypmod), 'NotNull', a.attnotnull or b.strict,
        'Default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
        'Generated', a.attgenerated <> '', 'Identity', a.attidentity,
        'Base', format_type(b.oid, case when b.depth = 0 then a.atttypmod else b.mod end),
        'Domain', case when b.depth > 0 then (select json_agg(pg_get_constraintdef(k.oid)) from pg_constraint k where k.contypid = any (b.path) and k.contype = 'c') end,
        'Category', bt.typcategory, 'Composite', bt.typtype = 'c',
        'Element', case when bt.typcategory = 'A' then format_type(bt.typelem, case when b.depth = 0 then a.atttypmod else b.mod end) end,
        'Labels', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid in (b.oid, bt.typelem)),
        'Fields', (select count(*) from pg_attribute f where f.attrelid = bt.typrelid and bt.typrelid <> 0 and f.attnum > 0 and not f.attisdropped),
        'Insertable', has_column_privilege($1::name, c.oid, a.attnum, 'insert'),
        'Updatable', has_column_privilege($1::name, c.oid, a.attnum, 'update')) order by a.attnum)
      from pg_attribute a
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      cross join lateral (
        with recursive base as (
          select t.oid, t.typbasetype, t.typtype, t.typtypmod, null::int as mod, 0 as depth, array[t.oid] as path, t.typnotnull as strict
          from pg_type t where t.oid = a.atttypid
          union all
          select t.oid, t.typbasetype, t.typtype, t.typtypmod, base.typtypmod, base.depth + 1, base.path || t.oid, base.strict or t.typnotnull
          from base join pg_type t on t.oid = base.typbasetype where base.typtype = 'd')
        select base.oid, base.mod, base.depth, base.path, base.strict from base order by depth desc limit 1) b
      join pg_type bt on bt.oid = b.oid
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as "Columns",
    (select json_agg(json_build_object('Name', ic.relname, 'Columns', k.columns, 'Primary', i.indisprimary, 'Exclusion', i.indisexclusion,
        'Plain', i.indpred is null and i.indexprs is null and not i.indisexclusion) order by not i.indisprimary, ic.relname)
      from pg_index i join pg_class ic on ic.oid = i.indexrelid
      cross join lateral (
        select coalesce(json_agg(distinct a.attname), '[]') as columns from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and (a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
          or (i.indpred is not null or i.indexprs is not null) and exists (select from pg_depend p where p.classid = 'pg_class'::regclass and p.objid = i.indexrelid
            and p.refclassid = 'pg_class'::regclass and p.refobjid = c.oid and p.refobjsubid = a.attnum))) k
      where i.indrelid = c.oid and (i.indisunique or i.indisexclusion)) as "Keys",
    (select json_agg(json_build_object('Name', k.conname, 'Target', k.confrelid::bigint, 'Deferrable', k.condeferrable, 'Def', pg_get_constraintdef(k.oid),
        'OnDelete', k.confdeltype, 'OnUpdate', k.confupdtype,
        'Columns', (select json_agg(a.attname order by u.n) from unnest(k.conkey) with ordinality u(att, n) join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.att),
        'Refs', (select json_agg(a.attname order by u.n) from unnest(k.confkey) with ordinality u(att, n) join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.att))
        order by k.conname)
      from pg_constraint k where k.conrelid = c.oid and k.contype = 'f' and not exists ( -- a key to a partitioned table has one more for each partition
        select from pg_constraint up where up.oid = k.conparentid and up.conrelid = k.conrelid)) as "ForeignKeys",
    (select json_agg(json_build_object('Expr', pg_get_expr(k.conbin, k.conrelid),
        'Columns', (select json_agg(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum = any (k.conkey))) order by k.conname)
      from pg_constraint k where k.conrelid = c.oid and k.contype = 'c') as "Checks",
    (select json_agg(json_build_object('Name', p.polname, 'Command', p.polcmd, 'Permissive', p.polpermissive,
        'Applies', 0 = any (p.polroles) or exists (select from unnest(p.polroles) r where r <> 0 and pg_has_role($1::name, r, 'USAGE')),
        'Using', coalesce(pg_get_expr(p.polqual, p.polrelid), ''), 'Check', coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')) order by p.polname)
      from pg_policy p where p.polrelid = c.oid) as "Policies"
  from rel c where c.relkind in ('r', 'p', 'f')) t),
'views', (select coalesce(json_agg(v order by v."Schema", v."Name"), '[]') from (
  select c.oid::bigint as "OID", c.nspname as "Schema", c.relname as "Name", c.relkind as "Kind", pg_get_userbyid(c.relowner) as "Owner",
    has_schema_privilege($1::name, c.nspname, 'usage') and has_any_column_privilege($1::name, c.oid, 'select') as "Select",
    has_schema_privilege($1::name, c.nspname, 'usage') and has_table_privilege($1::name, c.oid, 'delete') as "Delete",
    has_schema_privilege($1::name, c.nspname, 'usage') and has_any_column_privilege($1::name, c.oid, 'update') as "Update",
    (select json_agg(a.attname order by a.attnum) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as "Columns",
    (with recursive below as (
        select c.oid as rel
        union
        select d.refobjid from below join pg_rewrite r on r.ev_class = below.rel
        join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid and d.refclassid = 'pg_class'::regclass and d.refobjid <> below.rel)
      select json_agg(distinct a.attname) from below join pg_attribute a on a.attrelid = below.rel and a.attnum > 0 where below.rel <> c.oid) as "Reads"
  from rel c where c.relkind in ('v', 'm')) v),
'functions', (select coalesce(json_agg(f order by f."Schema", f."Name", f."Signature"), '[]') from (
  select n.nspname as "Schema", p.proname as "Name", p.oid::regprocedure::text as "Signature", p.prokind as "Kind", p.proretset as "Set", pg_get_userbyid(p.proowner) as "Owner",
    p.prosecdef as "Definer", p.prorettype = 'trigger'::regtype or p.prorettype = 'event_trigger'::regtype as "Trigger", p.prosrc as "Source",
    p.provolatile as "Volatile",
    has_schema_privilege($1::name, n.oid, 'usage') and has_function_privilege($1::name, p.oid, 'execute') as "Execute",
    (select json_agg(format_type(x, null) order by i) from unnest(p.proargtypes::oid[]) with ordinality u(x, i) where i <= p.pronargs - p.pronargdefaults) as "Args"
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')) f),
'sequences', (select coalesce(json_agg(s order by s."Schema", s."Name"), '[]') from (
  select c.nspname as "Schema", c.relname as "Name",
    has_sequence_privilege($1::name, c.oid, 'select') as "Select", has_sequence_privilege($1::name, c.oid, 'update') as "Update",
    has_sequence_privilege($1::name, c.oid, 'usage') as "Usage"
  from rel c where c.relkind = 'S') s),
'role', (select json_build_object('Super', r.rolsuper, 'Bypass', r.rolbypassrls, 'CreateRole', r.rolcreaterole,
    'Member', (select coalesce(json_agg(o.rolname order by o.rolname), '[]') from pg_roles o where o.oid <> r.oid and o.rolname !~ '^pg_' and pg_has_role($1::name, o.oid, 'MEMBER')
      and (o.rolsuper or o.rolbypassrls or exists (select from rel c where c.relowner = o.oid and c.relkind in ('r', 'p')))),
    'Files', (select coalesce(json_agg(o.rolname order by o.rolname), '[]') from pg_roles o where o.rolname in ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program', 'pg_read_all_data', 'pg_write_all_data')
      and not r.rolsuper and pg_has_role($1::name, o.oid, 'MEMBER')))
  from pg_roles r where r.rolname = $1::name),
'roles', (select coalesce(json_agg(r.rolname order by r.rolname), '[]') from pg_roles r where r.rolname !~ '^pg_' and r.rolname <> $1::name),
'version', current_setting('server_version_num')::int
)::text
