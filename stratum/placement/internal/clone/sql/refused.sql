-- What is in the schema $1 and cannot be copied, in words: whatever is not among the kinds
-- that objects.sql has, and what depends on the schema's things but is in no schema.
with
all_members as (
	select classid, objid, (select e.refobjid from pg_depend e where (e.classid, e.objid) = (d.classid, d.objid) and e.deptype = 'e') as extension
	from pg_depend d where refclassid = 'pg_namespace'::regclass and refobjid = $1
		and classid <> 'pg_default_acl'::regclass -- rights are not copied
),
members as (select classid, objid from all_members where extension is null),
refused (classid, objid, why) as (
	select 'pg_extension'::regclass, extension, '' from all_members where extension is not null
	union all
	select m.*, case when classid = 'pg_class'::regclass and exists (select from pg_partitioned_table where partrelid = objid) then ' with partitions'
		when classid = 'pg_proc'::regclass then ', which is an aggregate or a window function' else '' end from members m where not case classid
		when 'pg_class'::regclass then (select relkind in ('r', 'v', 'm', 'S') from pg_class where oid = objid)
		when 'pg_type'::regclass then (select typtype in ('e', 'c', 'd') from pg_type where oid = objid)
		when 'pg_proc'::regclass then (select prokind in ('f', 'p') from pg_proc where oid = objid)
		else classid = 'pg_statistic_ext'::regclass end
	union all
	select d.classid, d.objid, '' from (
		select classid, objid from members union all
		select 'pg_type'::regclass, c.reltype from members m join pg_class c on c.oid = m.objid where classid = 'pg_class'::regclass
	) m join pg_depend d on d.refclassid = m.classid and d.refobjid = m.objid
	where d.classid in ('pg_cast'::regclass, 'pg_transform'::regclass, 'pg_publication_rel'::regclass, 'pg_event_trigger'::regclass, 'pg_language'::regclass)
	union all
	select m.*, ' with parents or children' from members m
	where classid = 'pg_class'::regclass and exists (select from pg_inherits where inhrelid = objid union all select from pg_inherits where inhparent = objid)
	union all
	select m.*, ' of a type' from members m join pg_class c on c.oid = m.objid where classid = 'pg_class'::regclass and c.reloftype <> 0
	union all
	select m.*, ', which depends on an extension' from members m join pg_depend d using (classid, objid) where d.deptype = 'x'
	union all
	select m.*, ' with a security label' from members m join pg_seclabel l on l.classoid = m.classid and l.objoid = m.objid
	union all
	select m.*, ' of ' || quote_ident(pg_get_userbyid(owner)) from members m cross join lateral (select case classid
		when 'pg_class'::regclass then (select relowner from pg_class where oid = objid)
		when 'pg_type'::regclass then (select typowner from pg_type where oid = objid)
		when 'pg_proc'::regclass then (select proowner from pg_proc where oid = objid)
		when 'pg_statistic_ext'::regclass then (select stxowner from pg_statistic_ext where oid = objid) end) o (owner)
	where owner <> current_user::regrole
)
select distinct pg_describe_object(classid, objid, 0) || why from refused order by 1
