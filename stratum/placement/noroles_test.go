package placement_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/placement"
)

// Without roles the serving login has the rights of a tenant, in each schema that was made
// for one, and nothing of them is left when it goes.
func TestNoRoles(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	super := d.Conn(t, embedpg.Superuser)
	const rights = "select count(*) from pg_shdepend where dbid = (select oid from pg_database where datname = current_database()) and refobjid = 'stratum_app'::regrole"
	count := func() (n int) {
		t.Helper()
		if err := super.QueryRow(t.Context(), rights).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := count()
	cfg := placement.Config{Owner: d.URL(embedpg.Superuser), Migrations: notes(), NoRoles: true}
	p := provisioner(t, cfg)
	at := made(t, p, core.SchemaPerTenant)
	if at.Role != "" || count() == before {
		t.Errorf("%+v, %d rights", at, count())
	}
	note := at.Schema + ".note"
	app := d.Conn(t, embedpg.App)
	for sql, may := range map[string]bool{
		"insert into " + note + " (body) values ('x')":   true,
		"update " + note + " set body = 'y'":             true,
		"delete from " + note:                            true,
		"select from " + note:                            true,
		"truncate " + note:                               false,
		"create table " + at.Schema + ".mine ()":         false,
		"select from " + at.Schema + ".goose_db_version": false,
		"drop schema " + at.Schema + " cascade":          false,
	} {
		if _, err := app.Exec(t.Context(), sql); may != (err == nil) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, role := range []string{embedpg.System, embedpg.Lib} {
		if _, err := d.Conn(t, role).Exec(t.Context(), "select from "+note); err == nil {
			t.Errorf("%s may read", role)
		}
	}
	// Later tables have the same rights, also when they are made by a program with roles.
	more := notes()
	more["00002_tag.sql"] = file("create table tag ();")
	cfg.NoRoles = false
	with := provisioner(t, cfg)
	if from, to, err := with.Migrate(t.Context(), at, more, true); from != 1 || to != 2 || err != nil {
		t.Error(from, to, err)
	}
	if _, err := app.Exec(t.Context(), "select from "+at.Schema+".tag"); err != nil {
		t.Error(err)
	}
	// Each removes what the other made.
	other := made(t, with, core.SchemaPerTenant)
	if err := p.Remove(t.Context(), other); err != nil {
		t.Error(err)
	}
	if err := with.Remove(t.Context(), at); err != nil {
		t.Error(err)
	}
	var left int
	err := super.QueryRow(t.Context(), `select (select count(*) from pg_namespace where nspname in ($1, $2)) + (select count(*) from pg_roles where rolname = $3)
		+ (select count(*) from pg_default_acl)`, at.Schema, other.Schema, other.Role).Scan(&left)
	if err != nil || left != 0 || count() != before {
		t.Errorf("%d things and %d rights are left, %v", left, count()-before, err)
	}
}

// A login that could not COPY is refused with the SQL that helps.
func TestNoRolesNeedsTemporary(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	d.Exec(t, embedpg.Superuser, "revoke temporary on database "+quote(d.Name)+" from public, stratum_app")
	p := provisioner(t, placement.Config{Owner: d.URL(embedpg.Superuser), NoRoles: true})
	at := p.Place(core.SchemaPerTenant, "acme", "", core.NewID())
	if _, err := p.Make(t.Context(), at); err == nil || !strings.Contains(err.Error(), "GRANT TEMPORARY ON DATABASE") {
		t.Error(err)
	}
}

func TestNoRolesIsLogged(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	for _, none := range []bool{false, true} {
		var log bytes.Buffer
		s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{AutoMigrate: true, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Provision: placement.Config{Owner: d.URL(embedpg.Superuser), NoRoles: none}})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if got := strings.Count(log.String(), "level=WARN"); (got == 1) != none {
			t.Errorf("%t: %s", none, &log)
		}
	}
}
