package stratumpgx

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"

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
func (db *DB) SQL() *sql.DB {
	db.sqlOnce.Do(func() {
		db.sqlDB = sql.OpenDB(connector{db})
		db.sqlDB.SetMaxIdleConns(int(db.tenant.Config().MaxConns)) // they cost a few bytes
	})
	if db.sqlDB == nil { // DB.Close came first
		closed := sql.OpenDB(connector{db})
		_ = closed.Close()
		return closed
	}
	return db.sqlDB
}

// connector makes driver connections that are bound to nothing yet.
type connector struct{ db *DB }

// Connect does no I/O and cannot fail: the context it gets is not that of the operation.
func (c connector) Connect(context.Context) (driver.Conn, error) { return &DriverConn{db: c.db}, nil }

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
