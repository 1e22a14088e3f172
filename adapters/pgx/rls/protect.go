package rls

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// Protect puts the tables, with the rows they have, under row-level security: each
// tenant sees its own and can write no other. conn is a connection of the tables' owner.
//
// It is all or nothing: one transaction, or a savepoint in the one that is open on conn,
// which then must be READ COMMITTED. Running it again repairs what was changed since, or
// does nothing: then it takes no lock on a table and writes nothing.
//
// What cannot be protected is an error of the code [core.Validation], with the
// table, the field of [Table] that matters and, where rows are the reason, their number
// in its Details.
func Protect(ctx context.Context, conn *pgx.Conn, tables ...Table) error {
	sql, err := Script(tables...)
	if err != nil {
		return err
	}
	return translateNil("protecting "+names(tables), run(ctx, conn, sql))
}

// Unprotect takes policies, row-level security and the column's default away, and, since
// everybody's rows would be in sight without these, the grants to the roles of the application. Grant
// again what they may have. Columns and their NOT NULL, rows, keys, indexes, and grants
// on sequences and schemas stay. If the table has other policies, these stay in force.
//
// Of the tables, only Name, Column and Roles matter. A table that is not protected is left alone.
func Unprotect(ctx context.Context, conn *pgx.Conn, tables ...Table) error {
	sql, err := render("unprotect", tables)
	if err != nil {
		return err
	}
	return translateNil("unprotecting "+names(tables), run(ctx, conn, sql))
}

func translateNil(what string, err error) error {
	if err == nil {
		return nil
	}
	return translate(what, err)
}

// run executes SQL in a transaction of its own, or in a savepoint of the one that is open.
func run(ctx context.Context, conn *pgx.Conn, sql string) error {
	switch conn.PgConn().TxStatus() {
	case 'I':
		// Not the default of the server: under REPEATABLE READ rows of others would be missed.
		return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
	case 'T':
		return inSavepoint(ctx, conn, sql)
	}
	return core.Errorf(core.Validation, "the transaction on this connection has failed; roll it back first").With("field", "conn")
}

// inSavepoint leaves the caller's transaction usable when sql fails.
func inSavepoint(ctx context.Context, conn *pgx.Conn, sql string) error {
	if _, err := conn.Exec(ctx, "savepoint stratum_rls"); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, sql); err != nil {
		_, undo := conn.Exec(context.WithoutCancel(ctx), "rollback to savepoint stratum_rls; release savepoint stratum_rls")
		if undo != nil {
			return errors.Join(err, fmt.Errorf("rolling back to the savepoint: %w", undo))
		}
		return err
	}
	_, err := conn.Exec(ctx, "release savepoint stratum_rls")
	return err
}
