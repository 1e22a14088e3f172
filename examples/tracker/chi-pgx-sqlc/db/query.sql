-- name: ListProjects :many
select id, name from project order by id;

-- name: GetProject :one
select id, name from project where id = $1;

-- name: CreateProject :one
insert into project (name) values ($1) returning id, name;

-- name: ListTasks :many
select id, title, done from task where project_id = $1 order by id;

-- name: CreateTask :one
insert into task (project_id, title) values ($1, $2) returning id, title, done;
