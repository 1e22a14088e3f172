package embedpg_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// wrongRoles are the roles that are not as CreateRoles promises, with what is wrong.
func wrongRoles(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT wanted || ': ' || CASE
			WHEN r.oid IS NULL THEN 'missing'
			WHEN NOT rolcanlogin THEN 'cannot log in'
			WHEN rolsuper THEN 'superuser'
			WHEN rolbypassrls THEN 'bypasses row-level security'
			WHEN rolcreaterole OR rolcreatedb OR rolreplication THEN 'may create'
			WHEN rolinherit THEN 'inherits'
			ELSE 'member of ' || (SELECT string_agg(roleid::regrole::text, ',') FROM pg_auth_members WHERE member = r.oid) END
		FROM unnest($1::text[]) wanted LEFT JOIN pg_roles r ON r.rolname = wanted
		WHERE r.oid IS NULL OR NOT rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb
			OR rolreplication OR rolinherit OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid)`, allRoles[1:])
	check(t, err)
	wrong, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(t, err)
	return wrong
}

func TestRolesOfANewServer(t *testing.T) {
	srv := start(t, embedpg.Config{})
	conn := connect(t, srv.URL(embedpg.Superuser, ""))
	if wrong := wrongRoles(t, conn); len(wrong) > 0 {
		t.Errorf("wrong: %v", wrong)
	}
	var passwords int
	check(t, conn.QueryRow(t.Context(), "SELECT count(rolpassword) FROM pg_authid").Scan(&passwords))
	if passwords != 0 {
		t.Errorf("without TCP there are %d passwords", passwords)
	}
}

func TestCreateRolesRepairs(t *testing.T) {
	srv := start(t, embedpg.Config{})
	conn := connect(t, srv.URL(embedpg.Superuser, ""))
	for _, damage := range []string{
		"DROP ROLE stratum_lib",
		"ALTER ROLE stratum_app NOLOGIN",
		"ALTER ROLE stratum_app SUPERUSER",
		"ALTER ROLE stratum_system BYPASSRLS CREATEDB CREATEROLE",
		"ALTER ROLE stratum_subtree REPLICATION INHERIT",
		"GRANT stratum_owner TO stratum_app",
		// Since 16 a membership may have several grantors.
		`CREATE ROLE grantor; GRANT pg_read_all_data TO grantor WITH ADMIN OPTION; GRANT pg_read_all_data TO stratum_app;
			SET ROLE grantor; GRANT pg_read_all_data TO stratum_app; RESET ROLE`,
	} {
		_, err := conn.PgConn().Exec(t.Context(), damage).ReadAll()
		check(t, err)
		if len(wrongRoles(t, conn)) == 0 {
			t.Errorf("after %q nothing seems wrong: the test is blind", damage)
		}
		check(t, embedpg.CreateRoles(t.Context(), conn, nil))
		if wrong := wrongRoles(t, conn); len(wrong) > 0 {
			t.Errorf("after %q still wrong: %v", damage, wrong)
		}
	}
}

// Eight at once, in different databases, on a server without the roles.
func TestCreateRolesConcurrently(t *testing.T) {
	srv := start(t, embedpg.Config{})
	admin := connect(t, srv.URL(embedpg.Superuser, ""))
	for round := range 5 {
		for i, role := range allRoles[1:] {
			_, err := admin.Exec(t.Context(), fmt.Sprintf("ALTER ROLE %s RENAME TO old_%d_%d", role, round, i))
			check(t, err)
		}
		var group sync.WaitGroup
		for i := range 8 {
			conn := connect(t, srv.URL(embedpg.Superuser, []string{"postgres", "template1"}[i%2]))
			group.Go(func() {
				if err := embedpg.CreateRoles(t.Context(), conn, map[string]string{embedpg.App: "agreed"}); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if wrong := wrongRoles(t, admin); len(wrong) > 0 {
			t.Fatalf("wrong: %v", wrong)
		}
	}
}

func TestCreateRolesPasswords(t *testing.T) {
	srv := start(t, embedpg.Config{TCP: true})
	conn := connect(t, srv.URL(embedpg.Superuser, ""))
	const secret = `it's "$1" \ :/@%`
	check(t, embedpg.CreateRoles(t.Context(), conn, map[string]string{embedpg.App: secret}))

	cfg, err := pgx.ParseConfig(srv.TCPURL(embedpg.App, ""))
	check(t, err)
	if c, err := pgx.ConnectConfig(t.Context(), cfg); err == nil {
		_ = c.Close(t.Context())
		t.Error("the old password is still good")
	}
	cfg.Password = secret
	c, err := pgx.ConnectConfig(t.Context(), cfg)
	check(t, err)
	check(t, c.Close(t.Context()))
	// The others keep theirs.
	connect(t, srv.TCPURL(embedpg.Owner, ""))

	for password, want := range map[string]string{"": "empty", "geheim\u00df": "ASCII", "tab\t": "ASCII"} {
		err := embedpg.CreateRoles(t.Context(), conn, map[string]string{embedpg.App: password})
		if err == nil || !strings.Contains(err.Error(), want) || (password != "" && strings.Contains(err.Error(), password)) {
			t.Errorf("password %q: error %v", password, err)
		}
	}
	err = embedpg.CreateRoles(t.Context(), conn, map[string]string{"stratum_ap": secret})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("password of an unknown role: error %v", err)
	}
}

func TestCreateRolesNeedsASuperuser(t *testing.T) {
	srv := start(t, embedpg.Config{})
	if err := embedpg.CreateRoles(t.Context(), connect(t, srv.URL(embedpg.Lib, "")), nil); err == nil {
		t.Error("an ordinary role can make roles")
	}
}
