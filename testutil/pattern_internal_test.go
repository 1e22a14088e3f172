package stratumtest

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestFromPattern(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		`^[A-Z]{3}-\d{4}$`, `^(a|bc|def)+$`, `^[^@\s]+@[^@\s]+\.[a-z]{2,}$`, `\d`, `^$`, `^x*y?z+$`, `^[[:alpha:]][[:alnum:]_]{0,62}$`, `^\+?[1-9]\d{1,14}$`, `(?i)^abc$`, `^.{5}$`,
	} {
		re := regexp.MustCompile(pattern)
		for n := range 500 {
			s, ok := fromPattern(pattern, n*104_729)
			if !ok || !re.MatchString(s) {
				t.Fatalf("%q does not match %s", s, pattern)
			}
		}
	}
	if _, ok := fromPattern(`(a)\1`, 1); ok { // back references are not Go's
		t.Error("a back reference was understood")
	}
}

func TestHints(t *testing.T) {
	t.Parallel()
	h := &hints{}
	h.read(`((code)::text ~ '^[A-Z]$'::text) AND (name ~~ 'x%'::text) AND (kind = ANY (ARRAY['it''s'::text, E'a\\b'::text])) AND (size1 >= 17) AND ("odd 99" < 1.5) AND ((email)::text !~* 'q'::text)`)
	if !slices.Equal(h.patterns, []string{"^[A-Z]$", "q"}) || !slices.Equal(h.likes, []string{"x%"}) || !slices.Equal(h.texts, []string{"it's", `a\b`}) || !slices.Equal(h.numbers, []string{"17", "1.5"}) {
		t.Errorf("%+v", h)
	}
}

// Values differ with n, where there is room, and are never longer than the type.
func TestTextsFit(t *testing.T) {
	t.Parallel()
	c := &column{Base: "character varying(6)", Category: "S"}
	seen := map[string]bool{}
	for n := range 1000 {
		values := c.values(n)
		seen[values[0]] = true
		for _, v := range values {
			if len(v) > 6 {
				t.Fatalf("%q is too long", v)
			}
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d different values", len(seen))
	}
}

func TestReportReadsWell(t *testing.T) {
	t.Parallel()
	r := &Report{Tables: []string{"public.a", "public.b"}, Held: map[string]int{"select": 2},
		Findings: []Finding{
			{Table: "public.a", Vector: "explain", Class: Notice, Severity: Low, Detail: "it counts"},
			{Table: "public.b", Vector: "explain", Class: Notice, Severity: Low, Detail: "it counts"},
			{Table: "public.a", Vector: "delete", Class: Leak, Severity: Critical, Detail: "gone", Fix: "one;\ntwo;"},
			{Table: "public.a", Vector: "set_config", Class: Injection, Severity: High, Detail: "set"},
		},
		NotAttacked: []Skipped{{Vector: "copy-to", Reason: "no"}}}
	r.sort()
	if r.OK() || len(r.Failures()) != 1 || r.Findings[0].Vector != "delete" {
		t.Error(r.Findings)
	}
	want := `tenant isolation: 2 tables, 2 attacks held, 4 findings (1 fail), 0 gaps, 1 not attacked
- critical leak: delete on public.a: gone
    fix: one;
         two;
- does not fail: high injection: set_config on public.a: set
- does not fail: low notice: explain on public.a, public.b: it counts
- not attacked: copy-to on the database: no
held: select 2
`
	if got := r.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	r.sealed = true
	if len(r.Failures()) != 2 {
		t.Error(r.Failures())
	}
	r.sealed, r.Findings, r.Gaps = false, nil, []Gap{{Table: "public.c", Column: "x", Reason: "riddle", Help: "ask"}}
	if r.OK() || !strings.Contains(r.String(), "- not proven: public.c, column x: riddle\n    help: ask\n") {
		t.Error(r)
	}
}
