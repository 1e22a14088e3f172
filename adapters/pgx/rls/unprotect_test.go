package rls_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/embedpg"
)

func TestUnprotect(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, shop)
	exec(t, owner, "create table never (id int); grant all on never to stratum_app")
	plain := schema(t, owner)
	protect(t, owner, protectedShop()...)
	with := schema(t, owner)
	tables := append(protectedShop(), rls.Table{Name: "never"})
	if err := rls.Unprotect(t.Context(), owner, tables...); err != nil {
		t.Fatal(err)
	}
	after := schema(t, owner)
	for _, line := range after {
		if strings.HasPrefix(line, "pol ") || strings.HasPrefix(line, "rel ") && strings.Contains(line, " t ") {
			t.Errorf("still there: %s", line)
		}
		if !slices.Contains(plain, line) && !slices.Contains(with, line) && strings.HasPrefix(line, "con ") {
			t.Errorf("new: %s", line)
		}
	}
	if n := one[int](t, owner, "select count(*) from invoice_line where tenant_id is not null"); n != 30 {
		t.Errorf("%d rows kept their tenant", n)
	}
	// Without policies the application sees nothing, rather than everything.
	fails(t, db.Conn(t, embedpg.App), textA, "select from invoice", insufficient)
	mustAs(t, db.Conn(t, embedpg.App), textA, "select from never", 0)

	before := versions(t, owner)
	if err := rls.Unprotect(t.Context(), owner, tables...); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, versions(t, owner)); d != "" {
		t.Error(d)
	}
	protect(t, owner, protectedShop()...)
	if d := cmp.Diff(with, schema(t, owner)); d != "" {
		t.Error(d)
	}
}

func TestUnprotectKeepsOtherPoliciesInForce(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, "create table a (id int)")
	protect(t, owner, rls.Table{Name: "a", Column: "org"})
	exec(t, owner, "create policy mine on a as restrictive using (id > 0)")
	if err := rls.Unprotect(t.Context(), owner, rls.Table{Name: "a", Column: "org"}); err != nil {
		t.Fatal(err)
	}
	if s := one[string](t, owner, "select concat(relrowsecurity, relforcerowsecurity) from pg_class where oid = 'a'::regclass"); s != "tt" {
		t.Error(s)
	}
}

func TestUnprotectRefuses(t *testing.T) {
	t.Parallel()
	db, owner := newDB(t, partitioned)
	db.Exec(t, embedpg.Superuser, "create table theirs (id int)")
	for name, words := range map[string]string{
		"missing": "there is no table", "event1": "public.event1 is a partition of public.event", "theirs": "belongs to postgres",
	} {
		if d := refused(t, rls.Unprotect(t.Context(), owner, rls.Table{Name: name}), words); d["table"] != name {
			t.Error(d)
		}
	}
}
