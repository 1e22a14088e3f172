package rls

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// Maintain runs fn with the rows of the tables in the sight of their owner, whose connection conn
// must be. That is how a migration changes data or adds a key later: FORCE ROW LEVEL SECURITY
// blinds the owner, so that UPDATE would change no row, and ADD FOREIGN KEY would take
// orphans for valid.
//
// In one READ COMMITTED transaction it locks the tables against everybody else,
// lifts FORCE, calls fn, checks that no row is without a tenant and that each foreign key from or to
// one of the tables holds, puts FORCE back and commits. An error, or a panic, rolls everything
// back. Without names the tables are all protected ones of the connection's role. Partitions
// come with their parent, and tables that a foreign key ties to one of these are
// locked and lifted as well. What fn reads of any other protected table is an error (row_security is
// off), not an empty answer.
//
// fn must leave the transaction open; its Commit and Rollback are refused.
func Maintain(ctx context.Context, conn *pgx.Conn, fn func(tx pgx.Tx) error, tables ...string) error {
	if conn.PgConn().TxStatus() != 'I' {
		return core.Errorf(core.Validation, "Maintain needs a connection without a transaction, for it must commit").With("field", "conn")
	}
	m := maintenance{conn: conn}
	err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		return m.run(ctx, tx, fn, tables)
	})
	if err != nil {
		return translate("maintenance", err)
	}
	return nil
}

// maintenance is one call of [Maintain].
type maintenance struct {
	conn   *pgx.Conn
	named  []uint32 // nil: all
	tables []protected
	xid    string
}

func (m *maintenance) run(ctx context.Context, tx pgx.Tx, fn func(pgx.Tx) error, names []string) error {
	if err := m.open(ctx, tx, names); err != nil {
		return err
	}
	if err := m.call(context.WithoutCancel(ctx), tx, fn); err != nil {
		return err
	}
	return m.close(ctx, tx)
}

// call calls fn. If it ended the transaction, by SQL of its own, the tables are without FORCE
// for everybody, and get it back at once, be it that fn returned or panicked.
func (m *maintenance) call(ctx context.Context, tx pgx.Tx, fn func(pgx.Tx) error) (err error) {
	defer func() {
		if left := m.left(ctx); left != nil {
			err = errors.Join(err, left, m.restore(ctx))
		}
	}()
	return fn(held{tx})
}

// open locks the tables and lifts FORCE.
func (m *maintenance) open(ctx context.Context, tx pgx.Tx, names []string) error {
	if len(names) > 0 {
		var err error
		if m.named, err = lookup(ctx, tx, names); err != nil {
			return err
		}
	}
	serialize, err := execute("serialize", nil)
	if err != nil {
		return err
	}
	// Read after the lock: nobody protects or unprotects a table from here on.
	if _, err := tx.Exec(ctx, "select "+serialize); err != nil {
		return err
	}
	if m.tables, err = catalog(ctx, tx, m.named); err != nil {
		return err
	}
	for i, oid := range m.named {
		if !m.has(oid) {
			return core.Errorf(core.Validation, "%s is no protected table of this connection's role", names[i]).
				With("table", names[i]).With("field", "tables")
		}
	}
	for _, t := range m.tables {
		if _, err := tx.Exec(ctx, "lock table only "+t.Name+" in access exclusive mode"); err != nil {
			return err
		}
	}
	if err := m.force(ctx, tx, "no force"); err != nil {
		return err
	}
	return tx.QueryRow(ctx, "select pg_catalog.set_config('row_security', 'off', true), pg_catalog.pg_current_xact_id()::text").
		Scan(nil, &m.xid)
}

func (m *maintenance) has(oid uint32) bool {
	for _, t := range m.tables {
		if t.Rel == oid && t.Mine {
			return true
		}
	}
	return false
}

// left reports whether the transaction is still the one that fn was given.
func (m *maintenance) left(ctx context.Context) error {
	ended := core.Errorf(core.Validation, "the function ended the transaction of Maintain; the tables are under FORCE again, but its work was not checked").
		With("field", "fn")
	switch m.conn.PgConn().TxStatus() {
	case 'I':
		return ended
	case 'E':
		return nil // nothing of it can be committed
	}
	var xid *string
	err := m.conn.QueryRow(ctx, "select pg_catalog.pg_current_xact_id_if_assigned()::text").Scan(&xid)
	if err == nil && (xid == nil || *xid != m.xid) {
		return ended
	}
	return nil
}

// close checks what must hold and puts FORCE back.
func (m *maintenance) close(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, "set constraints all immediate; set local row_security = off; set local search_path = pg_catalog"); err != nil {
		return err
	}
	// fn may have protected more tables, or dropped some: look again, as it was in the beginning.
	if err := m.force(ctx, tx, "enable row level security, force"); err != nil {
		return err
	}
	tables, err := catalog(ctx, tx, m.named)
	if err != nil {
		return err
	}
	m.tables = tables
	if err := m.force(ctx, tx, "no force"); err != nil {
		return err
	}
	if err := m.recheck(ctx, tx); err != nil {
		return err
	}
	return m.force(ctx, tx, "enable row level security, force")
}

// force changes all of the tables that fn did not drop or unprotect. It takes their names
// from the catalog each time, since fn may have renamed one.
func (m *maintenance) force(ctx context.Context, tx pgx.Tx, verb string) error {
	rows, _ := tx.Query(ctx, `select pg_catalog.format('alter table only %I.%I ', ns.nspname, c.relname)
		from pg_catalog.pg_class c join pg_catalog.pg_namespace ns on ns.oid = c.relnamespace
		where c.oid = any ($1) and (c.relrowsecurity or exists (
			select from pg_catalog.pg_policy p where p.polrelid = c.oid and p.polname = 'stratum_select'))
		order by c.oid`, m.oids())
	statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(statements) == 0 {
		return err
	}
	_, err = tx.Exec(ctx, strings.Join(statements, verb+" row level security; ")+verb+" row level security")
	return err
}

func (m *maintenance) oids() []uint32 {
	oids := make([]uint32, len(m.tables))
	for i, t := range m.tables {
		oids[i] = t.Rel
	}
	return oids
}

// recheck counts the rows that are wrong now.
func (m *maintenance) recheck(ctx context.Context, tx pgx.Tx) error {
	sql, err := execute("recheck", nil)
	if err != nil {
		return err
	}
	columns := make([]string, len(m.tables))
	for i, t := range m.tables {
		columns[i] = t.Column
	}
	type check struct{ Name, Field, Sentence, Query string }
	rows, _ := tx.Query(ctx, sql, m.oids(), columns)
	checks, err := pgx.CollectRows(rows, pgx.RowToStructByPos[check])
	if err != nil {
		return err
	}
	for _, c := range checks {
		var n int64
		if err := tx.QueryRow(ctx, c.Query).Scan(&n); err != nil {
			return fmt.Errorf("checking %s: %w", c.Name, err)
		}
		if n > 0 {
			return core.Errorf(core.Validation, "%s: %d", c.Sentence, n).With("table", c.Name).With("field", c.Field).With("rows", n)
		}
	}
	return nil
}

// restore puts FORCE back after fn committed behind our back.
func (m *maintenance) restore(ctx context.Context) error {
	if _, err := m.conn.Exec(ctx, "rollback"); err != nil { // of what fn began; a warning if it began nothing
		return err
	}
	return pgx.BeginFunc(ctx, m.conn, func(tx pgx.Tx) error { return m.force(ctx, tx, "enable row level security, force") })
}

// held is a transaction that its user cannot end.
type held struct{ pgx.Tx }

var errHeld = core.Errorf(core.Validation, "Maintain ends its transaction itself, after its checks").With("field", "fn")

// Commit refuses.
func (held) Commit(context.Context) error { return errHeld }

// Rollback refuses: return an error to undo everything.
func (held) Rollback(context.Context) error { return errHeld }
