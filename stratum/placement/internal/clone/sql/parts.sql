-- $1 and $2 are the classes and ids of things, numbered from 1 in n; parts are they, and what
-- is made with them: types of rows and arrays, indexes of keys, sequences of columns.
with recursive
things as (select * from unnest($1::oid[], $2::oid[]) with ordinality as t (class, id, n)),
parts (class, id, n) as (
	select class, id, n from things where class <> 0
	union
	select 'pg_attrdef'::regclass::oid, d.oid, t.n
	from things t join pg_attrdef d on d.adrelid = t.id join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum
	where t.class = 'pg_class'::regclass and a.attgenerated <> ''
	union
	select 'pg_constraint'::regclass::oid, k.oid, t.n from things t join pg_constraint k on k.contypid = t.id
	where t.class = 'pg_type'::regclass and k.convalidated
	union
	select d.classid, d.objid, p.n from parts p join pg_depend d on d.refclassid = p.class and d.refobjid = p.id and d.deptype = 'i'
)
