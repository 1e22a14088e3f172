package stratumgorm

import (
	"errors"
	"fmt"

	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
)

// Open opens GORM over db. cfg may be nil; it is copied.
//
// It does not ping, as db has been checked when it was opened. Close db, not what
// [gorm.DB.DB] returns.
func Open(db *stratumpgx.DB, cfg *gorm.Config) (*gorm.DB, error) {
	c := gorm.Config{}
	if cfg != nil {
		c = *cfg
	}
	c.DisableAutomaticPing = true // GORM closes what it cannot ping, and db is not its own
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: db.SQL()}), &c)
	if err != nil {
		return nil, err
	}
	return g, g.Use(New(db))
}

// New is the plugin for a *gorm.DB that exists:
//
//	err := existing.Use(stratumgorm.New(db))
//
// From then on existing runs over db instead of its own connections, in
// prepared-statement mode too. Sessions that were derived from it before are refused, so
// Use comes first, right after gorm.Open. The old connections are not closed: take
// existing.DB() before, and close that.
//
// Use refuses a transaction, other dialects than that of gorm.io/driver/postgres, and the
// plugin dbresolver, which has connections of its own. Where that is added later,
// statements are refused.
func New(db *stratumpgx.DB) gorm.Plugin { return &plugin{db: db} }

// plugin puts a *gorm.DB over a scoped one.
type plugin struct {
	db     *stratumpgx.DB
	fields tenantFields
}

// Name is the key of the plugin in [gorm.Config].Plugins.
func (*plugin) Name() string { return "stratum" }

// Initialize implements [gorm.Plugin].
func (p *plugin) Initialize(g *gorm.DB) error {
	dialect, err := p.admit(g)
	if err != nil {
		return fmt.Errorf("stratumgorm: %w", err)
	}
	p.connect(g)
	g.Dialector = scopedDialector{dialect}
	return p.register(g)
}

// admit refuses what cannot be scoped.
func (p *plugin) admit(g *gorm.DB) (*postgres.Dialector, error) {
	if p.db == nil {
		return nil, errors.New("New needs a *stratumpgx.DB")
	}
	if _, ok := g.Statement.ConnPool.(gorm.TxCommitter); ok {
		return nil, errors.New("this *gorm.DB is a transaction on a connection without a scope; use the plugin on the DB that gorm.Open returned")
	}
	if _, ok := g.Plugins["gorm:db_resolver"]; ok {
		return nil, errors.New("the plugin dbresolver sends queries to connections of its own, which have no scope; open one stratumpgx.DB for each database instead")
	}
	switch d := g.Dialector.(type) {
	case *postgres.Dialector:
		return d, nil
	case postgres.Dialector:
		return &d, nil
	case scopedDialector:
		return nil, gorm.ErrRegistered
	}
	return nil, fmt.Errorf("the dialector is a %T, and scoping needs that of gorm.io/driver/postgres", g.Dialector)
}

// connect replaces the connections of g.
func (p *plugin) connect(g *gorm.DB) {
	prepared, _ := g.ConnPool.(*gorm.PreparedStmtDB)
	if pool := p.db.SQL(); prepared == nil && g.ConnPool == pool || prepared != nil && prepared.ConnPool == pool {
		return
	}
	// Statements that were prepared on the old connections are in a cache that all
	// sessions share, and would go on running there.
	if cache, ok := g.Session(&gorm.Session{PrepareStmt: true}).Statement.ConnPool.(*gorm.PreparedStmtDB); ok {
		cache.Close()
	}
	if prepared != nil {
		prepared.ConnPool = p.db.SQL()
	} else {
		g.ConnPool = p.db.SQL()
	}
	g.Statement.ConnPool = g.ConnPool
}

// register puts our callbacks in front of all others: what is refused has not even
// begun a transaction.
func (p *plugin) register(g *gorm.DB) error {
	const scope, stamp = "stratum:scope", "stratum:stamp"
	c := g.Callback()
	return errors.Join(
		c.Query().Before("*").Register(scope, p.guard),
		c.Delete().Before("*").Register(scope, p.guard),
		c.Raw().Before("*").Register(scope, p.guard),
		c.Row().Before("*").Register(scope, p.guardRow),
		c.Create().Before("*").Register(stamp, p.stampCreate),
		c.Update().Before("*").Register(stamp, p.stampUpdate),
	)
}
