package rls

import (
	"strings"
	"testing"
)

// The pair of the rule server_cve: no test can choose the version of the server.
func TestHoles(t *testing.T) {
	for number, want := range map[int]string{
		150002: "CVE-2023-2454 CVE-2023-2455 CVE-2023-39418 CVE-2024-10976 CVE-2024-10978 CVE-2025-8713",
		150013: "CVE-2025-8713",
		150014: "",
		160004: "CVE-2024-10976 CVE-2024-10978 CVE-2025-8713",
		170001: "CVE-2025-8713",
		170006: "",
		180000: "",
	} {
		var ids []string
		for _, h := range holesOf(number) {
			id, _, _ := strings.Cut(h, " ")
			ids = append(ids, id)
		}
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%d: %s, want %s", number, got, want)
		}
	}
}

func TestParseTree(t *testing.T) {
	n := parseTree(`{OPEXPR :opno 98 :args ({VAR :varno 1 :varattno 2 :varlevelsup 0} {CONST :consttype 25 :constisnull false :constvalue 8 [ 32 0 0 0 97 46 -61 -92 ]}) :alias a\ b\}\( :none <> :location -1}`)
	args := n.nodes("args")
	if !n.is("OPEXPR") || n.word("opno") != "98" || len(args) != 2 || n.word("none") != "" || n.word("alias") != `a\ b\}\(` || n.word("location") != "-1" {
		t.Errorf("got %+v", n)
	}
	if text, ok := args[1].text(); !ok || text != "a.ä" {
		t.Errorf("text %q", text)
	}
	if !args[0].column(2, 0) || args[0].column(1, 0) || args[0].column(2, 1) || !n.rowBound() || args[1].rowBound() {
		t.Error("the column is not told from others")
	}
	if parseTree("") != nil || len(parseTrees("({A :x 1} {B})")) != 2 {
		t.Error("lists")
	}
}

func FuzzParseTree(f *testing.F) {
	for _, seed := range []string{"", "{A :x 1 :y ({B} {C :z <>})}", "{A :x", ")))", "{{{", `{A :x \`, "{ :a {} }"} {
		f.Add(seed)
	}
	f.Fuzz(func(_ *testing.T, text string) {
		for _, n := range parseTrees(text) {
			n.calls()
			n.bare()
			n.rowBound()
			n.truth()
			n.text()
			u := usage{}
			u.visit(n, false)
		}
	})
}
