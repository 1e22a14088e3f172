package telemetry

import (
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	for sql, want := range map[string][2]string{
		"select 1":                             {"SELECT", "SELECT"},
		"  \n\tUpdate x set y = 1":             {"UPDATE", "UPDATE"},
		"(select 1) union (select 2)":          {"SELECT", "SELECT"},
		";; commit":                            {"COMMIT", "COMMIT"},
		"-- a comment\n-- another\ninsert x":   {"INSERT", "INSERT"},
		"/* a */ /* b */delete from x":         {"DELETE", "DELETE"},
		"/* never closed select":               {"", "postgresql"},
		"-- no line break":                     {"", "postgresql"},
		"":                                     {"", "postgresql"},
		"jane@example.com":                     {"", "postgresql"},
		"selectx 1":                            {"", "postgresql"},
		"select\n1":                            {"SELECT", "SELECT"},
		"begin":                                {"BEGIN", "BEGIN"},
		"-- name: ListNotes :many\nselect 1":   {"SELECT", "ListNotes"},
		"-- name: \nselect 1":                  {"SELECT", "SELECT"},
		"-- name: a'b\nselect 1":               {"SELECT", "a"},
		"-- NAME: x\nselect 1":                 {"SELECT", "SELECT"},
		strings.Repeat("a", 1<<20):             {"", "postgresql"},
		strings.Repeat("/**/", 1<<16) + "do":   {"DO", "DO"},
		"deallocate all":                       {"DEALLOCATE", "DEALLOCATE"},
		"set local \"app.x\" = 'select'":       {"SET", "SET"},
		"explain (analyze) select 1":           {"EXPLAIN", "EXPLAIN"},
		"with x as (select 1) select * from x": {"WITH", "WITH"},
	} {
		if op, s := operation(sql), summary(sql); op != want[0] || s != want[1] {
			t.Errorf("%.40q: %q and %q, want %q", sql, op, s, want)
		}
	}
	for op := range operations {
		if len(op) > longest {
			t.Errorf("%s is longer than the longest", op)
		}
	}
}

// Nothing but a known word or a name that the program gave comes out.
func FuzzSummary(f *testing.F) {
	for _, s := range []string{"select 1", "-- name: x :one\n", "/*", "--", "(((", "-- name: " + strings.Repeat("x", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if op := operation(sql); op != "" && !operations[op] {
			t.Fatalf("%q: operation %q", sql, op)
		}
		s := summary(sql)
		if s == "" || len(s) > 100 || s != "postgresql" && !operations[s] && !strings.HasPrefix(sql, "-- name: "+s) {
			t.Fatalf("%q: summary %q", sql, s)
		}
	})
}
