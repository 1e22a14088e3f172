-- What this transaction made that depends on one of the things.
select distinct pg_describe_object(d.classid, d.objid, d.objsubid)
from parts p join pg_depend d on d.refclassid = p.class and d.refobjid = p.id
where d.xmin = pg_current_xact_id()::xid order by 1
