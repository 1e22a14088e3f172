package tenant_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/stratum/placement"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

func TestPurge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.open(t, w.config())
	for _, strategy := range append(placed(), core.SharedRLS) {
		made, err := s.Create(t.Context(), tenant.New{Name: "N", Slug: "n", Strategy: strategy, Domains: []string{"n.example"}})
		if err != nil { // slug and domain are free again each time
			t.Fatal(err)
		}
		w.archive(t, made.ID)
		if err := s.Purge(t.Context(), made.ID); err != nil {
			t.Fatal(strategy, err)
		}
		if got := w.things(t); got != (things{}) {
			t.Errorf("%s: %+v is left", strategy, got)
		}
		if _, err := s.Get(t.Context(), made.ID); !errors.Is(err, core.ErrTenantNotFound) {
			t.Error(err)
		}
		if n := count(t, w.Database, `select count(*) from stratum.audit_log a join stratum.events e using (tenant_id, created_at)
			where tenant_id = $1 and a.action = 'tenant.purged' and e.type = a.action and a.before ->> 'slug' = 'n' and a.after is null
			and e.data = a.before`, made.ID.String()); n != 1 {
			t.Errorf("%s: %d records", strategy, n)
		}
	}
}

func TestPurgeRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.open(t, w.config())
	ctx := t.Context()
	root := newTenant(t, s, "root", core.SchemaPerTenant)
	leaf := create(t, s, "leaf", root.ID)
	if err := s.Purge(ctx, leaf.ID); !errors.Is(err, core.ErrTenantInvalidState) || detail(err, "allowed_from") != "[archived]" {
		t.Error("active:", err)
	}
	w.archive(t, leaf.ID)
	w.archive(t, root.ID)
	if err := s.Purge(ctx, root.ID); !errors.Is(err, core.ErrTenantHasChildren) || detail(err, "child_count") != "1" {
		t.Error("with a child:", err)
	}
	if err := w.open(t, placement.Config{}).Purge(ctx, leaf.ID); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error("without Provision:", err)
	}
	for _, id := range []core.ID{{}, core.NewID()} {
		if err := s.Purge(ctx, id); !errors.Is(err, core.ErrTenantNotFound) {
			t.Error("unknown:", err)
		}
	}
	if got := w.things(t); got != made(core.SchemaPerTenant, 2) {
		t.Errorf("%+v", got)
	}
	// What somebody placed by hand is not ours to drop.
	w.Exec(t, embedpg.Lib, "update stratum.tenants set schema_name = 'public' where id = $1", leaf.ID.String())
	if err := s.Purge(ctx, leaf.ID); !errors.Is(err, core.ErrScopeUnsupported) {
		t.Error("made by hand:", err)
	}
}

// A database that is in use stays, and in the journal, where its maker may not end the
// sessions of others; recovery removes it when they are gone. With the right to do so it
// goes at once.
func TestPurgeOfDatabaseInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.open(t, w.config())
	for i, may := range []bool{false, true} {
		if may {
			w.Exec(t, embedpg.Superuser, fmt.Sprintf("alter role %[1]s inherit; grant pg_signal_backend to %[1]s", quote(w.login)))
		}
		made := newTenant(t, s, fmt.Sprint("n", i), core.DatabasePerTenant)
		db := w.serve(t)
		if _, err := db.Exec(as(made), "insert into note (body) values ('x')"); err != nil {
			t.Fatal(err)
		}
		w.archive(t, made.ID)
		err := s.Purge(t.Context(), made.ID)
		if may != (err == nil) {
			t.Error(err)
		}
		db.Close()
		if !may {
			if got := w.things(t); got != (things{Databases: 1, Journal: 1}) {
				t.Errorf("%+v", got)
			}
			w.await(t, "select from (values ($1)) x where not exists (select from pg_stat_activity where datname = x.column1)", made.Placement.Database)
			if n, err := s.Recover(t.Context()); n != 1 || err != nil {
				t.Error(n, err)
			}
		}
		if got := w.things(t); got != (things{}) {
			t.Errorf("%+v is left", got)
		}
	}
}

// The application still has connections that worked in the schema, and temporary tables.
func TestPurgeOfSchemaInUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, db := w.open(t, w.config()), w.serve(t)
	made := newTenant(t, s, "n", core.SchemaPerTenant)
	if _, err := db.Exec(as(made), "create temporary table mine as select * from note"); err != nil {
		t.Fatal(err)
	}
	w.archive(t, made.ID)
	if err := s.Purge(t.Context(), made.ID); err != nil {
		t.Error(err)
	}
	if got := w.things(t); got != (things{}) {
		t.Errorf("%+v is left", got)
	}
	if _, err := db.Exec(as(made), "select from note"); err == nil {
		t.Error("it still works")
	}
}
