package ormtest

// Name names a [Shape] and says what it must do.
//
// "Live" invoices are those whose deleted_at is null. A new customer has the marker
// m that is asked for and the e-mail address m, a new invoice the marker and number
// m, total 10.00 and status open; a new tag has the marker and name m, a new
// line the marker m. Unless it says so, no new row states its tenant.
type Name string

// Shapes that read.
const (
	List        Name = "list"         // all live invoices
	Find        Name = "find"         // the invoice with the id Own.Invoice
	FindOther   Name = "find other"   // the invoice with the id Other.Invoice, which a tenant does not find
	ByNumber    Name = "by number"    // the live invoices with the number Own.Number
	Association Name = "association"  // the live invoices of the customer Own.Customer, through the association
	Preload     Name = "preload"      // all customers, their live invoices and the lines of these, eagerly loaded
	PreloadMany Name = "preload many" // all live invoices and, eagerly loaded, their tags, each as often as it is loaded
	Join        Name = "join"         // live invoices joined with their customers: both markers for each row
	Subquery    Name = "sub-query"    // customers whose id is in a sub-query for the customer_id of live invoices
	Has         Name = "has"          // customers that have a live invoice, by an EXISTS over the association
	Count       Name = "count"        // how many live invoices there are
	Sum         Name = "sum"          // the sum of total over the live invoices, with two decimals: 12.00
	GroupBy     Name = "group by"     // status=count, such as open=2, for each status of live invoices
	Unscoped    Name = "unscoped"     // all invoices, deleted ones too
	RawRead     Name = "raw read"     // with x as (select * from invoice) select marker from x union all select marker from customer
	Iterate     Name = "iterate"      // all live invoices, row by row
	Batches     Name = "batches"      // all live invoices, two at a time
	Prepared    Name = "prepared"     // with the prepared statements of the ORM: what List returns, twice
	HookRead    Name = "hook read"    // all live invoices, and their lines, which a hook of the invoice model queries
)

// Shapes that write.
const (
	Insert          Name = "insert"            // a customer with the marker Fresh
	InsertStated    Name = "insert stated"     // the same, which states the tenant Own.Tenant
	InsertBatch     Name = "insert batch"      // customers Fresh-1, Fresh-2 and Fresh-3, in one statement
	InsertGraph     Name = "insert graph"      // customer Fresh, its invoice Fresh-invoice, that one's line Fresh-line and tag Fresh-tag, by associations
	Update          Name = "update"            // sets the marker of the invoice Own.Invoice to Fresh; returns it
	UpdateOther     Name = "update other"      // sets the status of the invoice Other.Invoice to void; returns the number of rows affected
	UpdateAll       Name = "update all"        // sets the status of all live invoices to void, without a condition of its own; returns the number of rows affected
	Delete          Name = "delete"            // deletes the line Own.Line; returns the number of rows affected
	DeleteOther     Name = "delete other"      // deletes the line Other.Line; returns the number of rows affected
	DeleteAll       Name = "delete all"        // deletes all lines, without a condition; returns the number of rows affected
	SoftDelete      Name = "soft delete"       // sets deleted_at of the invoice Own.Invoice in the way of the ORM; returns nothing
	UpsertNothing   Name = "upsert nothing"    // customer Fresh with the e-mail Own.Email, ON CONFLICT (tenant_id, email) DO NOTHING; returns nothing
	UpsertUpdate    Name = "upsert update"     // customer Fresh with the e-mail Own.Email, ON CONFLICT (tenant_id, email) DO UPDATE SET marker; returns the marker
	UpsertSkipOther Name = "upsert skip other" // customer Fresh with the id Other.Customer, ON CONFLICT DO NOTHING; returns nothing
	RawWrite        Name = "raw write"         // update invoice set status = 'void'; returns the number of rows affected
	HookWrite       Name = "hook write"        // customer Fresh, and the tag Fresh-hook, which a hook of the customer model writes; both markers
)

// Shapes that must be refused, or that nothing may come of. They return the error.
const (
	Forgotten    Name = "forgotten"     // List, but without ctx, in the way in which users of the ORM forget it
	InsertOther  Name = "insert other"  // customer Fresh, which states the tenant Other.Tenant
	BatchOther   Name = "batch other"   // customers Fresh-1 and Fresh-2 in one statement, of which the second states Other.Tenant
	Move         Name = "move"          // sets the tenant of the invoice Own.Invoice to Other.Tenant
	UpsertOther  Name = "upsert other"  // customer Fresh with the id Other.Customer, ON CONFLICT (id) DO UPDATE SET marker
	ReferOther   Name = "refer other"   // invoice Fresh of the customer Other.Customer
	SwitchTenant Name = "switch tenant" // in a transaction of ctx: customer Fresh; then List in the context Other.As(ctx), whose error is returned
)

// Shapes with transactions.
const (
	Transaction Name = "transaction" // inserts customer Fresh and commits; returns all customers, as read before the commit
	Rollback    Name = "rollback"    // the same, but rolled back
	Nested      Name = "nested"      // inserts customer Fresh-1, then Fresh-2 in a nested transaction that is rolled back; commits; returns all customers, as read before the commit
	Savepoint   Name = "savepoint"   // savepoint; customer Fresh; rollback to the savepoint; commits; returns all customers, as read before the commit
	Panic       Name = "panic"       // inserts customer Fresh in a transaction whose function panics; recovers outside; returns all customers, as read afterwards
)
