{{/* The policies, with what is needed to judge and to probe them, and the functions that they call. */}}

{{define "check_policies"}}select m.fqn, quote_ident(p.polname), p.polname::text, p.polcmd::text, p.polpermissive, 0 = any (p.polroles),
  coalesce((select string_agg(quote_ident(r.rolname), ', ' order by r.rolname) from pg_roles r where r.oid = any (p.polroles)), 'public'),
  case when exists (select from app) then a.applies else 0 = any (p.polroles) or exists (select from unnest(p.polroles) r where r not in (select o.oid from ours o)) end as applies,
  coalesce(a.reaches and not a.applies, false) as reachable,
  coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''), coalesce(p.polqual::text, ''), coalesce(p.polwithcheck::text, ''),
  quote_ident(m.col), coalesce(m.att, 0), coalesce(format_type(m.atttypid, -1), ''), quote_ident(m.relname), m.app, c.list, coalesce(w.printed, ''),
  p.polname in (select p.polname from {{template "policies"}})
from rel m
join pg_policy p on p.polrelid = m.rel
left join lateral (
  -- A superuser is a member of everything; what counts here is whom the policy names.
  select bool_or(r = 0 or r = app.oid or not x.rolsuper and case when r <> 0 then pg_has_role(app.oid, r, 'USAGE') end) as applies,
    bool_or(not x.rolsuper and case when r <> 0 then pg_has_role(app.oid, r, 'MEMBER') end) as reaches
  from app join pg_roles x on x.oid = app.oid cross join unnest(p.polroles) r
) a on true
left join wanted w on w.rel = m.rel and w.polname = 'stratum_select'
cross join lateral (
  select string_agg(case when a.attnum = m.att then format('v."stratum tenant"::%s as %I', format_type(a.atttypid, a.atttypmod), a.attname)
    else format('null::%s as %I', format_type(a.atttypid, a.atttypmod), a.attname) end, ', ' order by a.attnum) as list
  from pg_attribute a where a.attrelid = m.rel and a.attnum > 0 and not a.attisdropped
) c
order by m.fqn, p.polname{{end}}

{{define "check_functions"}}select p.oid::text, p.proname::text, n.nspname = 'pg_catalog', p.provolatile::text, p.proleakproof, p.oid::regproc::text
from pg_proc p join pg_namespace n on n.oid = p.pronamespace
where p.oid = any ($1::text[]::oid[]){{end}}
