package stratumpgx

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/stratum-hq/stratum-go/core"
)

// loginFacts is what one query tells about a login.
type loginFacts struct {
	session, current string
	findings         []string
	pooled           bool
}

// loginQuery examines session_user and current_user: options=-c role=… in a
// connection string hides the one behind the other, and RESET ROLE brings it back.
const loginQuery = `
with me as (
	select r.* from pg_catalog.pg_roles r where r.rolname in (session_user, current_user)
), reach as (
	select me.rolname as login, r.* from me, pg_catalog.pg_roles r
	where r.oid <> me.oid and pg_catalog.pg_has_role(me.oid, r.oid, 'MEMBER') and not me.rolsuper
)
select session_user::text, current_user::text, pg_catalog.pg_backend_pid(),
	array(
		select format('%I is a superuser', rolname) from me where rolsuper
		union all select format('%I has BYPASSRLS', rolname) from me where rolbypassrls
		union all select format('%I has CREATEROLE and can grant itself any role', rolname) from me where rolcreaterole
		union all select format('%I has REPLICATION and can read all data', rolname) from me where rolreplication
		union all select format('%I is a member of %I', login, rolname) from reach
			where rolname = any ($1) or rolname in ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
		union all select format('%I is a member of %I, which is a superuser or has BYPASSRLS, CREATEROLE or REPLICATION', login, rolname) from reach
			where rolsuper or rolbypassrls or rolcreaterole or rolreplication
		union all select format('%I starts its sessions with a tenant already set in app.current_tenant_id, so that work without a scope would run as that tenant', session_user)
			where pg_catalog.current_setting('app.current_tenant_id', true) <> ''
		union all select format('%I is the role of the owner, of system or subtree work or of the library', rolname) from me where rolname = any ($1)
		order by 1)`

// checkLogin connects once, outside the pool, and refuses a login that row-level
// security would not bind. The connection also tells whether a pooler is in between.
func (db *DB) checkLogin(ctx context.Context, pc *pgxpool.Config, mode core.Mode) (loginFacts, error) {
	cc := pc.ConnConfig.Copy()
	if pc.BeforeConnect != nil {
		if err := pc.BeforeConnect(ctx, cc); err != nil {
			return loginFacts{}, err
		}
	}
	conn, err := pgx.ConnectConfig(ctx, cc)
	if err != nil {
		return loginFacts{}, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	var f loginFacts
	var pid uint32
	forbidden := db.forbidden(mode)
	err = conn.QueryRow(ctx, loginQuery, pgx.QueryExecModeExec, forbidden).Scan(&f.session, &f.current, &pid, &f.findings)
	if err != nil {
		return f, fmt.Errorf("stratumpgx: the login cannot be checked: %w", err)
	}
	f.pooled = pid != conn.PgConn().PID()
	if len(f.findings) > 0 {
		return f, roleUnsafe(f, mode)
	}
	return f, nil
}

// forbidden are the roles that a login of this mode must neither be nor reach.
func (db *DB) forbidden(mode core.Mode) []string {
	r := db.cfg.Roles
	if mode == core.ModeSystem {
		return []string{r.Owner, r.Subtree, r.Lib}
	}
	return []string{r.Owner, r.System, r.Subtree, r.Lib}
}

func roleUnsafe(f loginFacts, mode core.Mode) error {
	name, what := "stratum_app", "the application"
	if mode == core.ModeSystem {
		name, what = "stratum_system", "work across tenants"
	}
	return core.Errorf(core.RoleUnsafe, "row-level security would not bind this login: %s. "+
		"Make one for %s, and connect as it: "+
		"CREATE ROLE %s LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION NOINHERIT;",
		strings.Join(f.findings, "; "), what, name).With("session_user", f.session).With("current_user", f.current)
}
