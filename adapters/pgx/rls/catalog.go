package rls

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/core"
)

// This file reads the catalog from Go. It is for work on protected tables; what
// Protect has to know it reads in its own SQL.

// protected is a protected table.
type protected struct {
	Rel    uint32 // its oid, which outlives a change of its name
	Name   string // schema and name, quoted
	Column string // holds the tenant
	Mine   bool   // it was asked for; otherwise a foreign key ties it to one that was
}

// lookup finds tables by name, as SQL would.
func lookup(ctx context.Context, tx pgx.Tx, names []string) ([]uint32, error) {
	oids := make([]uint32, 0, len(names))
	for _, name := range names {
		var oid *uint32
		err := tx.QueryRow(ctx, "select pg_catalog.to_regclass($1)::oid", name).Scan(&oid)
		var pe *pgconn.PgError
		switch {
		case errors.As(err, &pe):
			return nil, core.Errorf(core.Validation, "%s cannot be looked up: %s", name, pe.Message).
				Wrap(err).With("table", name).With("field", "tables")
		case err != nil:
			return nil, err
		case oid == nil:
			return nil, core.Errorf(core.Validation, "there is no table %s", name).With("table", name).With("field", "tables")
		}
		oids = append(oids, *oid)
	}
	return oids, nil
}

// catalog lists the protected tables among oids, nil meaning all of the current role, with their
// partitions and those that foreign keys tie to them, in the order of their oids.
func catalog(ctx context.Context, tx pgx.Tx, oids []uint32) ([]protected, error) {
	sql, err := execute("catalog", nil)
	if err != nil {
		return nil, err
	}
	rows, _ := tx.Query(ctx, sql, oids)
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (protected, error) {
		var p protected
		var column *string
		if err := row.Scan(&p.Rel, &p.Name, &column, &p.Mine); err != nil {
			return p, err
		}
		if column != nil {
			p.Column = *column
		}
		return p, nil
	})
}
