package integration

import (
	"fmt"
	"strings"
	"testing"
)

type item struct {
	Track    int `json:"track_id"`
	Quantity int `json:"quantity"`
}

type order struct {
	Customer int    `json:"customer_id"`
	Items    []item `json:"items"`
}

func customerOf(t *testing.T, d *demo, country string) int {
	t.Helper()
	return number(t, d, "select min(customer_id) from customer where country = $1", country)
}

// written counts what orders write.
func written(t *testing.T, d *demo) int {
	t.Helper()
	return number(t, d, "select (select count(*) from invoice) + (select count(*) from invoice_line)")
}

func testOrders(t *testing.T, d *demo, list []shop) {
	for i, s := range []shop{list[0], list[len(list)-1]} {
		customer := customerOf(t, d, s.Country)
		o := order{customer, []item{{1, 2}, {2, 10_000}, {1, 1}}} // a track twice is two lines
		path, headers := "/invoices", as(s.Slug)
		if i == 1 {
			path, headers = "/t/"+s.Slug+"/invoices", nil
		}
		before := written(t, d)
		a := d.do(t, post(path, jsonOf(t, o)+"\n ", headers...))
		if a.status != 201 || a.Tenant != s.Slug || a.Customer != customer || len(a.Lines) != 3 ||
			a.header.Get("Location") != fmt.Sprintf("%s/%d", path, a.ID) {
			t.Fatalf("%d %s, Location %s", a.status, a.raw, a.header.Get("Location"))
		}
		for j, l := range a.Lines {
			if l.TrackID != o.Items[j].Track || l.Quantity != o.Items[j].Quantity || l.Price == "" {
				t.Errorf("line %d: %+v", j, l)
			}
		}
		if n := written(t, d) - before; n != 4 {
			t.Errorf("%d rows written, want 4", n)
		}
		right := number(t, d, `select count(*) from invoice i join customer c on c.customer_id = i.customer_id
			join stratum.tenants t on t.id = i.tenant_id and t.id = c.tenant_id
			where i.invoice_id = $1 and t.slug = $2 and i.billing_country = $3 and i.billing_city is not distinct from c.city
			and abs(extract(epoch from i.invoice_date - now() at time zone 'UTC')) < 300
			and i.total = (select sum(t.unit_price * l.quantity) from invoice_line l join track t on t.track_id = l.track_id
				where l.invoice_id = i.invoice_id and l.tenant_id = i.tenant_id and l.unit_price = t.unit_price)`, a.ID, s.Slug, s.Country)
		if right != 1 {
			t.Errorf("the invoice %d is not as ordered", a.ID)
		}
		back := d.do(t, get(a.header.Get("Location"), headers...))
		if back.status != 200 || back.raw != a.raw {
			t.Errorf("read back: %d %s, want %s", back.status, back.raw, a.raw)
		}
		d.refused(t, get(fmt.Sprintf("/invoices/%d", a.ID), as(list[1].Slug)...), 404, "INVOICE_NOT_FOUND", "")
	}
}

func testRefusedOrders(t *testing.T, d *demo, list []shop) {
	mine, foreign := customerOf(t, d, list[0].Country), customerOf(t, d, list[1].Country)
	before := written(t, d)
	try := func(body string, status int, code, field string) {
		t.Helper()
		d.refused(t, post("/invoices", body, as(list[0].Slug)...), status, code, field)
	}
	one := func(customer, track, quantity any) string {
		return fmt.Sprintf(`{"customer_id":%v,"items":[{"track_id":2,"quantity":1},{"track_id":%v,"quantity":%v}]}`, customer, track, quantity)
	}
	for _, customer := range []any{foreign, 0, -1, 999_999, 3_000_000_000} {
		try(one(customer, 1, 1), 404, "CUSTOMER_NOT_FOUND", "customer_id")
	}
	for _, track := range []any{0, -1, 999_999, 3_000_000_000} {
		try(one(mine, track, 1), 400, "VALIDATION_ERROR", "items[1].track_id")
	}
	for _, quantity := range []any{0, -1, 10_001, 3_000_000_000, "null"} {
		try(one(mine, 1, quantity), 400, "VALIDATION_ERROR", "items[1].quantity")
	}
	for body, field := range map[string]string{
		`{"items":[{"track_id":1,"quantity":1}]}`:              "customer_id",
		fmt.Sprintf(`{"customer_id":%d}`, mine):                "items",
		fmt.Sprintf(`{"customer_id":%d,"items":[]}`, mine):     "items",
		fmt.Sprintf(`{"customer_id":%d,"items":[null]}`, mine): "items[0].track_id",
		one(mine, "null", 1):                                   "items[1].track_id",
		one(`"1"`, 1, 1):                                       "customer_id",
		one(1.5, 1, 1):                                         "customer_id",
		one(mine, 1, 1.5):                                      "items.quantity",
		one(mine, `"1"`, 1):                                    "items.track_id",
		one(mine, 1, 1) + "{}":                                 "body",
		one(mine, 1, 1) + "]":                                  "body",
		strings.TrimSuffix(one(mine, 1, 1), "}"):               "body",
		"":                                                     "body",
		"[]":                                                   "body",
		`{"tenant_id":"x",` + one(mine, 1, 1)[1:]:              "tenant_id",
		`{"customer_id":1,"items":[{"price":0}]}`:              "price",
		jsonOf(t, order{mine, make([]item, 1001)}):             "items",
		fmt.Sprintf(`{"customer_id":%d,"items":{"a":1}}`, mine):   "items",
		fmt.Sprintf(`{"customer_id":%d,"items":[[1,2],3]}`, mine): "items",
	} {
		try(body, 400, "VALIDATION_ERROR", field)
	}
	large := strings.Repeat(" ", 1<<20)
	try(large+one(mine, 1, 1), 413, "PAYLOAD_TOO_LARGE", "")
	try(one(mine, 1, 1)+large, 413, "PAYLOAD_TOO_LARGE", "")
	try(strings.Repeat("x", 3<<20), 413, "PAYLOAD_TOO_LARGE", "")
	d.refused(t, post("/invoices", one(mine, 1, 1)), 400, "MISSING_TENANT", "")
	d.refused(t, post("/t/nobody/invoices", one(mine, 1, 1)), 404, "TENANT_NOT_FOUND", "")
	if n := written(t, d) - before; n != 0 {
		t.Errorf("refused orders wrote %d rows", n)
	}
	exact := one(mine, 1, 1) // one mebibyte is allowed
	exact += strings.Repeat(" ", 1<<20-len(exact))
	if a := d.do(t, post("/invoices", exact, as(list[0].Slug)...)); a.status != 201 {
		t.Errorf("a body of one mebibyte: %d %.200s", a.status, a.raw)
	}
}
