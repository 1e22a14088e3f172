package rls_test

import (
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
)

// Names that need quotes, or end them, come out of every fix whole: all fixes together leave nothing but what has none.
func TestCheckQuotes(t *testing.T) {
	l := newLedger(t, "")
	exec(t, l.super, strings.NewReplacer("$s", `"o'd""d {s}"`, "$t", `"t; -- (x"`, "$c", `"Ten'ant\"`, "$p", `"p ""q' \"`).Replace(`
		set role postgres; create schema $s authorization stratum_owner; set role stratum_owner; set search_path = $s;
		create table $t ($c uuid, "n)" numeric unique, "lo""w" text, parent numeric references $t ("n)"));
		create index "i'x" on $t (lower("lo""w"));
		alter table $t enable row level security;
		create policy $p on $t using ($c = current_setting('app.it''s')::uuid or "lo""w" = '(');
		grant all ("n)") on $t to public; grant truncate on $t to stratum_app;
		create view "v""w" as select * from $t; grant select on "v""w" to stratum_app;
		create function "f('x')"() returns bigint language plpgsql security definer as 'begin return (select count(*) from "t; -- (x"); end';
		reset role; reset search_path`))
	cfg := rls.CheckConfig{Schemas: []string{`o'd"d {s}`}, Column: `Ten'ant\`}
	// A fix may be of an object that another has changed, so that each round mends one.
	for range 60 {
		r := check(t, l.super, cfg)
		var next *rls.Finding
		for i, f := range r.Findings {
			if f.Fix != "" {
				next = &r.Findings[i]
				break
			}
		}
		if next == nil {
			if r.Tables != 1 {
				t.Errorf("%d tables", r.Tables)
			}
			return
		}
		t.Log(next.Rule, next.Fix)
		exec(t, l.super, next.Fix)
	}
	t.Errorf("still %v", ids(check(t, l.super, cfg)))
}
