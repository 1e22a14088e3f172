-- What PostgreSQL 18 has more.
set search_path = "The ""Temp.late";
create table modern (
	id int4range, "Valid At" daterange, a int constraint "a is there" not null no inherit, b int,
	sum int generated always as (a + coalesce(b, 0)) virtual, country text,
	constraint modern_key primary key (id, "Valid At" without overlaps)
);
create table period (of int4range, at daterange, foreign key (of, period at) references modern (id, period "Valid At"));
insert into modern values ('[1,2)', '[2026-01-01,2027-01-01)', 1, null);
insert into period values ('[1,2)', '[2026-02-01,2026-03-01)');
alter table modern add constraint unsure not null b not valid,
	add constraint unforced foreign key (country) references "other ""place".country not enforced,
	add constraint free check (a < 0) not enforced;
comment on constraint "a is there" on modern is 'it is';
