-- name: CopyCustomers :copyfrom
insert into customer (tenant_id, email, marker) values ($1, $2, $3);

-- name: CopyCustomersUnstated :copyfrom
insert into customer (email, marker) values ($1, $2);

-- name: BatchInsertCustomers :batchexec
insert into customer (tenant_id, email, marker) values ($1, $2, $3);

-- name: BatchFindInvoices :batchone
select marker from invoice where id = $1;

-- name: BatchLinesOf :batchmany
select marker from line where invoice_id = $1;

-- name: InvoicesOfIDs :many
select marker from invoice where id = any (sqlc.arg(ids)::bigint[]);
