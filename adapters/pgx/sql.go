package stratumpgx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// SQL returns the *sql.DB over this DB: for GORM, ent, bun, sqlx, sqlc and
// everything else on database/sql. It serves every tenant; each operation runs in the
// scope of its own context. The same handle is returned each time, and [DB.Close]
// closes it.
//
// Its connections bind to one of the pool's at their first operation, with that
// operation's context, and let go of it when database/sql gets them back. So
// SetMaxOpenConns, SetMaxIdleConns and the lifetimes are harmless: what is idle in
// database/sql holds nothing. The pool's own limits are those that count.
//
// Ping and Prepare work without a tenant; executing does not. Inside a transaction a
// context without a tenant inherits. [sql.Conn.Raw] yields a [*DriverConn].
func (db *DB) SQL() *sql.DB { return db.SQLExec(0) }

// SQLExec is [DB.SQL] whose statements without arguments execute in mode, unless the
// configuration names another one than pgx's default, which then is that of all. It is for clients that write values into
// the text of statements, as bun does: to prepare each of these texts costs a round
// trip, and drops statements from the cache that are used again. Such a client takes
// [pgx.QueryExecModeExec].
func (db *DB) SQLExec(mode pgx.QueryExecMode) *sql.DB {
	db.sqlMu.Lock()
	defer db.sqlMu.Unlock()
	if db.tenant.Config().ConnConfig.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement {
		mode = 0
	}
	if made := db.sqlDBs[mode]; made != nil {
		return made
	}
	made := sql.OpenDB(connector{db, mode})
	made.SetMaxIdleConns(int(db.tenant.Config().MaxConns)) // they cost a few bytes
	if db.sqlClosed {
		_ = made.Close()
	}
	if db.sqlDBs == nil {
		db.sqlDBs = map[pgx.QueryExecMode]*sql.DB{}
	}
	db.sqlDBs[mode] = made
	return made
}

// closeSQL closes what SQL and SQLExec have returned, and will return.
func (db *DB) closeSQL() {
	db.sqlMu.Lock()
	defer db.sqlMu.Unlock()
	db.sqlClosed = true
	for _, made := range db.sqlDBs {
		_ = made.Close()
	}
}

// connector makes driver connections that are bound to nothing yet.
type connector struct {
	db   *DB
	mode pgx.QueryExecMode
}

// Connect does no I/O and cannot fail: the context it gets is not that of the operation.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	return &DriverConn{db: c.db, mode: c.mode}, nil
}

func (c connector) Driver() driver.Driver { return sqlDriver{} }

// sqlDriver exists because database/sql wants a driver; connections come from [DB.SQL] only.
type sqlDriver struct{}

func (sqlDriver) Open(string) (driver.Conn, error) {
	return nil, errors.New("stratumpgx: use Open and SQL; this driver has no data source names")
}

// stdlib returns stdlib's connection over one of the pool's, in the scope of ctx.
func (p *pool) stdlib(ctx context.Context) (*stdlib.Conn, error) {
	c, err := p.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return c.(*stdlib.Conn), nil
}
