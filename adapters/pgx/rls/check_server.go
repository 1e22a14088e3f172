package rls

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// orphans counts rows whose foreign key leads nowhere. A key that was made, or validated, while FORCE
// hid the rows from the owner counts as valid whatever they hold.
func (c *checker) orphans(ctx context.Context, tx pgx.Tx) error {
	sql, err := execute("check_orphans", nil)
	if err != nil {
		return err
	}
	rows, err := c.query(ctx, tx, sql)
	if err != nil {
		return err
	}
	type key struct{ Object, Table, Name, Target, Query, Reason string }
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[key])
	if err != nil {
		return err
	}
	for _, k := range keys {
		if c.cfg.SkipRows && k.Reason == "" {
			k.Reason = "SkipRows is set"
		}
		if k.Reason != "" {
			c.skip("fk_orphans", k.Object, k.Reason)
			continue
		}
		var n int64
		if err := tx.QueryRow(ctx, k.Query, pgx.QueryExecModeDescribeExec).Scan(&n); err != nil {
			return fmt.Errorf("counting the orphans of %s: %w", k.Object, err)
		}
		if n > 0 {
			c.add("fk_orphans", "constraint", k.Object, fmt.Sprintf("rows of %s that refer, by the foreign key %s, to no row of %s: %d", k.Table, k.Name, k.Target, n), "", "")
		}
	}
	return nil
}

// server reads what the report says of the server, and judges its version.
func (c *checker) server(ctx context.Context, tx pgx.Tx) error {
	sql, err := execute("check_server", nil)
	if err != nil {
		return err
	}
	rows, err := c.query(ctx, tx, sql)
	if err != nil {
		return err
	}
	type facts struct {
		Version string
		Number  int
		Role    string
		Tables  int
		Missing []string
	}
	f, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[facts])
	if err != nil {
		return err
	}
	c.report.Server, c.report.Role, c.report.Tables = f.Version, f.Role, f.Tables
	for _, name := range f.Missing {
		c.skip("", "role "+name, "there is no such role, so that what it may do was not checked; set Roles")
	}
	if f.Tables == 0 {
		c.skip("", "tables", "none has policies or a column "+c.cfg.Column+"; set Schemas or Column")
	}
	if holes := holesOf(f.Number); len(holes) > 0 {
		c.add("server_cve", "server", "server", "PostgreSQL "+f.Version+" has "+strings.Join(holes, "; "), "", "")
	}
	return nil
}

// hole is a vulnerability of the server that concerns row-level security.
type hole struct {
	id, what string
	fixed    map[int]int // minor release that mends it, by major version
}

// holes are from the project's security page, for the versions that are supported here.
var holes = []hole{
	{"CVE-2023-2454", "CREATE SCHEMA defeats a fixed search_path", map[int]int{15: 3}},
	{"CVE-2023-2455", "policies of the wrong role for inlined functions", map[int]int{15: 3}},
	{"CVE-2023-39418", "MERGE passes by policies", map[int]int{15: 4}},
	{"CVE-2024-10976", "plans kept for another role's policies", map[int]int{15: 9, 16: 5, 17: 1}},
	{"CVE-2024-10978", "SET ROLE and SET SESSION AUTHORIZATION mixed up", map[int]int{15: 9, 16: 5, 17: 1}},
	{"CVE-2025-8713", "statistics that show hidden rows through views and partitions", map[int]int{15: 14, 16: 10, 17: 6}},
}

// holesOf lists what a version, as server_version_num has it, is open to.
func holesOf(number int) []string {
	var list []string
	for _, h := range holes {
		if minor, ok := h.fixed[number/10000]; ok && number%10000 < minor {
			list = append(list, fmt.Sprintf("%s (%s), mended in %d.%d", h.id, h.what, number/10000, minor))
		}
	}
	return list
}
