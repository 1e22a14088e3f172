package stratumpgx_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

func TestLoginsThatRowSecurityDoesNotBind(t *testing.T) {
	d := database(t)
	for i, test := range []struct{ attributes, also, finding string }{
		{"superuser", "", "is a superuser"},
		{"bypassrls", "", "has BYPASSRLS"},
		{"createrole", "", "has CREATEROLE"},
		{"replication", "", "has REPLICATION"},
		{"", "grant stratum_system to %[1]s", "member of stratum_system"},
		{"", "grant stratum_subtree to %[1]s", "member of stratum_subtree"},
		{"", "grant stratum_owner to %[1]s", "member of stratum_owner"},
		{"", "grant stratum_lib to %[1]s", "member of stratum_lib"},
		{"noinherit", "create role %[1]s_between; grant stratum_owner to %[1]s_between; grant %[1]s_between to %[1]s", "member of stratum_owner"},
		{"", "create role %[1]s_super superuser; grant %[1]s_super to %[1]s", "which is a superuser"},
		{"", "grant pg_read_server_files to %[1]s", "member of pg_read_server_files"},
		{"", "grant pg_write_server_files to %[1]s", "member of pg_write_server_files"},
		{"", "grant pg_execute_server_program to %[1]s", "member of pg_execute_server_program"},
	} {
		role := fmt.Sprintf("%s_%d", d.Name, i)
		statements := []string{"create role " + role + " login password 'secret' " + test.attributes, "grant connect on database " + d.Name + " to " + role}
		if test.also != "" {
			statements = append(statements, strings.Split(fmt.Sprintf(test.also, role), ";")...)
		}
		for _, sql := range statements {
			d.Exec(t, embedpg.Superuser, sql)
		}
		refused(t, loginURL(t, d, role), test.finding)
		d.Exec(t, embedpg.Superuser, "drop owned by "+role)
		d.Exec(t, embedpg.Superuser, "drop role if exists "+role+", "+role+"_between, "+role+"_super")
	}
	refused(t, d.URL(embedpg.Superuser), "is a superuser")
	refused(t, d.URL(embedpg.Owner), "is the role of the owner")
	refused(t, d.URL(embedpg.Lib), "is the role of the owner")
	// A role in the options hides the superuser who logs in; RESET ROLE would bring him back.
	refused(t, d.URL(embedpg.Superuser)+"&options=-c%20role%3Dstratum_app", "is a superuser")
	// A session that starts with a tenant would give unscoped work that tenant.
	refused(t, d.URL(embedpg.App)+"&app.current_tenant_id="+tenantA.ID.String(), "starts its sessions with a tenant")
	// And the system's login may not be a superuser either.
	_, err := stratumpgx.Open(t.Context(), d.URL(embedpg.App), stratumpgx.Config{System: d.URL(embedpg.Superuser)})
	if !errors.Is(err, core.ErrRoleUnsafe) {
		t.Error("a superuser for system work:", err)
	}
}

// loginURL is the connection string of a role with the password "secret".
func loginURL(t *testing.T, d *pgtest.Database, role string) string {
	t.Helper()
	u, err := url.Parse(d.URL(embedpg.App))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	return u.String()
}

func refused(t *testing.T, dsn, finding string) {
	t.Helper()
	db, err := stratumpgx.Open(t.Context(), dsn, stratumpgx.Config{})
	if err == nil {
		db.Close()
	}
	if !errors.Is(err, core.ErrRoleUnsafe) || !strings.Contains(err.Error(), finding) || !strings.Contains(err.Error(), "CREATE ROLE stratum_app LOGIN") {
		t.Errorf("instead of %q: %v", finding, err)
	}
}

func TestRefusedConfigurations(t *testing.T) {
	d := database(t)
	for name, test := range map[string]struct {
		params string
		cfg    stratumpgx.Config
		want   string
	}{
		"channel binding": {"&channel_binding=require", stratumpgx.Config{}, "channel_binding=require"},
		"contradiction":   {"", stratumpgx.Config{Pooler: stratumpgx.PoolerTransaction, Reset: stratumpgx.ResetAlways}, "contradicts"},
		"pooler":          {"", stratumpgx.Config{Pooler: 9}, "Pooler"},
		"reset":           {"", stratumpgx.Config{Reset: 9}, "Reset"},
		"connection":      {"&nonsense", stratumpgx.Config{}, ""},
	} {
		db, err := stratumpgx.Open(t.Context(), d.URL(embedpg.App)+test.params, test.cfg)
		if err == nil {
			db.Close()
		}
		if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := stratumpgx.New(t.Context(), nil, stratumpgx.Config{}); err == nil {
		t.Error("a nil configuration was accepted")
	}
}
