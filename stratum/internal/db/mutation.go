package db

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// A Mutation is one change, of one row or of several of a kind, as SQL that
// [DB.Mutate] completes with an audit row and an event for each of them.
type Mutation struct {
	// Action names the change in the audit log and as the type of the event, as in
	// "tenant.created". What stands in front of the last dot is the kind of resource.
	Action string

	// Lock are statements that run in front, in the same flush. Each statement has a
	// snapshot of its own, so the change sees what was true once the locks were held.
	Lock []string

	// With are the common table expressions of the change. One of them, "after", has the
	// changed rows, or none if nothing was changed; another, "before", what they were. After
	// has a column tenant_id or, for tenants themselves, the one that Tenant names.
	With string

	// Tenant is the column of "after" that says whose change it is. Empty: tenant_id.
	Tenant string

	// Key is the column by which "before" and "after" belong together, and which identifies
	// the resource. Empty: id.
	Key string

	// Record is what the records say of a row, as an expression over the row r. What is
	// secret must not be in it. Empty: to_jsonb(r).
	Record string

	// Creates says that the rows are new. There is no "before".
	Creates bool

	// Removes says that "after" has the rows that are gone, instead of changed ones: the
	// audit row has no after, and the event tells what was. There is no "before".
	Removes bool

	// Select follows them, and must return one row, which is given to the scan function.
	Select string

	// Args are the parameters of all of it, by name.
	Args pgx.NamedArgs

	// Input is what was asked for. With an idempotency key it is compared with that of the
	// first call, as JSON. It must have no part that is made anew in each call.
	Input any
}

// statement puts the audit rows and the events behind the change. An expression that
// modifies data runs whether or not it is read, and all of them with the one statement.
func (m Mutation) statement(once bool) string {
	tenant, key, record := cmp.Or(m.Tenant, "tenant_id"), cmp.Or(m.Key, "id"), cmp.Or(m.Record, "to_jsonb(r)")
	before := "(select " + record + " from before r where r." + key + " = a." + key + ")"
	after := "(select " + record + " from (select a.*) r)"
	switch {
	case m.Creates:
		before = "null::jsonb"
	case m.Removes:
		before, after = after, "null::jsonb"
	}
	sql := "with " + m.With + `,
audited as (
	insert into stratum.audit_log (id, tenant_id, actor_type, actor, request_id, source_ip, action, resource_type, resource_id, before, after)
	select stratum.new_id(), a.` + tenant + `, @actor_type::text, @actor::text, @request_id::text, @source_ip::inet,
		@action::text, @resource_type::text, a.` + key + `::text, ` + before + `, ` + after + `
	from after a
),
emitted as (
	insert into stratum.events (id, tenant_id, type, data)
	select stratum.new_id(), a.` + tenant + `, @action::text, (select ` + record + ` from (select a.*) r)
	from after a
)`
	if once {
		sql += `,
once as (
	insert into stratum.idempotency (actor_type, actor, key, action, fingerprint, resources)
	select @actor_type::text, @actor::text, @idempotency_key::text, @action::text, @fingerprint::bytea, array_agg(a.` + key + `::text)
	from after a having count(*) > 0
)`
	}
	return sql + "\n" + m.Select
}

// args are the parameters of the statement.
func (m Mutation) args(a core.Actor, o *once) (pgx.NamedArgs, error) {
	kind := m.Action
	if i := strings.LastIndexByte(m.Action, '.'); i >= 0 {
		kind = m.Action[:i]
	}
	args := pgx.NamedArgs{
		"actor_type": a.Type, "actor": a.ID, "request_id": nil, "source_ip": nil,
		"action": m.Action, "resource_type": kind,
	}
	if a.RequestID != "" {
		args["request_id"] = a.RequestID
	}
	if a.SourceIP.IsValid() {
		args["source_ip"] = a.SourceIP.WithZone("")
	}
	if o != nil {
		args["idempotency_key"], args["fingerprint"] = o.key, o.fingerprint
	}
	for name, value := range m.Args {
		if _, taken := args[name]; taken {
			return nil, fmt.Errorf("db: the parameter %s is used twice", name)
		}
		args[name] = value
	}
	return args, nil
}

// Mutate runs the change with its audit rows and events in one transaction, in three
// round trips: BEGIN, everything, COMMIT. The isolation is READ COMMITTED whatever the
// server's default, because [Mutation.Lock] depends on it. scan is called with the row of
// Select; if it returns an error, nothing has happened. Where the context has an idempotency
// key that was used before, the error is a [*Repeated].
func (d *DB) Mutate(ctx context.Context, m Mutation, scan func(pgx.Row) error) error {
	return d.Batch(ctx, []Mutation{m}, func(_ int, r pgx.Row) error { return scan(r) })
}

// Batch is [DB.Mutate] for several changes: all of them happen, in their order, or none,
// in three round trips. An idempotency key covers them as one change, that of the last.
func (d *DB) Batch(ctx context.Context, ms []Mutation, scan func(i int, r pgx.Row) error) error {
	return mutate(ctx, d.pool, d.actor, ms, scan)
}

// starter is a pool or a connection.
type starter interface {
	BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func mutate(ctx context.Context, on starter, name string, ms []Mutation, scan func(int, pgx.Row) error) error {
	who := core.ActorFrom(ctx)
	who.ID, who.Type = cmp.Or(who.ID, name), cmp.Or(who.Type, "system")
	o, err := newOnce(ctx, ms)
	if err != nil {
		return err
	}
	err = again(ctx, func() error {
		batch, err := flush(ms, who, o, scan) // anew each time: a batch remembers what one connection has prepared
		if err != nil {
			return err
		}
		return pgx.BeginTxFunc(ctx, on, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
			return tx.SendBatch(ctx, batch).Close() // reads all answers
		})
	})
	if err != nil && o != nil {
		if repeated := o.seen(ctx, on, who); repeated != nil {
			return repeated
		}
	}
	return coded(err)
}

// flush has all statements, and what becomes of their answers.
func flush(ms []Mutation, who core.Actor, o *once, scan func(int, pgx.Row) error) (*pgx.Batch, error) {
	batch := &pgx.Batch{}
	if o != nil {
		batch.Queue(forget, keep.Seconds())
	}
	for i, m := range ms {
		for _, sql := range m.Lock {
			batch.Queue(sql, m.Args)
		}
		var last *once // the key is kept with the last change
		if i == len(ms)-1 {
			last = o
		}
		args, err := m.args(who, last)
		if err != nil {
			return nil, err
		}
		batch.Queue(m.statement(last != nil), args).QueryRow(func(r pgx.Row) error { return scan(i, r) })
	}
	return batch, nil
}
