package placement

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// makeDatabase makes an empty database, which nobody but its owner and the serving login
// may enter. It is a copy of template0, which is as the server made it, whatever somebody
// did to template1, and which nobody can be connected to and so be in the way.
func (p *Provisioner) makeDatabase(ctx context.Context, conn *pgx.Conn, at core.Placement) error {
	database := quote(at.Database)
	if _, err := conn.Exec(ctx, "create database "+database+" template template0", pgx.QueryExecModeExec); err != nil {
		return err
	}
	return all(ctx, conn,
		"revoke all on database "+database+" from public",
		"grant connect, temporary on database "+database+" to "+quote(p.app))
}

// openDatabase sets the rights in the schema public of the new database. It belongs to the
// role of whoever owns the database, whose rights an owner with NOINHERIT must take first.
func (p *Provisioner) openDatabase(ctx context.Context, inside *pgx.Conn) error {
	var owner string
	if err := inside.QueryRow(ctx, "select current_user::text", pgx.QueryExecModeExec).Scan(&owner); err != nil {
		return err
	}
	return all(ctx, inside, append([]string{
		"set local role pg_database_owner",
		"revoke all on schema public from public",
		"grant create, usage on schema public to " + quote(owner),
		"grant usage on schema public to " + quote(p.app),
		"set local role none",
	}, defaults("public", p.app)...)...)
}

// Databases returns a function that makes the connection string for a tenant's database
// out of dsn, which is that of the serving login for any database of the same server:
//
//	stratumpgx.Config{Databases: stratumpgx.DatabasesFunc(placement.Databases(dsn))}
//
// A key that [Provisioner.Place] did not make is refused with [core.ErrScopeUnsupported].
func Databases(dsn string) func(ctx context.Context, key string) (string, error) {
	return func(_ context.Context, key string) (string, error) {
		if !strings.HasPrefix(key, databasePrefix) || key != cleaned(key) || len(key) > maxName {
			return "", core.Errorf(core.ScopeUnsupported, "the database %q is none that was provisioned", key)
		}
		if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
			return dsn + " dbname=" + key, nil // the last one counts
		}
		u, err := url.Parse(dsn)
		if err != nil {
			return "", fmt.Errorf("placement: this is no connection string") // the cause would repeat it
		}
		query := u.Query()
		query.Del("dbname")
		query.Del("database")
		u.Path, u.RawQuery = "/"+key, query.Encode()
		return u.String(), nil
	}
}
