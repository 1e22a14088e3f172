package stratument

import (
	"context"
	"errors"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
)

// Driver is ent's driver over db:
//
//	client := ent.NewClient(ent.Driver(stratument.Driver(db)))
//
// It can all that ent's own SQL driver can, ExecContext and BeginTx included. Closing
// the client leaves db open, which others may use; close db.
func Driver(db *stratumpgx.DB) dialect.Driver {
	return &driver{entsql.OpenDB(dialect.Postgres, db.SQL())}
}

// driver is ent's, on a database that is not its own.
type driver struct{ *entsql.Driver }

// errMigrate says what to do instead.
var errMigrate = errors.New("stratument: this client is the application's, which owns no tables: " +
	"use stratument.Migrate with a *sql.DB that is connected as their owner, which protects them too")

// serverVersion is how each of ent's schema migrations begins, and nothing else of it.
const serverVersion = "SHOW server_version_num"

// Query implements [dialect.ExecQuerier]. It refuses Schema.Create, which would fail
// anyway, with a reason, and before it has begun.
func (d *driver) Query(ctx context.Context, query string, args, v any) error {
	if query == serverVersion {
		return errMigrate
	}
	return d.Driver.Query(ctx, query, args, v)
}

// Close implements [dialect.Driver].
func (*driver) Close() error { return nil }
