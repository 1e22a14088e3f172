package rls

import (
	"slices"
	"strings"
	"sync"
)

// Rule is something that [Check] looks for.
type Rule struct {
	ID       string   // stable; that of Supabase's splinter where it has the same rule
	Severity Severity // of its findings
	Subject  string   // tables, grants, roles, policies, code, keys, indexes, limits, server
	Sentence string   // what it finds
	Why      string   // what that leads to
	Also     []string // what others call it, such as "pgrls SEC001" or "splinter rls_disabled_in_public"

	noFix string // why there is no SQL for it, unless the finding knows better
	how   how
}

// how says where a rule is written.
type how int

const (
	inSQL how = iota // the template rule_ID in sql/check_*.tmpl.sql
	inGo
)

// Rules lists all rules, by subject.
func Rules() []Rule {
	list := slices.Concat(tableRules, grantRules, roleRules, policyRules, codeRules, keyRules, indexRules, limitRules, serverRules)
	for i := range list {
		list[i].Also = slices.Clone(list[i].Also)
	}
	return list
}

var byID = sync.OnceValue(func() map[string]Rule {
	m := map[string]Rule{}
	for _, r := range Rules() {
		m[r.ID] = r
	}
	return m
})

// ruleByID returns a rule that there is.
func ruleByID(id string) Rule { return byID()[id] }

// catalogRules are the rules in SQL, those of a subject together.
func catalogRules() ([][]string, error) {
	var groups [][]string
	last := ""
	for _, r := range Rules() {
		if r.how != inSQL {
			continue
		}
		sql, err := execute("rule_"+r.ID, map[string]string{"Setting": setting})
		if err != nil {
			return nil, err
		}
		if r.Subject != last {
			groups, last = append(groups, nil), r.Subject
		}
		part := "select '" + r.ID + "' as rule, q.kind::text, q.object::text, q.message::text, q.fix::text, q.nofix::text from (" +
			strings.TrimSpace(sql) + ") as q(kind, object, message, fix, nofix)"
		groups[len(groups)-1] = append(groups[len(groups)-1], part)
	}
	return groups, nil
}

// tableRules are about tables and the column that holds the tenant.
var tableRules = []Rule{
	{ID: "rls_disabled", Severity: Error, Subject: "tables", Also: []string{"pgrls SEC001", "splinter rls_disabled_in_public", "splinter policy_exists_rls_disabled"},
		Sentence: "A table with the tenant's column, or with policies, has no row-level security",
		Why:      "Whoever may read the table reads the rows of every tenant; policies on it do nothing"},
	{ID: "partition_unprotected", Severity: Error, Subject: "tables",
		Sentence: "A partition or child of a protected table is not protected itself",
		Why:      "Policies of the parent bind only who goes through the parent; a new partition begins without any"},
	{ID: "inheritance", Severity: Error, Subject: "tables",
		Sentence: "A table inherits from one with tenants' rows",
		Why:      "Reading the parent shows the child's rows under the parent's policies, and keys and unique constraints of the parent do not reach them"},
	{ID: "rls_not_forced", Severity: Error, Subject: "tables", Also: []string{"pgrls SEC002"},
		Sentence: "Row-level security does not bind the table's owner",
		Why:      "Everything that runs with the owner's rights, views and SECURITY DEFINER functions too, sees all rows"},
	{ID: "rls_enabled_no_policy", Severity: Warning, Subject: "tables", Also: []string{"pgrls SEC009", "pgrls SEC012", "splinter rls_enabled_no_policy"},
		Sentence: "A table under row-level security has no permissive policy",
		Why:      "Nobody but who bypasses policies sees a row or can write one"},
	{ID: "tenant_column_missing", Severity: Warning, Subject: "tables",
		Sentence: "A table has policies but not the tenant's column", noFix: "Which rows are whose only you know: see rls.Table.Backfill. If the table is not by tenant, exclude it.",
		Why: "Its policies tell tenants apart by something else, if at all"},
	{ID: "tenant_column_nullable", Severity: Warning, Subject: "tables",
		Sentence: "The tenant's column may be null",
		Why:      "A row without a tenant is lost to everybody, and a foreign key with a null in it is not checked"},
	{ID: "tenant_column_type", Severity: Warning, Subject: "tables",
		Sentence: "The tenant's column is not uuid",
		Why:      "It cannot be compared with the tenant without a cast, which costs the index or accepts several spellings of one tenant"},
	{ID: "tenant_column_default", Severity: Warning, Subject: "tables",
		Sentence: "The column of a protected table is not filled with the tenant of the transaction",
		Why:      "An INSERT that does not name the column fails or names another tenant"},
	{ID: "unprotected_dependent", Severity: Warning, Subject: "tables",
		Sentence: "A table refers to one with tenants' rows, the application may use it, and it has no tenant",
		Why:      "Its rows belong to tenants through the key, and all of them are in sight", noFix: "Protect it with rls.Protect and a Backfill."},
	{ID: "foreign_table_in_api", Severity: Error, Subject: "tables", Also: []string{"splinter foreign_table_in_api"},
		Sentence: "The application may use a foreign table with tenants' rows",
		Why:      "Policies do not exist on foreign tables, and the setting with the tenant does not reach the other server"},
	{ID: "rewrite_rule", Severity: Warning, Subject: "tables",
		Sentence: "A table with tenants' rows has a rewrite rule",
		Why:      "What a rule does runs with the rights of the table's owner, and turns one statement into others"},
	{ID: "publication", Severity: Warning, Subject: "tables",
		Sentence: "A publication sends a table with tenants' rows",
		Why:      "Replication knows no policies: the subscriber gets the rows of all tenants"},
	{ID: "sequence_not_granted", Severity: Warning, Subject: "tables",
		Sentence: "The application may insert, but not draw from the sequence of the column's default",
		Why:      "Its INSERT fails"},
	{ID: "sequence_settable", Severity: Warning, Subject: "tables",
		Sentence: "The application may set a sequence of a table with tenants' rows",
		Why:      "One tenant can make the INSERTs of all others fail, by setting it back"},
}

// grantRules are about what the application holds.
var grantRules = []Rule{
	{ID: "grant_excess", Severity: Error, Subject: "grants",
		Sentence: "A role of the application holds more than SELECT, INSERT, UPDATE and DELETE",
		Why:      "TRUNCATE passes by policies and empties the table for all; REFERENCES finds out which keys exist; TRIGGER runs code in the sessions of others"},
	{ID: "grant_option", Severity: Error, Subject: "grants",
		Sentence: "A role of the application may grant its rights to others",
		Why:      "It can open the table to any role of the server"},
	{ID: "grant_to_public", Severity: Error, Subject: "grants",
		Sentence: "Everybody was granted rights on a table with tenants' rows",
		Why:      "Every login of the server, of whatever purpose, can use the table"},
	{ID: "partition_granted", Severity: Warning, Subject: "grants",
		Sentence: "A role of the application was granted rights on a partition",
		Why:      "Nobody needs them, and the next change of the partition's own policies is a leak"},
	{ID: "default_privileges", Severity: Warning, Subject: "grants",
		Sentence: "The application gets rights on every new table",
		Why:      "A new table is open to it from its creation until somebody protects it"},
	{ID: "library_granted", Severity: Error, Subject: "grants",
		Sentence: "A role of the application, or everybody, has rights on a table of the library",
		Why:      "Tenants, keys and permissions live there, and its tables have no policies"},
	{ID: "schema_create", Severity: Warning, Subject: "grants",
		Sentence: "A role of the application, or everybody, may create objects in a schema with tenants' tables",
		Why:      "A function or operator put there is run by others who name it without its schema (CVE-2018-1058)"},
	{ID: "parameter_granted", Severity: Error, Subject: "grants",
		Sentence: "A role of the application was granted a parameter that switches checks off",
		Why:      "With session_replication_role = replica, foreign keys and triggers are not enforced"},
}

// roleRules are about what the roles of the application are.
var roleRules = []Rule{
	{ID: "role_bypasses", Severity: Error, Subject: "roles", Also: []string{"pgrls SEC016"},
		Sentence: "A role of the application has SUPERUSER, BYPASSRLS, CREATEROLE or REPLICATION",
		Why:      "Row-level security does not bind it, or it can make a role that is not bound"},
	{ID: "role_member", Severity: Error, Subject: "roles",
		Sentence: "A role of the application is a member of one that policies do not bind as they bind it",
		Why:      "SET ROLE, in any SQL that it sends, takes it there"},
	{ID: "role_member_indirect", Severity: Error, Subject: "roles",
		Sentence: "The same through roles in between",
		Why:      "SET ROLE, in any SQL that it sends, takes it there"},
	{ID: "app_owns_table", Severity: Error, Subject: "roles",
		Sentence: "A role of the application owns a table with tenants' rows",
		Why:      "An owner can switch row-level security off"},
	{ID: "owner_bypasses", Severity: Error, Subject: "roles",
		Sentence: "A table with tenants' rows belongs to a superuser or a role with BYPASSRLS",
		Why:      "FORCE does not bind such an owner, hence nor views and functions that have its rights"},
	{ID: "bypassrls_role", Severity: Info, Subject: "roles", Also: []string{"pgrls SEC016"},
		Sentence: "Another role has BYPASSRLS",
		Why:      "No policy binds it"},
	{ID: "role_setting", Severity: Error, Subject: "roles",
		Sentence: "Sessions begin with a tenant, with another role or with checks switched off",
		Why:      "Work without a scope would run as that tenant or role, instead of seeing nothing"},
	{ID: "large_object_access", Severity: Warning, Subject: "roles",
		Sentence: "A role of the application, or everybody, owns or may use a large object",
		Why:      "Large objects have no policies: whoever has the right reads them for all tenants"},
	{ID: "large_object_compat", Severity: Error, Subject: "roles",
		Sentence: "Large objects are open to everybody (lo_compat_privileges)",
		Why:      "Large objects have no policies, and with this setting no rights either", noFix: "Switch it off in the server's configuration: ALTER SYSTEM runs in no transaction."},
	{ID: "large_object_function", Severity: Warning, Subject: "roles",
		Sentence: "The application may run a function of yours that works on large objects",
		Why:      "What it stores or reads belongs to no tenant; bytes in a bytea column of a protected table do"},
	{ID: "large_object_column", Severity: Warning, Subject: "roles",
		Sentence: "A table with tenants' rows refers to large objects",
		Why:      "The row is protected and the object is not; its number can be guessed", noFix: "Keep the bytes in a bytea column of the protected table."},
}

// codeRules are about what runs with the rights of another.
var codeRules = []Rule{
	{ID: "security_definer_view", Severity: Error, Subject: "code", Also: []string{"pgrls VIEW001", "splinter security_definer_view"},
		Sentence: "The application may use a view over tenants' rows that is not security_invoker",
		Why:      "The policies of the view's owner apply, not those of who reads it"},
	{ID: "materialized_view_in_api", Severity: Error, Subject: "code", Also: []string{"pgrls VIEW003", "splinter materialized_view_in_api"},
		Sentence: "The application may read a materialized view over tenants' rows",
		Why:      "It holds the rows that its owner saw, and can have no policies"},
	{ID: "view_definer_function", Severity: Warning, Subject: "code", Also: []string{"pgrls VIEW004"},
		Sentence: "The application may read a view that calls a SECURITY DEFINER function over tenants' rows",
		Why:      "security_invoker of the view does not reach into the function"},
	{ID: "view_without_barrier", Severity: Info, Subject: "code", Also: []string{"pgrls VIEW002"},
		Sentence: "A view that filters tenants' rows is no security_barrier",
		Why:      "A function in the reader's WHERE may see rows of his tenant that the view hides; policies are not concerned"},
	{ID: "security_definer_bypass", Severity: Error, Subject: "code", Also: []string{"pgrls SEC014", "splinter authenticated_security_definer_function_executable"},
		Sentence: "The application may run a SECURITY DEFINER function of a role that policies do not bind",
		Why:      "What the function reads and returns is of all tenants"},
	{ID: "security_definer_function", Severity: Warning, Subject: "code", Also: []string{"pgrls SEC014", "splinter authenticated_security_definer_function_executable"},
		Sentence: "The application may run a SECURITY DEFINER function that touches tenants' rows",
		Why:      "It works under the policies of its owner, not under those of its caller"},
	{ID: "function_search_path_mutable", Severity: Warning, Subject: "code", Also: []string{"splinter function_search_path_mutable"},
		Sentence: "A SECURITY DEFINER function that the application may run has no search_path of its own",
		Why:      "The caller chooses which tables and functions its names mean, and they run with the owner's rights"},
	{ID: "function_pg_temp_first", Severity: Warning, Subject: "code", Also: []string{"pgrls SEC015"},
		Sentence: "The search_path of a SECURITY DEFINER function does not end in pg_temp",
		Why:      "Where it is not named, it is searched first: a temporary table of the caller takes the place of a real one"},
	{ID: "leakproof_function", Severity: Warning, Subject: "code", Also: []string{"pgrls SEC017"},
		Sentence: "A function of yours is LEAKPROOF",
		Why:      "The server may call it with rows of other tenants, before the policies; an error or a notice tells what it saw"},
	{ID: "trigger_definer", Severity: Warning, Subject: "code", Also: []string{"pgrls SEC013"},
		Sentence: "A trigger on tenants' rows is SECURITY DEFINER",
		Why:      "It reads and writes under the policies of its owner"},
	{ID: "trigger_disabled", Severity: Error, Subject: "code",
		Sentence: "A trigger that enforces a foreign key of tenants' rows is switched off",
		Why:      "Rows that refer to no row, or to another tenant's, are accepted"},
}

// keyRules are about keys.
var keyRules = []Rule{
	{ID: "fk_without_tenant", Severity: Error, Subject: "keys",
		Sentence: "A foreign key between tables with tenants' rows does not carry the tenant",
		Why:      "Foreign keys pass by policies: a tenant can refer to another's row, learns whether it exists, and a cascade deletes across tenants"},
	{ID: "fk_nulls_tenant", Severity: Error, Subject: "keys",
		Sentence: "A foreign key sets the tenant null or to its default",
		Why:      "The action fails or gives the row away"},
	{ID: "fk_not_valid", Severity: Warning, Subject: "keys",
		Sentence: "A foreign key between tables with tenants' rows is not validated or not enforced",
		Why:      "Rows that were there may refer to another tenant's"},
	{ID: "fk_orphans", Severity: Error, Subject: "keys", how: inGo,
		Sentence: "Rows refer, by a foreign key that is declared valid, to a row that is not there or is another tenant's",
		Why:      "The key was checked while FORCE hid the rows from the owner, or with triggers switched off", noFix: "Correct or delete the rows; which, only you know."},
	{ID: "unique_without_tenant", Severity: Warning, Subject: "keys",
		Sentence: "A unique key with a meaning is unique across tenants",
		Why:      "Whether a value exists with another tenant shows in the error, and the first tenant to use one keeps it from all others"},
	{ID: "surrogate_key_without_tenant", Severity: Info, Subject: "keys",
		Sentence: "A unique key over a uuid or a generated number is unique across tenants",
		Why:      "Whether an id exists elsewhere shows in the error; numbers tell how much the others do. Random ids cannot be guessed"},
	{ID: "exclusion_without_tenant", Severity: Warning, Subject: "keys",
		Sentence: "An exclusion constraint does not compare the tenant",
		Why:      "A tenant's row keeps those of others out, and the error tells them of it"},
	{ID: "no_tenant_index", Severity: Warning, Subject: "keys", Also: []string{"pgrls PERF003"},
		Sentence: "No index of a table begins with the tenant",
		Why:      "Every query reads the rows of all tenants to find those of one"},
	{ID: "unindexed_foreign_keys", Severity: Info, Subject: "keys", Also: []string{"splinter unindexed_foreign_keys"},
		Sentence: "No index serves a foreign key between tables with tenants' rows",
		Why:      "Deleting a row reads the whole referring table, of all tenants"},
}

// indexRules are about indexes that row-level security makes useless.
var indexRules = []Rule{
	{ID: "index_not_leakproof", Severity: Warning, Subject: "indexes", how: inGo,
		Sentence: "An index is made for a search by a function or operator that is not LEAKPROOF",
		Why:      "Under row-level security the server may not use it for that search: measured 60 to 800 times slower"},
	{ID: "index_type_not_leakproof", Severity: Info, Subject: "indexes", how: inGo,
		Sentence: "An index is over a type, such as numeric, an enum or an array, whose comparison is not LEAKPROOF",
		Why:      "Under row-level security the server sorts by it, but may not search by it", noFix: "Where searches need it, keep the value as a type whose comparison is LEAKPROOF too: bigint for amounts, text with a CHECK for an enum."},
}

// limitRules are about what the server has room for.
var limitRules = []Rule{
	{ID: "connection_budget", Severity: Warning, Subject: "limits",
		Sentence: "The application's processes may open more connections (CheckConfig.Connections) than the server, its role or the database admits",
		Why:      "Under load some of them are refused, and with them whoever else needs a connection", noFix: "Lower the limits of the pools, put a pooler in front, or raise max_connections, which takes a restart."},
	{ID: "schemas_per_connection", Severity: Warning, Subject: "limits",
		Sentence: "The application can reach so many tables in so many schemas that its connections may keep more than 4 GB, or shared_buffers if that is more, of what they learn of them",
		Why:      "A backend keeps 9 to 18 KB of each table that it has met, until it ends", noFix: "Give the pool for schemas fewer connections or a shorter lifetime, or the larger tenants a database of their own."},
	{ID: "tenants_behind", Severity: Warning, Subject: "limits", how: inGo,
		Sentence: "The schema or database of a tenant is at an older version of the application's migrations than another's",
		Why:      "A program that needs the newer one fails for that tenant", noFix: "Run Stratum.Fleet.Migrate."},
}

// serverRules are about the server.
var serverRules = []Rule{
	{ID: "server_cve", Severity: Info, Subject: "server", how: inGo,
		Sentence: "The server's version has a published hole in row-level security",
		Why:      "Rows may show to whom they do not belong, whatever the policies", noFix: "Install the latest minor release."},
}
