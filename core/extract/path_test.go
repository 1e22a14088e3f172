package extract_test

import (
	"strings"
	"testing"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/core/extract"
)

type pathCase struct {
	path string
	want core.Selection
	err  error
}

// shared holds for Path(2) and for PathAfter("/t/").
var shared = []pathCase{
	{"/t/brazil", brazil, nil},
	{"/t/brazil/", brazil, nil},
	{"/t/brazil/invoices/7", brazil, nil},
	{"/t/" + uuid + "/x", byID, nil},
	{"/t/%62razil/x", brazil, nil},
	{"/t/%20brazil/x", brazil, nil},
	{"/%74/brazil", brazil, nil},
	{"/t/brazil/files/a%2Fb", brazil, nil},
	{"/t/brazil//x", brazil, nil},
	{"/t/brazil/a.b/..c/...", brazil, nil},
	{"", none, nil},
	{"*", none, nil},
	{"/", none, nil},
	{"/t", none, nil},
	{"/t/", none, nil},
	{"/t/%20", none, nil},

	{"/t/%2562razil", none, invalid}, // decoded once, never twice
	{"/t/brazil%2Fusa", none, invalid},
	{"/t%2Fbrazil", none, invalid},
	{"/t/brazil%5Cusa", none, invalid},
	{"/t/brazil%00", none, invalid},
	{"/t/brazil%0d%0a", none, invalid},
	{"/t/br%C3%A9sil", none, invalid},
	{"/t/brazil,usa", none, invalid},
	{"/t/Brazil", none, invalid},
	{"/t/brazil;v=1/x", none, invalid},
	{"/t/" + strings.Repeat("a", 64), none, invalid},
	{"/t/%zz", none, invalid},
	{"/t/brazil/%zz", none, invalid},
	{"/t/../t/brazil", none, invalid},
	{"/t/./brazil", none, invalid},
	{"/t/%2e%2e/brazil", none, invalid},
	{"/t/brazil/../usa", none, invalid},
	{"/t/brazil/..", none, invalid},
	{"/t/brazil/.", none, invalid},
	{"/t/brazil/%2E%2e/usa", none, invalid},
	{"/t/brazil/..%2Fusa", none, invalid},
	{"/t/brazil/x%2F..%2F..%2Fusa", none, invalid},
	{"/t/brazil/..%5Cusa", none, invalid},
	{"//t/brazil", none, invalid},
	{"/t//brazil", none, invalid},
	{"/t///", none, invalid},
	{"t/brazil", none, invalid},
	{"http://app.example.com/t/brazil", none, invalid},
}

func TestPath(t *testing.T) {
	for _, c := range append([]pathCase{{"/health/brazil", brazil, nil}, {"/x//brazil", none, invalid}}, shared...) {
		check(t, extract.Path(2), &fake{path: c.path}, c.want, c.err)
	}
	check(t, extract.Path(1), &fake{path: "/brazil/invoices"}, brazil, nil)
	check(t, extract.Path(1), &fake{path: "//brazil"}, none, invalid)
	check(t, extract.Path(3), &fake{path: "/a/b/brazil"}, brazil, nil)
	check(t, extract.Path(4), &fake{path: "/a/b/brazil"}, none, nil)
}

func TestPathAfter(t *testing.T) {
	for _, c := range append([]pathCase{
		{"/health", none, nil},
		{"/health/brazil", none, nil},
		{"/T/brazil", none, nil},
		{"/tt/brazil", none, nil},
		{"/files//x/a%2Fb", none, nil}, // another route's business
		{"/x/../t/brazil", none, invalid},
		{"/x%2f../t/brazil", none, invalid},
	}, shared...) {
		check(t, extract.PathAfter("/t/"), &fake{path: c.path}, c.want, c.err)
	}
	check(t, extract.PathAfter("/"), &fake{path: "/brazil/x"}, brazil, nil)
	deep := extract.PathAfter("/api/v1/tenants/")
	check(t, deep, &fake{path: "/api/v1/tenants/brazil"}, brazil, nil)
	check(t, deep, &fake{path: "/api/%761/tenants/brazil"}, brazil, nil)
	check(t, deep, &fake{path: "/api/v2/tenants/brazil"}, none, nil)
	check(t, deep, &fake{path: "/api//v1/tenants/brazil"}, none, invalid)
	check(t, extract.PathAfter("/a b/"), &fake{path: "/a%20b/brazil"}, brazil, nil)
}
