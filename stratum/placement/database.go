package placement

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// makeDatabase makes a database, which nobody but its owner and the serving login may
// enter. It is a copy of the template, or else of template0: that is as the server made it,
// whatever somebody did to template1, and nobody can be connected to it and so be in the way.
func (p *Provisioner) makeDatabase(ctx context.Context, conn *pgx.Conn, name string) error {
	database, template := quote(name), quote(cmp.Or(p.templateDatabase, "template0"))
	if _, err := conn.Exec(ctx, "create database "+database+" template "+template, pgx.QueryExecModeExec); err != nil {
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
	statements := append([]string{
		"set local role pg_database_owner",
		"revoke all on schema public from public",
		"grant create, usage on schema public to " + quote(owner),
		"grant usage on schema public to " + quote(p.app),
		"set local role none",
	}, defaults("public", p.app)...)
	if p.templateDatabase != "" {
		statements = append(statements, present("public", p.app)...)
	}
	return all(ctx, inside, statements...)
}

// Databases returns a function that makes the connection string for a tenant's database
// out of dsn, which is that of the serving login for any database of the same server:
//
//	stratumpgx.Config{Databases: stratumpgx.DatabasesFunc(placement.Databases(dsn))}
//
// A key that [Provisioner.Place] did not make is refused with [core.ErrScopeUnsupported],
// and so is one of another server.
func Databases(dsn string) func(ctx context.Context, key string) (string, error) {
	return DatabasesOn(map[string]string{"": dsn})
}

// DatabasesOn is [Databases] for several servers: a connection string for each region of
// Config.Servers, and under the empty name the one for databases of all other regions.
func DatabasesOn(servers map[string]string) func(ctx context.Context, key string) (string, error) {
	servers = maps.Clone(servers)
	return func(_ context.Context, key string) (string, error) {
		region, name, elsewhere := strings.Cut(key, "/")
		if !elsewhere {
			region, name = "", key
		}
		dsn, ok := servers[region]
		if !ok || elsewhere && region == "" || !strings.HasPrefix(name, databasePrefix) || name != cleaned(name) || len(name) > maxName {
			return "", core.Errorf(core.ScopeUnsupported, "the database %q is none that was provisioned on a server that is known", key)
		}
		return onDatabase(dsn, name)
	}
}

// onDatabase is a connection string that leads to another database of the server.
func onDatabase(dsn, name string) (string, error) {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return dsn + " dbname=" + name, nil // the last one counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("placement: this is no connection string") // the cause would repeat it
	}
	query := u.Query()
	query.Del("dbname")
	query.Del("database")
	u.Path, u.RawQuery = "/"+name, query.Encode()
	return u.String(), nil
}
