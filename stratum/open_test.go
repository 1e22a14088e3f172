package stratum_test

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum"
	"github.com/stratum-hq/stratum-go/stratum/migrations"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/seal"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestOpenRefusesSchemaThatDoesNotFit(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	refused := func(cfg stratum.Config, word string) {
		t.Helper()
		cfg.Logger = quiet()
		s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), cfg)
		if err == nil {
			s.Close()
			t.Fatal("it opened")
		}
		if !errors.Is(err, migrations.ErrVersion) || !strings.Contains(err.Error(), word) {
			t.Errorf("got %v, want ErrVersion with %q", err, word)
		}
	}
	refused(stratum.Config{}, "not been made")
	open(t, d)
	s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{Logger: quiet()})
	if err != nil {
		t.Fatal("a schema that fits:", err)
	}
	s.Close()

	d.Exec(t, embedpg.Lib, "insert into stratum.goose_version (version_id, is_applied) values (999999, true)")
	refused(stratum.Config{}, "999999")
	refused(stratum.Config{AutoMigrate: true}, "newer program")
	d.Exec(t, embedpg.Lib, "delete from stratum.goose_version where version_id > 0")
	refused(stratum.Config{}, "not been made")
}

func TestSixFirstStarts(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	u, err := url.Parse(d.URL(embedpg.Lib))
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("pool_max_conns", "1") // the lock must not need a second one
	u.RawQuery = query.Encode()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			s, err := stratum.Open(t.Context(), u.String(), stratum.Config{AutoMigrate: true, Logger: quiet()})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if _, err := s.Tenants.List(t.Context(), tenant.ListOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestOpenWithSchemaMadeByOthers(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	d.Exec(t, embedpg.Superuser, "revoke create on database "+d.Name+" from stratum_lib")
	_, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{AutoMigrate: true, Logger: quiet()})
	if err == nil || !strings.Contains(err.Error(), "CREATE SCHEMA stratum AUTHORIZATION") {
		t.Fatalf("got %v, want the SQL that helps", err)
	}
	d.Exec(t, embedpg.Superuser, "create schema stratum")
	_, err = stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{AutoMigrate: true, Logger: quiet()})
	if err == nil || !strings.Contains(err.Error(), "ALTER SCHEMA stratum OWNER TO") {
		t.Fatalf("got %v, want the SQL that helps", err)
	}
	d.Exec(t, embedpg.Superuser, "alter schema stratum owner to stratum_lib")
	open(t, d)
}

func TestNobodyElseHasRights(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	open(t, d)
	super := d.Conn(t, embedpg.Superuser)
	var open int
	err := super.QueryRow(t.Context(), `select count(*) from pg_class c, pg_roles r
		where c.relnamespace = 'stratum'::regnamespace and c.relkind in ('r', 'S')
		and r.rolname in ('stratum_owner', 'stratum_app', 'stratum_system', 'stratum_subtree')
		and (has_schema_privilege(r.oid, 'stratum', 'USAGE, CREATE') or c.relkind = 'r' and
			has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER'))`).Scan(&open)
	if err != nil || open != 0 {
		t.Errorf("%d rights of others, %v", open, err)
	}
}

func TestOpenFailsCleanly(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{"postgres://%zz", "postgres://nobody@127.0.0.1:1/none?connect_timeout=2"} {
		if s, err := stratum.Open(t.Context(), dsn, stratum.Config{Logger: quiet()}); err == nil {
			s.Close()
			t.Errorf("%s opened", dsn)
		}
	}
}

func TestResolverSeesOwnChangesAtOnce(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	s := open(t, d)
	ctx, r := t.Context(), s.Resolver()
	if _, err := r.Resolve(ctx, core.BySlug("acme")); !errors.Is(err, core.ErrTenantNotFound) {
		t.Fatal("before it exists:", err)
	}
	made, err := s.Tenants.Create(ctx, tenant.New{Name: "Acme", Slug: "acme", Domains: []string{"Shop.Acme.example."}})
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range []core.Ref{core.ByID(made.ID), core.BySlug("acme"), core.ByDomain("shop.acme.example:443")} {
		got, err := r.Resolve(ctx, ref)
		if err != nil || got.ID != made.ID || got.Status != core.Active {
			t.Errorf("%v: %v, %v", ref, got, err)
		}
	}
	if _, err := r.Resolve(ctx, core.ByKey("sk_live_1")); !errors.Is(err, core.ErrTenantNotFound) {
		t.Error("by key:", err)
	}
	if _, err := s.Tenants.Suspend(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	got, err := r.Resolve(ctx, core.BySlug("acme"))
	if err != nil || got.Status != core.Suspended {
		t.Errorf("after Suspend: %v, %v", got, err)
	}
	// What psql does, a resolver with a cold cache sees.
	d.Exec(t, embedpg.Lib, "update stratum.tenants set status = 'archived' where slug = 'acme'")
	got, err = open(t, d).Resolver().Resolve(ctx, core.BySlug("acme"))
	if err != nil || got.Status != core.Archived {
		t.Errorf("after SQL: %v, %v", got, err)
	}
}

func TestResolverDown(t *testing.T) {
	t.Parallel()
	s := open(t, pgtest.New(t))
	s.Close()
	s.Close() // harmless
	if _, err := s.Resolver().Resolve(t.Context(), core.BySlug("acme")); err == nil || errors.Is(err, core.ErrTenantNotFound) {
		t.Errorf("a resolver that cannot tell says %v", err)
	}
}

func TestOpenChecksProvision(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	for name, cfg := range map[string]placement.Config{
		"no string": {Owner: "postgres://x:hunter2@%zz"},
		"no owner":  {App: "app"},
	} {
		s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{AutoMigrate: true, Logger: quiet(), Provision: cfg})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, core.ErrValidation) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOpenChecksSeal(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	short := seal.Config{Keys: []seal.Key{{ID: "k", Material: core.NewSecret("hunter2")}}}
	s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{AutoMigrate: true, Logger: quiet(), Seal: short})
	if err == nil {
		s.Close()
	}
	if !errors.Is(err, core.ErrValidation) || !strings.Contains(err.Error(), "Config.Seal: Config.Keys[0].Material") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

// That what is left cannot be removed is told, and no reason not to serve.
func TestOpenWithOwnerDown(t *testing.T) {
	t.Parallel()
	d := pgtest.New(t)
	open(t, d)
	d.Exec(t, embedpg.Lib, `insert into stratum.provisioning (tenant_id, strategy, schema_name, role_name, database_key)
		values (gen_random_uuid(), 'SCHEMA_PER_TENANT', 't_x', 'r_x', '')`)
	var told strings.Builder
	s, err := stratum.Open(t.Context(), d.URL(embedpg.Lib), stratum.Config{
		Logger:    slog.New(slog.NewTextHandler(&told, nil)),
		Provision: placement.Config{Owner: "postgres://x:hunter2@127.0.0.1:1/none?connect_timeout=2"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if text := told.String(); !strings.Contains(text, "level=ERROR") || strings.Contains(text, "hunter2") {
		t.Error(text)
	}
}
