{{/* Rules on tables, their columns and their grants. */}}

{{define "rule_rls_disabled"}}select 'table', m.fqn, format('%s has the tenant''s column %I, and no row-level security', m.fqn, m.col),
  format(E'alter table only %s enable row level security, force row level security;', m.fqn) || case when m.att is not null and not m.has_policy then E'\n' || a.sql else '' end, null
from rel m join allpolicies a on a.rel = m.rel
where not m.relrowsecurity and not exists (
  select from pg_inherits i join rel t on t.rel = i.inhparent where i.inhrelid = m.rel and t.relrowsecurity){{end}}

{{define "rule_partition_unprotected"}}select 'table', m.fqn, format('%s is a %s of %s and %s', m.fqn, case when m.relispartition then 'partition' else 'child' end, i.inhparent::regclass,
    case when not m.relrowsecurity then 'has no row-level security' when not m.relforcerowsecurity then 'is not under FORCE' else 'has no policies' end),
  format(E'alter table only %s enable row level security, force row level security;', m.fqn) || case when not m.has_policy then E'\n' || a.sql else '' end, null
from rel m join allpolicies a on a.rel = m.rel join pg_inherits i on i.inhrelid = m.rel join rel t on t.rel = i.inhparent
where t.relrowsecurity and (not m.relrowsecurity or not m.relforcerowsecurity or not m.has_policy){{end}}

{{define "rule_inheritance"}}select 'table', format('%I.%I', n.nspname, c.relname), format('%I.%I inherits from %s', n.nspname, c.relname, m.fqn),
  format('alter table %I.%I no inherit %s;', n.nspname, c.relname, m.fqn), null
from rel m join pg_inherits i on i.inhparent = m.rel join pg_class c on c.oid = i.inhrelid and not c.relispartition join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p'){{end}}

{{define "rule_rls_not_forced"}}select 'table', m.fqn, format('%s has row-level security, but not for its owner %s', m.fqn, m.relowner::regrole),
  format('alter table only %s force row level security;', m.fqn), null
from rel m
where m.relrowsecurity and not m.relforcerowsecurity and not exists (
  select from pg_inherits i join rel t on t.rel = i.inhparent where i.inhrelid = m.rel and t.relrowsecurity){{end}}

{{define "rule_rls_enabled_no_policy"}}select 'table', m.fqn, format('%s has row-level security and no permissive policy', m.fqn),
  case when m.att is not null then a.sql end, 'It has no column for the tenant. Give it one with rls.Protect.'
from rel m join allpolicies a on a.rel = m.rel
where m.relrowsecurity and not exists (select from pg_policy p where p.polrelid = m.rel and p.polpermissive)
  and not exists (select from pg_inherits i join rel t on t.rel = i.inhparent where i.inhrelid = m.rel and t.relrowsecurity){{end}}

{{define "rule_tenant_column_missing"}}select 'table', m.fqn, format('%s has policies but no column %I', m.fqn, m.col), null, null
from rel m
where m.att is null and m.has_policy{{end}}

{{define "rule_tenant_column_nullable"}}select 'table', m.fqn, format('the column %I of %s may be null', m.col, m.fqn),
  format('alter table %s alter column %I set not null;', m.fqn, m.col), null
from rel m
where not m.attnotnull and not m.relispartition{{end}}

{{define "rule_tenant_column_type"}}select 'table', m.fqn, format('the column %I of %s is %s, not uuid', m.col, m.fqn, format_type(m.atttypid, -1)),
  case when not m.has_policy then format(E'alter table %1$s alter column %2$I drop default;\nalter table %1$s alter column %2$I type uuid using %2$I::text::uuid;', m.fqn, m.col) end,
  'Policies depend on the column. Drop them, change its type, and call rls.Protect.'
from rel m
where m.atttypid <> 'uuid'::regtype and not m.relispartition{{end}}

{{define "rule_tenant_column_default"}}select 'table', m.fqn, format('the column %I of %s is not filled with the tenant of the transaction', m.col, m.fqn),
  format('alter table only %s alter column %I set default nullif(pg_catalog.current_setting(''{{.Setting}}'', true), '''')::uuid;', m.fqn, m.col), null
from rel m left join pg_attrdef d on d.adrelid = m.rel and d.adnum = m.att
where m.protected and m.att is not null and pg_get_expr(d.adbin, d.adrelid) is distinct from '{{template "stamp" .}}'{{end}}

{{define "rule_policy_drift"}}select 'policy', format('policy %I on %s', w.polname, m.fqn),
  format('the policy %I of %s %s', w.polname, m.fqn, case when p.oid is null then 'is missing' else 'is not as rls.Protect made it' end),
  case when p.oid is not null then format(E'drop policy %I on %s;\n', w.polname, m.fqn) else '' end || w.sql || ';', null
from wanted w
join rel m on m.rel = w.rel
left join pg_policy p on p.polrelid = w.rel and p.polname = w.polname
where m.protected and (p.oid is null or not p.polpermissive or p.polcmd::text <> w.cmd
  or p.polroles <> array(select r.oid from pg_roles r where r.rolname = w.role)
  or pg_get_expr(p.polqual, p.polrelid) is distinct from case when w.reads then w.printed end
  or pg_get_expr(p.polwithcheck, p.polrelid) is distinct from case when w.writes then w.printed end
  or obj_description(p.oid, 'pg_policy') is distinct from w.remark){{end}}

{{define "rule_grant_excess"}}select 'grant', format('%s to %s', m.fqn, h.who), format('%s holds %s on %s', h.who, string_agg(h.privilege_type, ', ' order by h.privilege_type), m.fqn),
  string_agg(format('revoke %s on table %s from %s;', h.privilege_type, m.fqn, h.who), E'\n' order by h.privilege_type), null
from held h join rel m on m.rel = h.rel
where h.grantee <> 0 and h.attname is null and h.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
group by m.fqn, h.who{{end}}

{{define "rule_grant_option"}}select 'grant', format('%s to %s', m.fqn, h.who), format('%s may grant %s on %s to others', h.who, string_agg(distinct h.privilege_type, ', ' order by h.privilege_type), m.fqn),
  string_agg(format('revoke grant option for %s%s on table %s from %s;', h.privilege_type, ' (' || quote_ident(h.attname) || ')', m.fqn, h.who), E'\n' order by h.privilege_type, h.attname), null
from held h join rel m on m.rel = h.rel
where h.grantee <> 0 and h.is_grantable
group by m.fqn, h.who{{end}}

{{define "rule_grant_to_public"}}select 'grant', format('%s to public', m.fqn), format('everybody holds %s on %s', string_agg(distinct h.privilege_type, ', ' order by h.privilege_type), m.fqn),
  string_agg(format('revoke %s%s on table %s from public;', h.privilege_type, ' (' || quote_ident(h.attname) || ')', m.fqn), E'\n' order by h.privilege_type, h.attname), null
from held h join rel m on m.rel = h.rel
where h.grantee = 0
group by m.fqn{{end}}

{{define "rule_partition_granted"}}select 'grant', format('%s to %s', m.fqn, h.who), format('%s was granted rights on %s, a partition', h.who, m.fqn),
  string_agg(distinct format('revoke all%s on table %s from %s;', ' (' || quote_ident(h.attname) || ')', m.fqn, h.who), E'\n'), null
from held h join rel m on m.rel = h.rel
where m.relispartition and h.grantee <> 0
group by m.fqn, h.who{{end}}

{{define "rule_unprotected_dependent"}}select 'table', format('%I.%I', n.nspname, c.relname),
  format('%I.%I refers to %s, %s may use it, and it has no column %I', n.nspname, c.relname, string_agg(distinct m.fqn, ', ' order by m.fqn), app.who, m.col),
  format('revoke all on table %I.%I from %s, public;', n.nspname, c.relname, app.who), null
from pg_constraint con
join rel m on m.rel = con.confrelid
join pg_class c on c.oid = con.conrelid and c.relkind in ('r', 'p') and not c.relispartition
join nsp n on n.oid = c.relnamespace
cross join app cross join cfg
where con.contype = 'f' and m.att is not null and c.oid not in (select x.rel from rel x) and c.oid <> all (coalesce(cfg.excluded, '{}'))
  and has_table_privilege(app.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
group by n.nspname, c.relname, app.who, m.col{{end}}

{{define "rule_foreign_table_in_api"}}select 'table', format('%I.%I', n.nspname, c.relname), format('%I.%I is a foreign table with tenants'' rows that %s may use', n.nspname, c.relname, app.who),
  format('revoke all on table %I.%I from %s, public;', n.nspname, c.relname, app.who), null
from pg_class c join nsp n on n.oid = c.relnamespace cross join app cross join cfg
where c.relkind = 'f' and c.oid <> all (coalesce(cfg.excluded, '{}')) and has_table_privilege(app.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
  and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = cfg.col and not a.attisdropped){{end}}

{{define "rule_rewrite_rule"}}select 'rule', format('rule %I on %s', r.rulename, m.fqn), format('%s has the rule %I', m.fqn, r.rulename), format('drop rule %I on %s;', r.rulename, m.fqn), null
from rel m join pg_rewrite r on r.ev_class = m.rel{{end}}

{{define "rule_publication"}}select 'publication', format('publication %I of %s', p.pubname, m.fqn), format('the publication %I sends the rows of all tenants of %s', p.pubname, m.fqn),
  case when r.oid is not null then format('alter publication %I drop table %s;', p.pubname, m.fqn)
    when s.oid is not null then format('alter publication %I drop tables in schema %s;', p.pubname, m.relnamespace::regnamespace) end,
  'It is FOR ALL TABLES. Make one that lists its tables.'
from rel m
cross join pg_publication p
left join pg_publication_rel r on r.prpubid = p.oid and r.prrelid = m.rel
left join pg_publication_namespace s on s.pnpubid = p.oid and s.pnnspid = m.relnamespace
where p.puballtables or r.oid is not null or s.oid is not null{{end}}

{{define "rule_sequence_not_granted"}}select 'sequence', format('%s to %s', s.oid::regclass, o.who), format('%s may insert into %s but not draw from its sequence %s', o.who, m.fqn, s.oid::regclass),
  format('grant usage on sequence %s to %s;', s.oid::regclass, o.who), null
from rel m
join pg_attrdef d on d.adrelid = m.rel
join pg_depend e on e.classid = 'pg_attrdef'::regclass and e.objid = d.oid and e.refclassid = 'pg_class'::regclass
join pg_class s on s.oid = e.refobjid and s.relkind = 'S'
join ours o on o.is_app or o.is_system
where has_table_privilege(o.oid, m.rel, 'INSERT') and not case when s.relkind = 'S' then has_sequence_privilege(o.oid, s.oid, 'USAGE') end{{end}}

{{define "rule_sequence_settable"}}select 'sequence', format('%s to %s', s.oid::regclass, app.who), format('%s may set the sequence %s of %s back', app.who, s.oid::regclass, m.fqn),
  format('revoke update on sequence %s from %s, public;', s.oid::regclass, app.who), null
from rel m
join pg_depend e on e.classid = 'pg_class'::regclass and e.refclassid = 'pg_class'::regclass and e.refobjid = m.rel and e.refobjsubid > 0 and e.deptype in ('a', 'i')
join pg_class s on s.oid = e.objid and s.relkind = 'S'
cross join app
where case when s.relkind = 'S' then has_sequence_privilege(app.oid, s.oid, 'UPDATE') end{{end}}
