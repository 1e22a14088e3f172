create table project (
	id bigint generated always as identity primary key,
	name text not null
);

create table task (
	id bigint generated always as identity primary key,
	project_id bigint not null references project on delete cascade,
	title text not null,
	done boolean not null default false
);
