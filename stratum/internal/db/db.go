package db

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
)

// DB is the library's pool. Its login owns the schema stratum.
type DB struct {
	pool  *pgxpool.Pool
	actor string
}

// Open opens a pool and makes sure that the server answers. An empty actor means the
// database login.
func Open(ctx context.Context, dsn, actor string) (*DB, error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	return New(ctx, config, actor)
}

// New is [Open] for a configuration that was parsed.
func New(ctx context.Context, config *pgxpool.Config, actor string) (*DB, error) {
	if actor == "" {
		actor = config.ConnConfig.User
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return &DB{pool: pool, actor: actor}, nil
}

// Close waits until every connection has been given back, and closes them.
func (d *DB) Close() { d.pool.Close() }

// Query reads: one statement, one round trip, no transaction around it.
func (d *DB) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return d.pool.Query(ctx, sql, args...)
}

// Exec runs one statement that is no mutation: what it changes is nothing that anybody
// is told of.
func (d *DB) Exec(ctx context.Context, sql string, args ...any) error {
	_, err := d.pool.Exec(ctx, sql, args...)
	return err
}

// A Mutation is one change of one row, as SQL that [DB.Mutate] completes.
type Mutation struct {
	// Action names the change in the audit log and as the type of the event, as in
	// "tenant.created".
	Action string

	// Lock are statements that run in front, in the same flush. Each statement has a
	// snapshot of its own, so the change sees what was true once the locks were held.
	Lock []string

	// With are the common table expressions of the change. One of them, "after", has the
	// changed row, or none if nothing was changed; another, "before", what it was, or
	// nothing. After has a column tenant_id or, for tenants themselves, the one that
	// Tenant names.
	With string

	// Tenant is the column of "after" that says whose change it is. Empty: tenant_id.
	Tenant string

	// Removes says that "after" has the row that is gone, instead of a changed one: the
	// audit row has no after, and the event tells what was.
	Removes bool

	// Select follows them, and must return one row, which is given to the scan function.
	Select string

	// Args are the parameters of all of it, by name.
	Args pgx.NamedArgs
}

// statement puts the audit row and the event behind the change. An expression that
// modifies data runs whether or not it is read, and all of them with the one statement.
func (m Mutation) statement() string {
	column := m.Tenant
	if column == "" {
		column = "tenant_id"
	}
	left := "to_jsonb(after)"
	if m.Removes {
		left = "null"
	}
	return "with " + m.With + `,
audited as (
	insert into stratum.audit_log (id, tenant_id, actor, action, before, after)
	select @audit_id::uuid, after.` + column + `, @actor::text, @action::text, (select to_jsonb(before) from before), ` + left + `
	from after
),
emitted as (
	insert into stratum.events (id, tenant_id, type, data)
	select @event_id::uuid, after.` + column + `, @action::text, to_jsonb(after)
	from after
)
` + m.Select
}

// Mutate runs the change with its audit row and event in one transaction, in three
// round trips: BEGIN, everything, COMMIT. The isolation is READ COMMITTED whatever the
// server's default, because [Mutation.Lock] depends on it. scan is called with the row of
// Select; if it returns an error, nothing has happened.
func (d *DB) Mutate(ctx context.Context, m Mutation, scan func(pgx.Row) error) error {
	return mutate(ctx, d.pool, d.actor, m, scan)
}

// beginner is a pool or a connection.
type beginner interface {
	BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error)
}

func mutate(ctx context.Context, on beginner, actor string, m Mutation, scan func(pgx.Row) error) error {
	args := pgx.NamedArgs{
		"audit_id": core.NewID().String(),
		"event_id": core.NewID().String(),
		"actor":    actor,
		"action":   m.Action,
	}
	for name, value := range m.Args {
		if _, taken := args[name]; taken {
			return fmt.Errorf("db: the parameter %s is used twice", name)
		}
		args[name] = value
	}
	batch := &pgx.Batch{}
	for _, sql := range m.Lock {
		batch.Queue(sql, m.Args)
	}
	batch.Queue(m.statement(), args)
	return pgx.BeginTxFunc(ctx, on, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) (err error) {
		results := tx.SendBatch(ctx, batch)
		defer func() {
			if e := results.Close(); err == nil {
				err = e
			}
		}()
		for range m.Lock {
			if _, err := results.Exec(); err != nil {
				return err
			}
		}
		return scan(results.QueryRow())
	})
}
