package rls_test

import "strings"

const (
	ledgerT = "create table t (tenant_id uuid not null, name text, open boolean); create index on t (tenant_id); alter table t enable row level security, force row level security;"
	own     = "tenant_id = (select nullif(current_setting('app.current_tenant_id', true), '')::uuid)"
)

// reads is a policy for SELECT with the predicate.
func reads(predicate string) string {
	return "create policy p on t for select to $app using (" + predicate + ");"
}

// predicates are pairs of a policy's predicates.
func predicates(rule, flawed, sound string) pair {
	return pair{rule: rule, setup: ledgerT, flaw: reads(flawed), sound: reads(sound)}
}

func noFix(p pair) pair {
	p.noFix = true
	return p
}

var policyPairs = []pair{
	{rule: "policy_drift", flaw: "alter policy stratum_select on invoice using (true); drop policy stratum_delete on invoice; comment on policy stratum_insert on invoice is null; alter policy stratum_system_update on invoice to public"},
	predicates("policy_always_true", "true", own),
	predicates("policy_always_true", "1 = 1", own),
	predicates("policy_always_true", "tenant_id is not null or tenant_id is null", own),
	{rule: "policy_always_true", setup: ledgerT, flaw: "create policy p on t for insert to $app with check (true)",
		sound: "create policy p on t for insert to $app with check (true); create policy r on t as restrictive to $app using (" + own + ")"},
	predicates("policy_or_branch", own+" or open", own+" and open"),
	predicates("policy_fail_open", "coalesce("+own+", true)", "coalesce("+own+", false)"),
	predicates("policy_fail_open", "current_setting('app.current_tenant_id', true) is null or "+own, own),
	predicates("policy_fail_open", "case current_setting('app.current_tenant_id', true) when '' then true else "+own+" end", own),
	predicates("policy_other_tenant", strings.Replace(own, "=", "<>", 1), own),
	predicates("policy_admits_null", strings.Replace(own, "=", "is not distinct from", 1), own),
	predicates("policy_admits_null", "tenant_id is null or "+own, own),
	predicates("policy_bypass_setting", "case when current_setting('app.bypass', true) = 'on' then true else "+own+" end", "case when current_setting('app.closed', true) = 'on' then false else "+own+" end"),
	{rule: "policy_to_public", setup: ledgerT, flaw: "create policy p on t for select using (" + own + ")", sound: reads(own)},
	{rule: "policy_role_settable", super: true, roles: true, setup: ledgerT, flaw: "create role $app_admin; grant $app_admin to $app; create policy p on t for select to $app_admin using (true)",
		sound: "create role $app_admin; create policy p on t for select to $app_admin using (true)"},
	{rule: "multiple_permissive_policies", flaw: "create policy more on invoice for select to $app using (no = 1)", sound: "create policy less on invoice as restrictive for select to $app using (no = 1)"},
	{rule: "policy_for_all", setup: ledgerT, flaw: "create policy p on t to $app using (" + own + ")", sound: reads(own)},
	predicates("policy_no_tenant", "name = (select current_setting('app.user', true))", own+" and name = (select current_setting('app.user', true))"),
	predicates("policy_hardcoded_tenant", "tenant_id = '5eed0009-0000-7000-8000-000000000001'", own),
	predicates("policy_hardcoded_tenant", "tenant_id in ('5eed0009-0000-7000-8000-000000000001', '5eed0009-0000-7000-8000-000000000002')", own+" and name in ('a', 'b')"),
	predicates("policy_current_user", "name = current_user", own),
	predicates("policy_missing_ok", "tenant_id = (select nullif(current_setting('app.current_tenant_id'), '')::uuid)", own),
	predicates("policy_nullif", "tenant_id = (select current_setting('app.current_tenant_id', true)::uuid)", own),
	predicates("policy_nullif", "tenant_id = (select current_setting('app.current_tenant_id', true))::uuid and open", own+" and name = (select current_setting('app.user', true))"),
	predicates("policy_casts_column", "tenant_id::text = (select current_setting('app.current_tenant_id', true))", own+" and lower(name) = 'x'"),
	noFix(predicates("policy_casts_column", "tenant_id::text = (select current_setting('app.current_tenant_id', true)) and open", own)),
	predicates("auth_rls_initplan", "tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid and open", own),
	{rule: "auth_rls_initplan", setup: ledgerT + "create function tenant() returns uuid language sql stable as $$select nullif(current_setting('app.current_tenant_id', true), '')::uuid$$;",
		flaw: reads("tenant_id = tenant() and open"), sound: reads("tenant_id = (select tenant()) and open")},
	noFix(predicates("policy_volatile_function", own+" and random() >= 0", own)),
	predicates("policy_always_false", "false", own),
	noFix(pair{rule: "policy_select_only", setup: ledgerT, flaw: reads(own), sound: reads(own) + "create policy q on t for insert to $app with check (" + own + ")"}),
	{rule: "policy_duplicate", setup: ledgerT, flaw: reads(own) + "create policy q on t for select to $app using (" + own + ")", sound: reads(own)},
	{rule: "policy_placeholder_name", setup: ledgerT, flaw: "create policy \"TODO remove\" on t for select to $app using (" + own + ")", sound: reads(own)},
}
