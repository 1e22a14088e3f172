package embedpg

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The roles of a server. All but [Superuser] are made by [CreateRoles]; what they
// may do in a database is granted by [Server.CreateDatabase].
const (
	// Superuser is the role that made the cluster.
	Superuser = "postgres"
	// Owner owns the databases and the application's tables: migrations run as it.
	Owner = "stratum_owner"
	// App is the application: row-level security confines it to one tenant.
	App = "stratum_app"
	// System is for work across tenants.
	System = "stratum_system"
	// Subtree is for reading a tenant together with everything below it.
	Subtree = "stratum_subtree"
	// Lib owns the library's own schema, "stratum".
	Lib = "stratum_lib"
)

// roles lists the roles that [CreateRoles] makes.
func roles() []string { return []string{Owner, App, System, Subtree, Lib} }

// attributes are the same for all five.
const attributes = " LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION NOINHERIT"

// CreateRoles makes the five roles on the server of conn, which must be a superuser's.
// A role that exists is made right: each of them may log in and nothing else, it is no superuser,
// does not bypass row-level security, and is a member of no role. Several
// processes may call it at once. Roles belong to the whole server, not to a
// database.
//
// Passwords are by role; they must be printable ASCII, and [Superuser] may be among them. A role
// without one keeps what it has. The server is sent SCRAM verifiers,
// never a password in clear.
func CreateRoles(ctx context.Context, conn *pgx.Conn, passwords map[string]string) error {
	if err := createRoles(ctx, conn, Superuser, passwords); err != nil {
		return fmt.Errorf("embedpg: creating the roles: %w", err)
	}
	return nil
}

// createRoles is [CreateRoles] on a server whose superuser has the name super.
func createRoles(ctx context.Context, conn *pgx.Conn, super string, passwords map[string]string) error {
	verifiers := make(map[string]string, len(passwords))
	for role, password := range passwords {
		if role != Superuser && !slices.Contains(roles(), role) {
			return fmt.Errorf("there is a password for %q, which is none of the roles", role)
		}
		v, err := scramVerifier(password)
		if err != nil {
			return fmt.Errorf("password of %s: %w", role, err)
		}
		verifiers[role] = v
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	// The catalog is shared by all databases, so this lock, unlike an advisory one, keeps out other
	// makers of roles whichever database they are connected to. Logins only read.
	if _, err := tx.Exec(ctx, "LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return err
	}
	sql, err := roleStatements(ctx, tx, super, verifiers)
	if err != nil {
		return err
	}
	if _, err := conn.PgConn().Exec(ctx, sql).ReadAll(); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// roleStatements is the SQL that turns what there is into what there should be.
func roleStatements(ctx context.Context, tx pgx.Tx, super string, verifiers map[string]string) (string, error) {
	rows, _ := tx.Query(ctx, "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY ($1)", roles())
	existing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, role := range roles() {
		verb := "CREATE"
		if slices.Contains(existing, role) {
			verb = "ALTER"
		}
		fmt.Fprintf(&b, "%s ROLE %s%s%s;\n", verb, quote(role), attributes, passwordClause(verifiers[role]))
	}
	if v, ok := verifiers[Superuser]; ok {
		fmt.Fprintf(&b, "ALTER ROLE %s%s;\n", quote(super), passwordClause(v))
	}
	revokes, err := memberships(ctx, tx)
	if err != nil {
		return "", err
	}
	return b.String() + revokes, nil
}

// passwordClause sets a SCRAM verifier, whose alphabet needs no quoting.
func passwordClause(verifier string) string {
	if verifier == "" {
		return ""
	}
	return " PASSWORD '" + verifier + "'"
}

// memberships is the SQL that ends the roles' memberships in other roles. Since
// PostgreSQL 16 one membership can have been granted by several.
func memberships(ctx context.Context, tx pgx.Tx) (string, error) {
	rows, _ := tx.Query(ctx, `SELECT DISTINCT pg_catalog.format('REVOKE %I FROM %I%s;', g.rolname, m.rolname,
		CASE WHEN pg_catalog.current_setting('server_version_num')::int >= 160000
			THEN pg_catalog.format(' GRANTED BY %I', b.rolname) ELSE '' END)
		FROM pg_catalog.pg_auth_members a
		JOIN pg_catalog.pg_roles g ON g.oid = a.roleid
		JOIN pg_catalog.pg_roles m ON m.oid = a.member
		LEFT JOIN pg_catalog.pg_roles b ON b.oid = a.grantor
		WHERE m.rolname = ANY ($1)`, roles())
	revokes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	return strings.Join(revokes, "\n"), err
}

// quote makes an SQL identifier of a name.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }
