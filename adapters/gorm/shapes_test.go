package stratumgorm_test

import (
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/stratum-hq/stratum-go/testutil/ormtest"
)

// hookedInvoice looks for its lines when it has been read.
type hookedInvoice struct {
	Invoice `gorm:"embedded"`
	Found   []Line `gorm:"-"`
}

func (i *hookedInvoice) AfterFind(tx *gorm.DB) error {
	return tx.Where("invoice_id = ?", i.ID).Find(&i.Found).Error
}

// hookedCustomer writes a tag when it has been written.
type hookedCustomer struct {
	Customer `gorm:"embedded"`
}

func (c *hookedCustomer) AfterCreate(tx *gorm.DB) error {
	return tx.Create(&Tag{Name: c.Marker + "-hook", Marker: c.Marker + "-hook"}).Error
}

var readShapes = map[ormtest.Name]shape{
	ormtest.List: func(g *gorm.DB, _ ormtest.Args) ([]string, error) { return list(g) },
	ormtest.Find: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		var row Invoice
		q := g.First(&row, a.Own.Invoice)
		return first(q, &row)
	},
	ormtest.FindOther: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		var row Invoice
		q := g.First(&row, a.Other.Invoice)
		return first(q, &row)
	},
	ormtest.ByNumber: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		var rows []Invoice
		q := g.Where(&Invoice{Number: a.Own.Number}).Find(&rows)
		return found(rows, q)
	},
	ormtest.Association: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		var rows []Invoice
		err := g.Model(&Customer{ID: a.Own.Customer}).Association("Invoices").Find(&rows)
		return markers(rows), err
	},
	ormtest.Preload: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var rows []Customer
		err := g.Preload("Invoices.Lines").Find(&rows).Error
		out := markers(rows)
		for _, c := range rows {
			out = append(out, markers(c.Invoices)...)
			for _, i := range c.Invoices {
				out = append(out, markers(i.Lines)...)
			}
		}
		return out, err
	},
	ormtest.PreloadMany: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var rows []Invoice
		err := g.Preload("Tags").Find(&rows).Error
		out := markers(rows)
		for _, i := range rows {
			out = append(out, markers(i.Tags)...)
		}
		return out, err
	},
	ormtest.Join: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var rows []Invoice
		err := g.InnerJoins("Customer").Find(&rows).Error
		out := markers(rows)
		for _, i := range rows {
			out = append(out, i.Customer.Marker)
		}
		return out, err
	},
	ormtest.Subquery: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var rows []Customer
		q := g.Where("id IN (?)", g.Model(&Invoice{}).Select("customer_id")).Find(&rows)
		return found(rows, q)
	},
	ormtest.Has: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var rows []Customer
		q := g.Where("EXISTS (?)", g.Model(&Invoice{}).Select("1").Where("invoice.customer_id = customer.id")).Find(&rows)
		return found(rows, q)
	},
	ormtest.Unscoped: func(g *gorm.DB, _ ormtest.Args) ([]string, error) { return list(g.Unscoped()) },
	ormtest.RawRead: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var out []string
		err := g.Raw("with x as (select * from invoice) select marker from x union all select marker from customer").Scan(&out).Error
		return out, err
	},
	ormtest.Iterate: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		rows, err := g.Model(&Invoice{}).Rows()
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			var row Invoice
			if err := g.ScanRows(rows, &row); err != nil {
				return nil, err
			}
			out = append(out, row.Marker)
		}
		return out, rows.Err()
	},
	ormtest.Batches: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var out []string
		var rows []Invoice
		err := g.FindInBatches(&rows, 2, func(*gorm.DB, int) error {
			out = append(out, markers(rows)...)
			return nil
		}).Error
		return out, err
	},
	ormtest.Prepared: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		g = g.Session(&gorm.Session{PrepareStmt: true})
		out, err := list(g)
		if err != nil {
			return nil, err
		}
		more, err := list(g)
		return append(out, more...), err
	},
	ormtest.HookRead: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var rows []hookedInvoice
		err := g.Find(&rows).Error
		out := markers(rows)
		for _, i := range rows {
			out = append(out, markers(i.Found)...)
		}
		return out, err
	},
}

var figureShapes = map[ormtest.Name]shape{
	ormtest.Count: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var n int64
		err := g.Model(&Invoice{}).Count(&n).Error
		return []string{fmt.Sprint(n)}, err
	},
	ormtest.Sum: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var sum string
		err := g.Model(&Invoice{}).Select("sum(total)").Scan(&sum).Error
		return []string{sum}, err
	},
	ormtest.GroupBy: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		var rows []struct {
			Status string
			N      int
		}
		err := g.Model(&Invoice{}).Select("status, count(*) as n").Group("status").Scan(&rows).Error
		var out []string
		for _, r := range rows {
			out = append(out, fmt.Sprintf("%s=%d", r.Status, r.N))
		}
		return out, err
	},
}

var writeShapes = map[ormtest.Name]shape{
	ormtest.Insert: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		err := g.Create(c).Error
		return []string{c.Marker}, err
	},
	ormtest.InsertStated: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.TenantID = a.Own.Tenant.ID
		err := g.Create(c).Error
		return []string{c.Marker}, err
	},
	ormtest.InsertBatch: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		rows := []Customer{*customer(a.Fresh + "-1"), *customer(a.Fresh + "-2"), *customer(a.Fresh + "-3")}
		q := g.Create(&rows)
		return found(rows, q)
	},
	ormtest.InsertGraph: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		c, i := customer(a.Fresh), newInvoice(a.Fresh+"-invoice")
		i.Lines = []Line{{Marker: a.Fresh + "-line"}}
		i.Tags = []Tag{{Name: a.Fresh + "-tag", Marker: a.Fresh + "-tag"}}
		c.Invoices = []Invoice{i}
		err := g.Create(c).Error
		return []string{c.Marker, i.Marker, i.Lines[0].Marker, i.Tags[0].Marker}, err
	},
	ormtest.HookWrite: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		c := hookedCustomer{*customer(a.Fresh)}
		err := g.Create(&c).Error
		return []string{c.Marker, c.Marker + "-hook"}, err
	},
	ormtest.Update: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		i := Invoice{ID: a.Own.Invoice}
		err := g.Model(&i).Clauses(clause.Returning{}).Update("marker", a.Fresh).Error
		return []string{i.Marker}, err
	},
	ormtest.UpdateOther: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		return affected(g.Model(&Invoice{ID: a.Other.Invoice}).Update("status", "void"))
	},
	ormtest.UpdateAll: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		return affected(g.Session(&gorm.Session{AllowGlobalUpdate: true}).Model(&Invoice{}).Update("status", "void"))
	},
	ormtest.Delete: func(g *gorm.DB, a ormtest.Args) ([]string, error) { return affected(g.Delete(&Line{}, a.Own.Line)) },
	ormtest.DeleteOther: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		return affected(g.Delete(&Line{}, a.Other.Line))
	},
	ormtest.DeleteAll: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		return affected(g.Session(&gorm.Session{AllowGlobalUpdate: true}).Delete(&Line{}))
	},
	ormtest.SoftDelete: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		return nil, g.Delete(&Invoice{ID: a.Own.Invoice}).Error
	},
	ormtest.UpsertNothing: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.Email = a.Own.Email
		return nil, g.Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "tenant_id"}, {Name: "email"}}, DoNothing: true,
		}).Create(c).Error
	},
	ormtest.UpsertUpdate: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.Email = a.Own.Email
		err := g.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "tenant_id"}, {Name: "email"}},
			DoUpdates: clause.AssignmentColumns([]string{"marker"}),
		}).Create(c).Error
		return []string{c.Marker}, err
	},
	ormtest.UpsertSkipOther: func(g *gorm.DB, a ormtest.Args) ([]string, error) {
		c := customer(a.Fresh)
		c.ID = a.Other.Customer
		return nil, g.Clauses(clause.OnConflict{DoNothing: true}).Create(c).Error
	},
	ormtest.RawWrite: func(g *gorm.DB, _ ormtest.Args) ([]string, error) {
		return affected(g.Exec("update invoice set status = 'void'"))
	},
}
