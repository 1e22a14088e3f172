create table project (
	id bigint generated always as identity primary key,
	tenant_id uuid not null,
	name text not null
);

--bun:split

create table task (
	id bigint generated always as identity primary key,
	tenant_id uuid not null,
	project_id bigint not null references project on delete cascade,
	title text not null,
	done boolean not null default false
);
