package rls

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// behind counts the tenants whose schemas or databases have not all migrations that others
// have. The library keeps their versions; without its table there is nobody to ask.
func (c *checker) behind(ctx context.Context, tx pgx.Tx) error {
	sql, err := execute("check_fleet", nil)
	if err != nil {
		return err
	}
	var readable bool
	var role, owner string
	err = tx.QueryRow(ctx, sql, pgx.QueryExecModeDescribeExec).Scan(&readable, &role, &owner)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	case !readable:
		c.skip("tenants_behind", "stratum.fleet", fmt.Sprintf("%s may not read it; run Check as %s", role, owner))
		return nil
	}
	if sql, err = execute("check_behind", nil); err != nil {
		return err
	}
	var n, newest int64
	if err := tx.QueryRow(ctx, sql, pgx.QueryExecModeDescribeExec).Scan(&n, &newest); err != nil {
		return fmt.Errorf("counting the tenants that are behind: %w", err)
	}
	if n > 0 {
		c.add("tenants_behind", "table", "stratum.fleet", fmt.Sprintf("tenants whose schema or database is at an older version than %d: %d", newest, n), "", "")
	}
	return nil
}
