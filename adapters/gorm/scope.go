package stratumgorm

import (
	"database/sql"
	"errors"

	"gorm.io/gorm"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
)

// errForgotten says what to do about a context without a tenant. Without us the error would
// be as safe, and would not say it.
var errForgotten = core.Errorf(core.NoTenant,
	"GORM has no tenant for this statement: give it the context of the request, with db.WithContext(ctx)")

// errElsewhere refuses statements that would run on connections without a scope.
var errElsewhere = core.Errorf(core.ScopeUnsupported,
	"this statement would run on connections without a scope: its session was made before the plugin was added, or dbresolver was added after it")

// guard refuses a statement that would be executed without a scope.
func (p *plugin) guard(g *gorm.DB) {
	if g.Error != nil || g.DryRun {
		return
	}
	if !p.ours(g) {
		_ = g.AddError(errElsewhere)
	} else if inherits(g) {
		return
	} else if _, err := core.ScopeFrom(g.Statement.Context); errors.Is(err, core.ErrNoTenant) {
		_ = g.AddError(errForgotten)
	} else if err != nil {
		_ = g.AddError(err)
	}
}

// guardRow is guard for Row and Rows. When a callback fails, GORM makes a nil *sql.Row
// of Row, and Scan panics. So Row is moved to our connections, which refuse a context
// without a tenant, too.
func (p *plugin) guardRow(g *gorm.DB) {
	if rows, ok := g.Get("rows"); ok && rows == true {
		p.guard(g)
	} else if !g.DryRun && !p.ours(g) {
		g.Statement.ConnPool = p.db.SQL()
	}
}

// ours reports whether the statement runs on connections of the scoped DB.
func (p *plugin) ours(g *gorm.DB) (ours bool) {
	if conn, ok := g.Statement.ConnPool.(*sql.Conn); ok {
		_ = conn.Raw(func(dc any) error {
			_, ours = dc.(*stratumpgx.DriverConn)
			return nil
		})
		return ours
	}
	pool, err := g.DB() // of a transaction, too
	return err == nil && pool == p.db.SQL()
}

// inherits reports whether the statement is in a transaction and says nothing about
// tenancy: it runs in the scope of the transaction.
func inherits(g *gorm.DB) bool {
	if core.HasScope(g.Statement.Context) {
		return false
	}
	_, ok := g.Statement.ConnPool.(gorm.TxCommitter)
	return ok
}
