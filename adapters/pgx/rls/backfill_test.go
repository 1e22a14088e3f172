package rls

import (
	"strings"
	"testing"
)

func TestParseBackfill(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]backfill{
		"org":                                                      {Expr: "org"},
		"  (select a from b where c) ":                             {Expr: "(select a from b where c)"},
		"c.t from customer c where c.id = i.c":                     {Expr: "c.t", From: "customer c", Where: "c.id = i.c"},
		"c.t FROM customer c\nWHERE a or b -- c":                   {Expr: "c.t", From: "customer c", Where: "a or b -- c"},
		"t where a is distinct from b":                             {Expr: "t", Where: "a is distinct from b"},
		"case when a is not distinct from b then c end from d":     {Expr: "case when a is not distinct from b then c end", From: "d"},
		"a is distinct /* x */ from b from c":                      {Expr: "a is distinct /* x */ from b", From: "c"},
		"extract(year from x)::text::uuid from y":                  {Expr: "extract(year from x)::text::uuid", From: "y"},
		"a from b join c on d is distinct from e where f":          {Expr: "a", From: "b join c on d is distinct from e", Where: "f"},
		"a from b left join (c join d on true) on e where f":       {Expr: "a", From: "b left join (c join d on true) on e", Where: "f"},
		"' from ' || \"where\" || $$ from $$ || $x$ $y$where$x$":   {Expr: "' from ' || \"where\" || $$ from $$ || $x$ $y$where$x$"},
		"'it''s from' from b":                                      {Expr: "'it''s from'", From: "b"},
		`E'\' from ' from b`:                                       {Expr: `E'\' from '`, From: "b"},
		`name' from ' from b`:                                      {Expr: `name' from '`, From: "b"},
		"\"a\"\" from\" from b":                                    {Expr: "\"a\"\" from\"", From: "b"},
		"a -- from b\nfrom c":                                      {Expr: "a -- from b", From: "c"},
		"a /* from /* where */ from */ from c":                     {Expr: "a /* from /* where */ from */", From: "c"},
		"a[1] from b":                                              {Expr: "a[1]", From: "b"},
		"fromage from nowhere":                                     {Expr: "fromage", From: "nowhere"},
		"größe_from from b where x$from = 1":                       {Expr: "größe_from", From: "b", Where: "x$from = 1"},
		"$1 from b":                                                {Expr: "$1", From: "b"},
		"(select distinct from x) from b where (a from b where c)": {Expr: "(select distinct from x)", From: "b", Where: "(a from b where c)"},
	} {
		got, err := parseBackfill(text)
		if err != nil || got != want {
			t.Errorf("%s:\n got %q, %v\nwant %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", " ", "from b", "where c", "a from b where", "a from b where ", "a; drop table b", "a from b where c returning d",
		"(a", "a)", "a) from (b", "'a", `"a`, "$$a", "$x$a$y$", "/* a", "/* /* */ a", `E'\'`,
	} {
		if got, err := parseBackfill(text); err == nil {
			t.Errorf("%s: got %q", text, got)
		}
	}
}

// Whatever it is fed, it ends, and loses nothing but the two words and white space.
func FuzzParseBackfill(f *testing.F) {
	for _, seed := range []string{"a from b where c", "E'\\'' from $$x$$", "a /* */ -- x\n where (b)", "\"x", "$a$ from $a$ where"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := parseBackfill(text)
		if err != nil {
			return
		}
		rest := text
		for _, part := range []string{b.Expr, b.From, b.Where} {
			at := strings.Index(rest, part)
			if at < 0 {
				t.Fatalf("%q is not in %q", part, text)
			}
			between := strings.ToLower(strings.TrimSpace(rest[:at]))
			if between != "" && between != "from" && between != "where" {
				t.Fatalf("%q of %q was lost", between, text)
			}
			rest = rest[at+len(part):]
		}
	})
}
