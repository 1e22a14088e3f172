-- name: ListInvoices :many
select marker from invoice where deleted_at is null;

-- name: AllInvoices :many
select marker from invoice;

-- name: FindInvoice :one
select marker from invoice where id = $1 and deleted_at is null;

-- name: InvoicesByNumber :many
select marker from invoice where number = $1 and deleted_at is null;

-- name: InvoicesOfCustomer :many
select marker from invoice where customer_id = $1 and deleted_at is null;

-- name: InvoicesAfter :many
select id from invoice where id > $1 and deleted_at is null order by id limit $2;

-- name: InvoicesJoined :many
select unnest(array[i.marker, c.marker])::text from invoice i join customer c on c.id = i.customer_id where i.deleted_at is null;

-- name: ListCustomers :many
select marker from customer;

-- name: BilledCustomers :many
select marker from customer where id in (select customer_id from invoice where deleted_at is null);

-- name: CustomersWithInvoice :many
select marker from customer where exists (select from invoice where invoice.customer_id = customer.id and deleted_at is null);

-- name: EverythingWithCTE :many
with x as (select * from invoice) select marker from x union all select marker from customer;

-- name: CountInvoices :one
select count(*) from invoice where deleted_at is null;

-- name: SumInvoices :one
select sum(total)::text from invoice where deleted_at is null;

-- name: CountByStatus :many
select (status || '=' || count(*))::text from invoice where deleted_at is null group by status;

-- name: InsertCustomer :one
insert into customer (tenant_id, email, marker) values ($1, $2, $3) returning id;

-- name: InsertCustomerUnstated :one
insert into customer (email, marker) values ($1, $2) returning tenant_id;

-- name: InsertCustomerWithID :execrows
insert into customer (id, tenant_id, email, marker) values ($1, $2, $3, $4) on conflict do nothing;

-- name: InsertInvoice :one
insert into invoice (tenant_id, customer_id, number, total, status, marker)
values ($1, $2, sqlc.arg(marker), sqlc.arg(total)::text::numeric, 'open', sqlc.arg(marker)) returning id;

-- name: InsertLine :exec
insert into line (tenant_id, invoice_id, marker) values ($1, $2, $3);

-- name: InsertTag :one
insert into tag (tenant_id, name, marker) values ($1, $2, $3) returning id;

-- name: TagInvoice :exec
insert into invoice_tag (tenant_id, invoice_id, tag_id) values ($1, $2, $3);

-- name: KeepCustomer :exec
insert into customer (tenant_id, email, marker) values ($1, $2, $3) on conflict (tenant_id, email) do nothing;

-- name: UpsertCustomer :one
insert into customer (tenant_id, email, marker) values ($1, $2, sqlc.arg(mark))
on conflict (tenant_id, email) do update set marker = excluded.marker returning marker;

-- name: UpsertCustomerByID :exec
insert into customer (id, tenant_id, email, marker) values ($1, $2, $3, $4)
on conflict (id) do update set marker = excluded.marker;

-- name: MarkInvoice :one
update invoice set marker = sqlc.arg(mark) where id = sqlc.arg(id) returning marker;

-- name: SetStatus :execrows
update invoice set status = $2 where id = $1;

-- name: SetAllStatuses :execrows
update invoice set status = $1 where deleted_at is null;

-- name: SetEveryStatus :execrows
update invoice set status = $1;

-- name: MoveInvoice :exec
update invoice set tenant_id = $2 where id = $1;

-- name: SoftDeleteInvoice :exec
update invoice set deleted_at = now() where id = $1;

-- name: DeleteLine :execrows
delete from line where id = $1;

-- name: DeleteAllLines :execrows
delete from line;
