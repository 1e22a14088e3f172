package placement

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// grantLock is a statement for transactions that change the rights on the database: that
// is one row, which the server refuses to change twice at once. The key is "grant" in ASCII.
const grantLock = "select pg_catalog.pg_advisory_xact_lock(444233510516)"

// makeSchema makes the role, unless there is to be none, and the schema, with the rights of
// what will be made in it, now and by later migrations. PUBLIC gets nothing, since nobody
// else may use the schema.
func (p *Provisioner) makeSchema(ctx context.Context, conn *pgx.Conn, at core.Placement) error {
	var database, user string
	err := conn.QueryRow(ctx, "select current_database()::text, current_user::text", pgx.QueryExecModeExec).Scan(&database, &user)
	if err != nil {
		return err
	}
	var statements []string
	if at.Role != "" {
		if statements, err = p.makeRole(ctx, conn, at.Role, database); err != nil {
			return err
		}
	}
	schema, grantee := quote(at.Schema), p.grantee(at)
	err = all(ctx, conn, append(append(statements,
		"create schema "+schema,
		"grant usage on schema "+schema+" to "+quote(grantee),
	), defaults(at.Schema, grantee)...)...)
	if err != nil {
		return err
	}
	// A grant by somebody who may not is a warning.
	var granted bool
	err = conn.QueryRow(ctx, "select pg_catalog.has_database_privilege($1, current_database()::text, 'TEMPORARY')",
		pgx.QueryExecModeExec, grantee).Scan(&granted)
	switch {
	case err != nil || granted:
		return err
	case at.Role == "":
		return core.Errorf(core.RoleUnsafe, "the login %s lacks TEMPORARY, which COPY needs, on the database %s. Run: GRANT TEMPORARY ON DATABASE %s TO %s;",
			p.app, database, quote(database), quote(p.app))
	}
	return core.Errorf(core.RoleUnsafe, "%s may not grant TEMPORARY, which COPY needs, on the database %s. Run: ALTER DATABASE %s OWNER TO %s;",
		user, database, quote(database), quote(user))
}

// makeRole is how the role of a tenant is made, which the serving login can become.
func (p *Provisioner) makeRole(ctx context.Context, conn *pgx.Conn, name, database string) ([]string, error) {
	var options, inherits bool // whether a grant has options, since PostgreSQL 16; before, the login decides
	err := conn.QueryRow(ctx, `select pg_catalog.current_setting('server_version_num')::int >= 160000,
			exists (select from pg_catalog.pg_roles where rolname = $1 and rolinherit)`,
		pgx.QueryExecModeExec, p.app).Scan(&options, &inherits)
	if err != nil {
		return nil, err
	}
	if inherits && !options {
		return nil, core.Errorf(core.RoleUnsafe, "the login %s would have the rights of every tenant's role at once. Run: ALTER ROLE %s NOINHERIT;", p.app, quote(p.app))
	}
	role := quote(name)
	membership := "grant " + role + " to " + quote(p.app)
	if options {
		membership += " with inherit false, set true"
	}
	return []string{
		"create role " + role + " nologin noinherit",
		membership,
		grantLock,
		"grant temporary on database " + quote(database) + " to " + role,
	}, nil
}

// defaults are the rights on what we make in a schema from now on.
func defaults(schema, grantee string) []string {
	in := "alter default privileges in schema " + quote(schema)
	return []string{
		in + " grant select, insert, update, delete on tables to " + quote(grantee),
		in + " grant usage, select on sequences to " + quote(grantee),
	}
}

// present are the rights on what is in a schema already.
func present(schema, grantee string) []string {
	return []string{
		"grant select, insert, update, delete on all tables in schema " + quote(schema) + " to " + quote(grantee),
		"grant usage, select on all sequences in schema " + quote(schema) + " to " + quote(grantee),
	}
}

func removeSchema(ctx context.Context, conn *pgx.Conn, at core.Placement) error {
	var there bool
	var database string
	err := conn.QueryRow(ctx, "select current_database()::text, exists (select from pg_catalog.pg_roles where rolname = $1)",
		pgx.QueryExecModeExec, at.Role).Scan(&database, &there)
	if err != nil {
		return err
	}
	statements := []string{"drop schema if exists " + quote(at.Schema) + " cascade"}
	if there {
		statements = append(statements, grantLock,
			"revoke all on database "+quote(database)+" from "+quote(at.Role),
			"drop role "+quote(at.Role))
	}
	return all(ctx, conn, statements...)
}
