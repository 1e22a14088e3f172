package stratumgorm_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/stratum-hq/stratum-go/adapters/gorm"
	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// TestConformance runs the suite in each way in which people configure GORM.
func TestConformance(t *testing.T) {
	prepared, single := quiet(), quiet()
	prepared.PrepareStmt = true
	single.SkipDefaultTransaction = true
	for name, cfg := range map[string]*gorm.Config{"default": quiet(), "PrepareStmt": prepared, "SkipDefaultTransaction": single} {
		t.Run(name, func(t *testing.T) {
			ormtest.Run(t, ormtest.ORM{Open: func(t testing.TB, conns int) ormtest.DB {
				d := database(t)
				db, wire := scoped(t, d, conns)
				g, err := stratumgorm.Open(db, cfg)
				if err != nil {
					t.Fatal(err)
				}
				return ormtest.DB{Admin: admin(t, d), Wire: wire, Shapes: shapes(g)}
			}})
		})
	}
}

type marked interface{ marker() string }

func (c Customer) marker() string { return c.Marker }
func (i Invoice) marker() string  { return i.Marker }
func (l Line) marker() string     { return l.Marker }
func (t Tag) marker() string      { return t.Marker }

func markers[T marked](rows []T) []string {
	var out []string
	for _, r := range rows {
		out = append(out, r.marker())
	}
	return out
}

// found returns the markers of rows, and the error of the query, if it failed.
func found[T marked](rows []T, q *gorm.DB) ([]string, error) {
	if q.Error != nil {
		return nil, q.Error
	}
	return markers(rows), nil
}

// affected returns the number of rows that q changed.
func affected(q *gorm.DB) ([]string, error) { return []string{fmt.Sprint(q.RowsAffected)}, q.Error }

// shape is one of GORM: a function of a *gorm.DB that has the context already.
type shape = func(g *gorm.DB, a ormtest.Args) ([]string, error)

func shapes(g *gorm.DB) map[ormtest.Name]ormtest.Shape {
	out := map[ormtest.Name]ormtest.Shape{
		ormtest.Forgotten: func(context.Context, ormtest.Args) ([]string, error) { return list(g) },
		ormtest.SwitchTenant: func(ctx context.Context, a ormtest.Args) ([]string, error) {
			return nil, g.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
				if err := tx.Create(customer(a.Fresh)).Error; err != nil {
					return err
				}
				_, err := list(tx.WithContext(a.Other.As(ctx)))
				return err
			})
		},
	}
	for _, family := range []map[ormtest.Name]shape{readShapes, figureShapes, writeShapes, refusedShapes, transactionShapes} {
		for name, s := range family {
			out[name] = func(ctx context.Context, a ormtest.Args) ([]string, error) { return s(g.WithContext(ctx), a) }
		}
	}
	return out
}

func list(g *gorm.DB) ([]string, error) {
	var rows []Invoice
	return found(rows, g.Find(&rows))
}

func customers(g *gorm.DB) ([]string, error) {
	var rows []Customer
	q := g.Find(&rows)
	return found(rows, q)
}

// first is for queries that may find nothing.
func first(q *gorm.DB, row *Invoice) ([]string, error) {
	if errors.Is(q.Error, gorm.ErrRecordNotFound) {
		return nil, nil
	}
	return []string{row.Marker}, q.Error
}

var transactionShapes = map[ormtest.Name]shape{
	ormtest.Transaction: func(g *gorm.DB, a ormtest.Args) (seen []string, err error) {
		err = g.Transaction(func(tx *gorm.DB) (err error) {
			if err = tx.Create(customer(a.Fresh)).Error; err == nil {
				seen, err = customers(tx)
			}
			return err
		})
		return seen, err
	},
	ormtest.Rollback: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		tx := g.Begin()
		if tx.Error != nil {
			return nil, tx.Error
		}
		defer tx.Rollback()
		if err := tx.Create(customer(a.Fresh)).Error; err != nil {
			return nil, err
		}
		return customers(tx)
	},
	ormtest.Nested: func(g *gorm.DB, a ormtest.Args) (seen []string, err error) {
		undo := errors.New("undo")
		err = g.Transaction(func(tx *gorm.DB) error {
			if err := tx.Create(customer(a.Fresh + "-1")).Error; err != nil {
				return err
			}
			err := tx.Transaction(func(nested *gorm.DB) error {
				if err := nested.Create(customer(a.Fresh + "-2")).Error; err != nil {
					return err
				}
				return undo
			})
			if err != undo {
				return err
			}
			seen, err = customers(tx)
			return err
		})
		return seen, err
	},
	ormtest.Savepoint: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		tx := g.Begin()
		if tx.Error != nil {
			return nil, tx.Error
		}
		defer tx.Rollback()
		tx.SavePoint("here")
		if err := tx.Create(customer(a.Fresh)).Error; err != nil {
			return nil, err
		}
		if err := tx.RollbackTo("here").Error; err != nil {
			return nil, err
		}
		seen, err := customers(tx)
		if err != nil {
			return nil, err
		}
		return seen, tx.Commit().Error
	},
	ormtest.Panic: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		err := func() (err error) {
			defer func() { _ = recover() }()
			return g.Transaction(func(tx *gorm.DB) error {
				if err = tx.Create(customer(a.Fresh)).Error; err != nil {
					return err
				}
				panic("on purpose")
			})
		}()
		if err != nil {
			return nil, err
		}
		return customers(g)
	},
}

var refusedShapes = map[ormtest.Name]shape{
	ormtest.InsertOther: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.TenantID = a.Other.Tenant.ID
		return nil, g.Create(c).Error
	},
	ormtest.BatchOther: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		batch := []*Customer{customer(a.Fresh + "-1"), customer(a.Fresh + "-2")}
		batch[1].TenantID = a.Other.Tenant.ID
		return nil, g.Create(batch).Error
	},
	ormtest.Move: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		return nil, g.Model(&Invoice{ID: a.Own.Invoice}).Update("tenant_id", a.Other.Tenant.ID).Error
	},
	ormtest.UpsertOther: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.ID = a.Other.Customer
		return nil, g.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "id"}},
			DoUpdates: clause.AssignmentColumns([]string{"marker"}),
		}).Create(c).Error
	},
	ormtest.ReferOther: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		i := newInvoice(a.Fresh)
		i.CustomerID = a.Other.Customer
		return nil, g.Create(&i).Error
	},
}
