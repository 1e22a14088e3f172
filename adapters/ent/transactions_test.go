package stratument_test

import (
	"context"
	"database/sql"
	"errors"

	"github.com/stratum-hq/stratum-go/adapters/ent/internal/ent"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// within runs fn in a transaction, as ent's manual has it.
func within(ctx context.Context, c *ent.Client, fn func(tx *ent.Tx) error) error {
	tx, err := c.Tx(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if v := recover(); v != nil {
			_ = tx.Rollback()
			panic(v)
		}
	}()
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

var transactionShapes = map[ormtest.Name]shape{
	ormtest.Transaction: func(ctx context.Context, c *ent.Client, a ormtest.Args) (seen []string, err error) {
		err = within(ctx, c, func(tx *ent.Tx) (err error) {
			if err = newCustomer(tx.Client(), a.Fresh).Exec(ctx); err == nil {
				seen, err = allCustomers(ctx, tx.Client())
			}
			return err
		})
		return seen, err
	},
	ormtest.Rollback: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		tx, err := c.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
		if err != nil {
			return nil, err
		}
		defer func() { _ = tx.Rollback() }()
		if err := newCustomer(tx.Client(), a.Fresh).Exec(ctx); err != nil {
			return nil, err
		}
		return allCustomers(ctx, tx.Client())
	},
	ormtest.Savepoint: func(ctx context.Context, c *ent.Client, a ormtest.Args) (seen []string, err error) {
		err = within(ctx, c, func(tx *ent.Tx) error {
			if _, err := tx.ExecContext(ctx, "savepoint here"); err != nil {
				return err
			}
			if err := newCustomer(tx.Client(), a.Fresh).Exec(ctx); err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, "rollback to savepoint here"); err != nil {
				return err
			}
			seen, err = allCustomers(ctx, tx.Client())
			return err
		})
		return seen, err
	},
	ormtest.Panic: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		err := func() (err error) {
			defer func() { _ = recover() }()
			return within(ctx, c, func(tx *ent.Tx) error {
				if err = newCustomer(tx.Client(), a.Fresh).Exec(ctx); err != nil {
					return err
				}
				panic("on purpose")
			})
		}()
		if err != nil {
			return nil, err
		}
		return allCustomers(ctx, c)
	},
	ormtest.SwitchTenant: func(ctx context.Context, c *ent.Client, a ormtest.Args) ([]string, error) {
		return nil, within(ctx, c, func(tx *ent.Tx) error {
			if err := newCustomer(tx.Client(), a.Fresh).Exec(ctx); err != nil {
				return err
			}
			_, err := list(a.Other.As(ctx), tx.Client(), a)
			return err
		})
	},
}
