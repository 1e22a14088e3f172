-- Whatever the catalogs have about the schema $1, whose names the search_path has, but for
-- numbers: each row of them as JSON, with ids replaced by what they mean.
with
c as (select * from pg_class where relnamespace = $1 and relkind <> 't'),
described (kind, what, how) as (
	select 'class', c.oid::regclass::text, to_jsonb(c) - '{oid,relnamespace,reltype,reloftype,relfilenode,reltoastrelid,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,relnatts,relacl,relrewrite}'::text[]
		|| jsonb_build_object('toast', (select reloptions from pg_class t where t.oid = c.reltoastrelid), 'of',
			(select pg_describe_object(refclassid, refobjid, refobjsubid) || deptype::text from pg_depend where classid = 'pg_class'::regclass and objid = c.oid and c.relkind = 'S' and deptype in ('a', 'i')),
			'view', case when relkind in ('v', 'm') then pg_get_viewdef(c.oid) end,
			'rows', case when relkind = 'r' or relkind = 'm' and relispopulated then query_to_xml(format('select t::text from %s t order by 1', c.oid::regclass), false, false, '')::text end)
	from c
	union all
	select 'attribute', c.oid::regclass || '.' || a.attname, to_jsonb(a) - '{attrelid,attnum,attcacheoff,atttypid,attcollation,attacl,atthasmissing,attmissingval}'::text[]
		|| jsonb_build_object('type', format_type(atttypid, atttypmod), 'collation', attcollation::regcollation, 'number', row_number() over (partition by attrelid order by attnum),
			'default', (select pg_get_expr(adbin, adrelid) from pg_attrdef d where d.adrelid = attrelid and d.adnum = attnum))
	from c join pg_attribute a on a.attrelid = c.oid where attnum > 0 and not attisdropped
	union all
	select 'constraint', conname || ' of ' || coalesce(nullif(conrelid, 0)::regclass::text, contypid::regtype::text), to_jsonb(k)
		- '{oid,connamespace,conrelid,contypid,conindid,confrelid,conkey,confkey,conpfeqop,conppeqop,conffeqop,conbin}'::text[]
		|| jsonb_build_object('def', pg_get_constraintdef(oid), 'index', nullif(conindid, 0)::regclass, 'other', nullif(confrelid, 0)::regclass)
	from pg_constraint k where connamespace = $1
	union all
	select 'index', indexrelid::regclass::text, to_jsonb(i) - '{indexrelid,indrelid,indkey,indexprs,indpred,indcheckxmin}'::text[] || jsonb_build_object('def', pg_get_indexdef(indexrelid, 0, true))
	from c join pg_index i on i.indexrelid = c.oid
	union all
	select 'trigger', tgname || ' on ' || tgrelid::regclass, to_jsonb(g) - '{oid,tgrelid,tgfoid,tgconstrrelid,tgconstrindid,tgconstraint,tgattr,tgqual}'::text[]
		|| jsonb_build_object('def', pg_get_triggerdef(g.oid, true))
	from c join pg_trigger g on g.tgrelid = c.oid where not tgisinternal
	union all
	select 'rule', rulename || ' on ' || ev_class::regclass, to_jsonb(r) - '{oid,ev_class,ev_qual,ev_action}'::text[] || jsonb_build_object('def', pg_get_ruledef(r.oid, true))
	from c join pg_rewrite r on r.ev_class = c.oid
	union all
	select 'policy', polname || ' on ' || polrelid::regclass, to_jsonb(p) - '{oid,polrelid,polqual,polwithcheck}'::text[]
		|| jsonb_build_object('using', pg_get_expr(polqual, polrelid), 'check', pg_get_expr(polwithcheck, polrelid))
	from c join pg_policy p on p.polrelid = c.oid
	union all
	select 'proc', oid::regprocedure::text, to_jsonb(p) - '{oid,pronamespace,prorettype,proargtypes,proallargtypes,proargdefaults,prosqlbody,proacl}'::text[] || jsonb_build_object(
		'result', pg_get_function_result(oid), 'arguments', pg_get_function_arguments(oid), 'body', pg_get_function_sqlbody(oid),
		'public', exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) x where x.grantee = 0))
	from pg_proc p where pronamespace = $1
	union all
	select 'type', oid::regtype::text, to_jsonb(t) - '{oid,typnamespace,typrelid,typelem,typarray,typbasetype,typdefaultbin,typacl,typcollation}'::text[]
		|| jsonb_build_object('base', nullif(typbasetype, 0)::regtype, 'element', nullif(typelem, 0)::regtype, 'default', pg_get_expr(typdefaultbin, 0), 'collation', typcollation::regcollation)
	from pg_type t where typnamespace = $1
	union all
	select 'enum', t.oid::regtype || ' ' || enumlabel, to_jsonb(row_number() over (partition by t.oid order by enumsortorder))
	from pg_type t join pg_enum on enumtypid = t.oid where typnamespace = $1
	union all
	select 'sequence', seqrelid::regclass::text, to_jsonb(s) - 'seqrelid' || jsonb_build_object('value',
		query_to_xml(format('select last_value, is_called from %s', seqrelid::regclass), false, false, '')::text)
	from c join pg_sequence s on s.seqrelid = c.oid
	union all
	select 'statistics', stxname, to_jsonb(s) - '{oid,stxrelid,stxnamespace,stxkeys,stxexprs}'::text[] || jsonb_build_object('table', stxrelid::regclass, 'columns', pg_get_statisticsobjdef_columns(oid))
	from pg_statistic_ext s where stxnamespace = $1
	union all
	select 'comment', pg_describe_object(classoid, objoid, objsubid), to_jsonb(description)
	from pg_description where objoid in (select oid from c union select oid from pg_proc where pronamespace = $1 union select oid from pg_type where typnamespace = $1
		union select oid from pg_constraint where connamespace = $1 union select oid from pg_statistic_ext where stxnamespace = $1
		union select g.oid from pg_trigger g join c on tgrelid = c.oid union select p.oid from pg_policy p join c on polrelid = c.oid union select r.oid from pg_rewrite r join c on ev_class = c.oid)
)
select kind || ' ' || what || ': ' || how from described order by 1
