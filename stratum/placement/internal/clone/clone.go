package clone

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/core"
)

// Schema copies the schema template into the schema target, which is there and empty, in
// one transaction. It sees the template as it is at one moment; its tables cannot be altered
// until the end, but be written to. All of the template must belong to whom conn is connected
// as. It returns [core.ErrScopeUnsupported] if there is no such schema, or if it has what
// cannot be copied: the message names that.
func Schema(ctx context.Context, conn *pgx.Conn, template, target string) error {
	tables, err := tablesOf(ctx, conn, template)
	if err != nil {
		return fmt.Errorf("clone: %w", err)
	}
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if len(tables) > 0 { // before the snapshot, which the first query takes
			if _, err := tx.Exec(ctx, "lock table "+strings.Join(tables, ", ")+" in access share mode"); err != nil {
				return fmt.Errorf("clone: %w", err)
			}
		}
		if err := copySchema(ctx, tx, template, target); err != nil {
			return fmt.Errorf("clone: %w", err)
		}
		return nil
	})
}

func tablesOf(ctx context.Context, conn *pgx.Conn, schema string) ([]string, error) {
	return query(ctx, conn, pgx.RowTo[string], `select format('%I.%I', n.nspname, c.relname)
		from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		where n.nspname = $1 and c.relkind in ('r', 'p') order by 1`, schema)
}

// copySchema does the work inside a transaction.
func copySchema(ctx context.Context, tx pgx.Tx, template, target string) error {
	things, err := read(ctx, tx, template)
	if err != nil {
		return err
	}
	if err := mentions(things, template); err != nil {
		return err
	}
	of := classesAndIDs(things)
	needs, err := query(ctx, tx, pgx.RowToStructByPos[need], parts+needsOfParts, of...)
	if err != nil {
		return err
	}
	ordered, err := order(things, needs)
	if err != nil {
		return err
	}
	if err := settle(ctx, tx, target, "on"); err != nil {
		return err
	}
	if err := execute(ctx, tx.Conn().PgConn(), ordered); err != nil {
		return err
	}
	if err := settle(ctx, tx, target, "off"); err != nil {
		return err
	}
	left, err := query(ctx, tx, pgx.RowTo[string], parts+dependents, of...)
	if err == nil && len(left) > 0 {
		err = core.Errorf(core.ScopeUnsupported, "the schema %q cannot be a template; in a copy, these would depend on it: %s", template, list(left))
	}
	return err
}

// A thing is made by itself, by its statements.
type thing struct {
	Class, ID  uint32 // its row in the catalog; Class 0: none
	Place      int    // smaller ones come first if they can
	What       string
	Statements []string
	Comments   []string // statements, too
}

const rowsPlace = 7 // of the things that are rows

//go:embed sql/objects.sql
var objects string

//go:embed sql/refused.sql
var refused string

//go:embed sql/parts.sql
var parts string

//go:embed sql/needs.sql
var needsOfParts string

//go:embed sql/dependents.sql
var dependents string

// read has the server write down how the schema is made.
func read(ctx context.Context, tx pgx.Tx, schema string) ([]thing, error) {
	var oid uint32
	err := tx.QueryRow(ctx, "select oid from pg_catalog.pg_namespace where nspname = $1", pgx.QueryExecModeExec, schema).Scan(&oid)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, core.Errorf(core.ScopeUnsupported, "there is no schema %q that could be a template", schema)
	}
	if err != nil {
		return nil, err
	}
	if err := settle(ctx, tx, schema, "off"); err != nil {
		return nil, err
	}
	left, err := query(ctx, tx, pgx.RowTo[string], refused, oid)
	if err != nil {
		return nil, err
	}
	if len(left) > 0 {
		return nil, core.Errorf(core.ScopeUnsupported, "the schema %q cannot be a template; these cannot be copied: %s", schema, list(left))
	}
	return query(ctx, tx, pgx.RowToStructByPos[thing], objects, oid)
}

// settle makes names without a schema mean those of one, and what the server writes down
// after it to be without a schema if it is in there. What it writes can be read again, and
// rows that policies hide are an error, not left out. With joins off, which is for the
// queries of catalogs, these follow indexes, however many other schemas there are.
func settle(ctx context.Context, tx pgx.Tx, schema, joins string) error {
	_, err := tx.Exec(ctx, `select set_config(name, value, true) from (values ('search_path', $1), ('check_function_bodies', 'off'),
		('row_security', 'off'), ('quote_all_identifiers', 'off'), ('datestyle', 'iso'), ('intervalstyle', 'postgres'), ('extra_float_digits', '3'),
		('enable_hashjoin', $2), ('enable_mergejoin', $2), ('jit', 'off')) s (name, value)`,
		pgx.QueryExecModeExec, pgx.Identifier{schema}.Sanitize()+", pg_temp", joins)
	return err
}

// execute runs all statements in one round trip.
func execute(ctx context.Context, conn *pgconn.PgConn, things []thing) error {
	var batch pgconn.Batch
	var of []string // what the statements make
	for _, t := range things {
		for _, sql := range append(t.Statements, t.Comments...) {
			batch.ExecParams(sql, nil, nil, nil, nil)
			of = append(of, t.What)
		}
	}
	results := conn.ExecBatch(ctx, &batch)
	done := 0
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err != nil {
			break
		}
		done++
	}
	err := results.Close()
	if err != nil && done < len(of) {
		err = fmt.Errorf("the %s: %w", of[done], err)
	}
	return err
}

// list has the first of what may be very many.
func list(words []string) string {
	const most = 20
	if more := len(words) - most; more > 0 {
		words = append(words[:most:most], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(words, ", ")
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func query[T any](ctx context.Context, on querier, row pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	rows, err := on.Query(ctx, sql, append([]any{pgx.QueryExecModeExec}, args...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, row)
}
