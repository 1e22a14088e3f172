-- Which thing needs which other.
select p.n, other.n from parts p join pg_depend d on d.classid = p.class and d.objid = p.id
join parts other on other.class = d.refclassid and other.id = d.refobjid where p.n <> other.n
union
select t.n, p.n from things t join parts p on p.class = 'pg_class'::regclass and p.id = t.id where t.class = 0
