package rls_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
)

func TestScriptDoesWhatProtectDoes(t *testing.T) {
	t.Parallel()
	tables := append(protectedShop(), rls.Table{Name: "event", Tenant: tenantA}, rls.Table{Name: "kind", Tenant: tenantB})
	script, err := rls.Script(tables...)
	if err != nil {
		t.Fatal(err)
	}
	_, one := newDB(t, shop+partitioned)
	protect(t, one, tables...)
	_, other := newDB(t, shop+partitioned)
	exec(t, other, script+script) // the simple protocol takes both at once
	if d := cmp.Diff(schema(t, one), schema(t, other)); d != "" {
		t.Error(d)
	}
	before := versions(t, other)
	exec(t, other, script)
	protect(t, other, tables...)
	if d := cmp.Diff(before, versions(t, other)); d != "" {
		t.Error(d)
	}
}

func TestScriptIsOneStatementThatFailsAsAWhole(t *testing.T) {
	t.Parallel()
	_, owner := newDB(t, shop)
	before := schema(t, owner)
	tables := protectedShop()
	tables[2].Backfill = ""
	script, err := rls.Script(tables...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(t.Context(), script); err == nil || !strings.Contains(err.Error(), "rows of public.invoice_line left without a tenant: 30") {
		t.Error(err)
	}
	if d := cmp.Diff(before, schema(t, owner)); d != "" {
		t.Error(d)
	}
	// One statement, so the extended protocol takes it, too.
	script, err = rls.Script(protectedShop()...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := owner.PgConn().ExecParams(t.Context(), script, nil, nil, nil, nil).Close(); err != nil {
		t.Error(err)
	}
}

// goose cuts a file at lines that end with a semicolon, unless told not to.
func TestScriptIsAnnotated(t *testing.T) {
	t.Parallel()
	script, err := rls.Script(rls.Table{Name: "a\n-- +goose Down\nb", Backfill: "x\n-- +goose StatementEnd\n"})
	if err != nil {
		t.Fatal(err)
	}
	var notes []string
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "-- +goose") {
			notes = append(notes, strings.TrimSpace(line))
		}
	}
	if d := cmp.Diff([]string{"-- +goose StatementBegin", "-- +goose StatementEnd"}, notes); d != "" {
		t.Error(d)
	}
	if strings.Contains(script, "{{") || strings.Contains(script, "<no value>") {
		t.Error("a template is left in it")
	}
}
