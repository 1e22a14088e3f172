package rls_test

import (
	"context"
	"fmt"
	"log"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
)

// docs/rls-rules.md is made of Rules.
func TestRulesDocument(t *testing.T) {
	golden(t, filepath.Join("..", "..", "..", "docs", "rls-rules.md"), []byte(rulesDocument()))
}

func rulesDocument() string {
	var b strings.Builder
	count := map[rls.Severity]int{}
	for _, r := range rls.Rules() {
		count[r.Severity]++
	}
	fmt.Fprintf(&b, `# The rules of rls.Check

`+"`rls.Check(ctx, conn, rls.CheckConfig{})`"+` looks for these %d things: %d errors, %d warnings, %d infos. An error shows or gives a
tenant's rows to another, or may; a warning is a trap, a side channel or slow; an info is worth knowing. Ids are stable.
Most findings carry the SQL that mends them.

The last column has the name under which pgrls (SEC, PERF, HYG, VIEW) or Supabase's splinter report the same. Two of
their rules are left out with reason: a policy without WITH CHECK (pgrls SEC006) is no hole, since PostgreSQL then applies USING to new
rows, and a table needs no restrictive policy (SEC007) if no permissive one is too wide. HYG001, a policy on a missing column, cannot happen in a
running database.

This file is generated: `+"`go test ./adapters/pgx/rls -run TestRulesDocument -update`"+`.
`, len(rls.Rules()), count[rls.Error], count[rls.Warning], count[rls.Info])
	subject := ""
	for _, r := range rls.Rules() {
		if r.Subject != subject {
			subject = r.Subject
			fmt.Fprintf(&b, "\n## %s%s\n\n| id | severity | finds | why | known as |\n|---|---|---|---|---|\n", strings.ToUpper(subject[:1]), subject[1:])
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.ID, r.Severity, r.Sentence, r.Why, strings.Join(r.Also, ", "))
	}
	return b.String()
}

// A table is added to a protected schema and forgotten; a colleague opens a report to everybody's rows.
func ExampleCheck() {
	ctx := context.Background()
	owner, _, stop := start(ctx)
	defer stop()
	if _, err := owner.Exec(ctx, "create table invoice (id uuid primary key, total bigint)"); err != nil {
		log.Fatal(err)
	}
	if err := rls.Protect(ctx, owner, rls.Table{Name: "invoice"}); err != nil {
		log.Fatal(err)
	}
	_, err := owner.Exec(ctx, `create table refund (id uuid, tenant_id uuid not null);
		create view totals as select sum(total) from invoice;
		grant select on totals to stratum_app`)
	if err != nil {
		log.Fatal(err)
	}

	report, err := rls.Check(ctx, owner, rls.CheckConfig{})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range report.Findings {
		fmt.Println(f.Severity, f.Rule, f.Object)
		if f.Rule == "security_definer_view" {
			fmt.Println("  ", f.Fix)
		}
	}
	fmt.Println(report.Count(rls.Error), "errors")
	// Output:
	// error rls_disabled public.refund
	// error security_definer_view public.totals
	//    alter view public.totals set (security_invoker = true);
	// warning no_tenant_index public.refund
	// info surrogate_key_without_tenant public.invoice_pkey
	// 2 errors
}

// Known findings go into a file to commit, and only new ones are left.
func ExampleBaseline() {
	known := &rls.Baseline{Version: 1, Findings: []rls.BaselineEntry{{Rule: "rls_disabled", Object: "public.legacy"}}}
	var file strings.Builder
	if err := known.Write(&file); err != nil {
		log.Fatal(err)
	}
	read, err := rls.ReadBaseline(strings.NewReader(file.String()))
	fmt.Println(read.Findings, err)
	// Output: [{rls_disabled public.legacy}] <nil>
}
