// Package rls puts PostgreSQL tables, new ones and ones with years of data, under
// row-level security by tenant.
//
//	err := rls.Protect(ctx, owner,
//		rls.Table{Name: "customer", Tenant: first},
//		rls.Table{Name: "invoice", ForeignKeys: true,
//			Backfill: "c.tenant_id from customer c where c.id = invoice.customer_id"},
//	)
//
// [Protect] works on a connection of the tables' owner, such as stratum_owner. [Script]
// gives the same as SQL, for the migrations that you have. [Maintain] is for changing rows and
// keys later. [Check] looks for holes. [Unprotect] takes everything back but the column.
//
// # What a protected table has
//
//   - A column tenant_id, uuid NOT NULL, whose default is the tenant of the
//     transaction: the application need not mention it.
//   - Row-level security, enabled and forced, with one policy per command and role.
//     The application's role sees and writes rows of its tenant only, by the predicate below; without
//     the setting there are none. The role of the system sees all rows. The hash of its
//     body stands in the comment of each policy.
//   - An index that leads with tenant_id; (tenant_id, primary key) is added if there is none.
//   - Exactly SELECT, INSERT, UPDATE and DELETE granted to both roles, with USAGE on the
//     schema and on the sequences of its columns, and nothing to PUBLIC.
//     (TRUNCATE passes by policies.) Grants to other roles, and on columns, are left alone.
//   - With [Table].ForeignKeys, keys to other protected tables that carry the tenant.
//
// The predicate is
//
//	tenant_id = (select nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')::uuid)
//
// The sub-select is computed once per table in a query, not once per row, and an index
// on (tenant_id, created_at) serves ORDER BY created_at as well.
//
// Partitions are protected with their parent, each by itself, so that reading one directly is
// scoped too. Nothing is granted on them. Run Protect again when there is a new one.
//
// # The order of things
//
// Everything happens in one transaction, under a lock of the tables concerned: columns are added and
// filled in the order of the arguments, rows without a tenant counted, NOT NULL set, keys
// made and validated; only then comes FORCE ROW LEVEL SECURITY, which hides all rows from the
// owner, too. Tables protected earlier that a Backfill or a key reads are without FORCE
// in between. What is read through a view or a function is not found out; the server
// then refuses to answer (row_security is off), rather than to find nothing.
//
// Triggers of the tables see the UPDATE that fills the column, and deferred constraints are
// checked after it. A new column with [Table].Tenant is no UPDATE: it changes the catalog only, however
// large the table is.
//
// # Run again
//
// Protect compares with the catalog first. If nothing differs, nothing is locked or
// written. If somebody edited a policy, granted too much or switched FORCE off, that
// is repaired. Two calls at once wait for each other.
//
// # One source
//
// Protect runs what Script returns: one DO statement, which reads the catalog where it
// runs. There is no second implementation in Go that could plan something else.
//
// # Who may
//
// The connection's role must own the tables. A superuser may run Protect on its owner's
// behalf, but better connects as the owner. Tables that a superuser or a BYPASSRLS role owns are
// refused, for FORCE does not bind these; so is an application's role that bypasses
// row-level security, owns the table, or is a member of the owner or of the system's role.
//
// # What it does not do
//
// Protect does not see what other objects do with the rows: functions that are SECURITY DEFINER, views
// without security_invoker, materialized views, replication. Unique keys without the tenant tell
// whether a value exists elsewhere. Indexes are built, and keys validated, under the lock.
// Check looks for all of these.
//
// # Checking
//
// [Check] reads a database, protected by this package or by hand, and reports what would
// show, or give, rows to the wrong tenant, and what row-level security makes slow:
//
//	report, err := rls.Check(ctx, conn, rls.CheckConfig{})
//	for _, f := range report.Findings {
//		fmt.Println(f.Severity, f.Rule, f.Object, f.Message, f.Fix)
//	}
//
// [Rules] lists what it looks for; docs/rls-rules.md is the same as a table. Ids of rules are stable. A finding carries
// SQL that mends it, or says why there is none. What the role of the connection could not see is in
// [Report].Unchecked, and never counts as sound.
//
// A report turns into JSON and into SARIF 2.1.0. A [Baseline] is a file of known findings, so
// that a database with a history can be checked for new ones.
//
// Policies are judged by the server's parsed tree, not by their text, and, where that is harmless, by computing
// them over a row of another tenant, or with no tenant set.
package rls
