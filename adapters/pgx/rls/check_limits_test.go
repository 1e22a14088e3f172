package rls_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// The server's own limit counts without what it keeps for others.
func TestConnectionBudgetOfTheServer(t *testing.T) {
	l := newLedger(t, "")
	free := one[int](t, l.super, `select sum(case name when 'max_connections' then setting::int else -setting::int end)::int from pg_settings
		where name in ('max_connections', 'superuser_reserved_connections', 'reserved_connections')`)
	cfg := l.config()
	for more, want := range map[int]int{0: 0, 1: 1} {
		cfg.Connections = free + more
		found := of(check(t, l.super, cfg), "connection_budget", "server")
		if len(found) != want {
			t.Errorf("%d connections where %d are free: %v", cfg.Connections, free, found)
		}
		for _, f := range found {
			if f.Fix != "" || f.NoFix == "" || f.Severity != rls.Warning {
				t.Errorf("%+v", f)
			}
		}
	}
	cfg.Connections = -1
	_, err := rls.Check(t.Context(), l.super, cfg)
	var e *core.Error
	if !errors.As(err, &e) || e.Details["field"] != "Connections" {
		t.Error(err)
	}
}

// Schemas count that the application can come to through a role, apart from those that are named
// as shared ones, and what their tables take is told.
func TestSchemasPerConnection(t *testing.T) {
	l := newLedgerWithRole(t, "")
	exec(t, l.super, l.text(tenantSchema+`grant usage on schema w to $app_w; create schema "W 2"; create table "W 2".c (); grant usage on schema "W 2" to public;
		create schema closed; create table closed.d (); create view w.v as select 1; create schema bare; grant usage on schema bare to $app`))
	cfg := l.config()
	cfg.Connections = 1_000_000
	found := of(check(t, l.super, cfg), "schemas_per_connection", "")
	if len(found) != 1 || !strings.Contains(found[0].Message, "4 tables in 3 schemas: 1000000 connections that have met them all keep up to 69 GB") {
		t.Errorf("%v", found)
	}
	cfg.Schemas = []string{"public"}
	found = of(check(t, l.super, cfg), "schemas_per_connection", "")
	if len(found) != 1 || !strings.Contains(found[0].Message, "3 tables in 2 schemas") {
		t.Errorf("without the shared ones: %v", found)
	}
	cfg.Schemas = nil
	cfg.Connections = 0 // that of the server
	if found = of(check(t, l.super, cfg), "schemas_per_connection", ""); len(found) != 0 {
		t.Errorf("%v", found)
	}
}

func TestTenantsBehind(t *testing.T) {
	l := newLedger(t, "")
	count := func(r *rls.Report) (skipped []rls.Unchecked) {
		for _, u := range r.Unchecked {
			if u.Rule == "tenants_behind" {
				skipped = append(skipped, u)
			}
		}
		return skipped
	}
	app := l.db.Conn(t, embedpg.App)
	if skipped := count(check(t, app, l.config())); len(skipped) != 0 {
		t.Error("where there is no library:", skipped)
	}
	exec(t, l.super, "create schema stratum; create table stratum.fleet (tenant_id uuid primary key, version bigint not null); alter table stratum.fleet owner to stratum_lib")
	if found := of(check(t, l.super, l.config()), "tenants_behind", ""); len(found) != 0 {
		t.Error("where there are none:", found)
	}
	exec(t, l.super, "insert into stratum.fleet select gen_random_uuid(), v from unnest(array[7, 7, 3, 0]) v")
	found := of(check(t, l.super, l.config()), "tenants_behind", "")
	if len(found) != 1 || found[0].Message != "tenants whose schema or database is at an older version than 7: 2" {
		t.Error(found)
	}
	r := check(t, app, l.config())
	skipped := count(r)
	if len(skipped) != 1 || skipped[0].Reason != "stratum_app may not read it; run Check as stratum_lib" || len(of(r, "tenants_behind", "")) != 0 {
		t.Error("to the application:", skipped)
	}
}
