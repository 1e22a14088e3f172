package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// envData names a second data set.
const envData = "STRATUM_TEST_DEMO_SQL"

func TestDemoOnItsOwnData(t *testing.T) { testDemo(t, "") }

func TestDemoOnFile(t *testing.T) {
	file := os.Getenv(envData)
	if file == "" {
		t.Skip(envData + " names no second data set")
	}
	testDemo(t, file)
}

func testDemo(t *testing.T, file string) {
	t.Parallel()
	d := start(t, file)
	list := shops(t, d)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *demo, []shop)
	}{
		{"invoices", testInvoices},
		{"each invoice", testEachInvoice},
		{"report", testReport},
		{"curl lines", testCurlLines},
		{"ways to name a tenant", testWays},
		{"refusals", testRefusals},
		{"orders", testOrders},
		{"refused orders", testRefusedOrders},
		{"many at once", testManyAtOnce},
		{"suspension", testSuspension},
		{"catalogue", testCatalogue},
		{"database", testDatabase},
	} {
		t.Run(step.name, func(t *testing.T) { step.run(t, d, list) })
	}
}

// invoicesOf are those of a country's customers: the way that rows had before there were tenants.
func invoicesOf(t *testing.T, d *demo, country string) []invoice {
	t.Helper()
	return rows[invoice](t, d, `select i.invoice_id, i.customer_id, to_char(i.invoice_date, 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), i.total::text
		from invoice i join customer c on c.customer_id = i.customer_id where c.country = $1 order by i.invoice_id`, country)
}

func testInvoices(t *testing.T, d *demo, list []shop) {
	sum := 0
	for _, s := range list {
		a, want := d.do(t, get("/invoices", as(s.Slug)...)), invoicesOf(t, d, s.Country)
		if a.status != 200 || a.Tenant != s.Slug || a.Count == nil || *a.Count != len(want) || a.Invoices == nil ||
			len(want) > 0 && !reflect.DeepEqual(a.Invoices, want) {
			t.Errorf("%s: %d with %d invoices, want %d: %.300s", s.Slug, a.status, len(a.Invoices), len(want), a.raw)
		}
		sum += len(a.Invoices)
	}
	if n := number(t, d, "select count(*) from invoice"); n != sum || n == 0 {
		t.Errorf("the tenants have %d invoices, the table %d", sum, n)
	}
}

// testEachInvoice asks for each invoice as its tenant, and as another one.
func testEachInvoice(t *testing.T, d *demo, list []shop) {
	for i, s := range list {
		other := list[(i+1)%len(list)]
		for _, want := range invoicesOf(t, d, s.Country) {
			lines := rows[line](t, d, `select l.invoice_line_id, l.track_id, t.name, l.unit_price::text, l.quantity
				from invoice_line l join track t on t.track_id = l.track_id where l.invoice_id = $1 order by 1`, want.ID)
			path := fmt.Sprintf("/invoices/%d", want.ID)
			a := d.do(t, get(path, as(s.Slug)...))
			if a.status != 200 || a.Tenant != s.Slug || a.invoice != want || !reflect.DeepEqual(a.Lines, lines) {
				t.Errorf("%s %s: %d %s, want %+v %+v", s.Slug, path, a.status, a.raw, want, lines)
			}
			d.refused(t, get(path, as(other.Slug)...), 404, "INVOICE_NOT_FOUND", "")
		}
	}
}

func testReport(t *testing.T, d *demo, list []shop) {
	for _, s := range list {
		want := rows[sales](t, d, `select g.name, sum(l.quantity), sum(l.unit_price * l.quantity)::text
			from customer c join invoice i on i.customer_id = c.customer_id join invoice_line l on l.invoice_id = i.invoice_id
			join track t on t.track_id = l.track_id left join genre g on g.genre_id = t.genre_id
			where c.country = $1 group by g.name order by sum(l.unit_price * l.quantity) desc, g.name collate "C"`, s.Country)
		a := d.do(t, get("/t/"+s.Slug+"/report"))
		if a.status != 200 || a.Tenant != s.Slug || a.Genres == nil || len(want) > 0 && !reflect.DeepEqual(a.Genres, want) {
			t.Errorf("%s: %d %s, want %+v", s.Slug, a.status, a.raw, want)
		}
	}
}

// testCurlLines runs what the demo printed, as it printed it.
func testCurlLines(t *testing.T, d *demo, list []shop) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	seen := map[string]int{}
	for i, command := range d.curls {
		out, err := exec.CommandContext(t.Context(), "sh", "-c", command).Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		a := parse(t, string(out))
		if i == len(d.curls)-1 {
			if a.Error.Code != "MISSING_TENANT" {
				t.Errorf("%s: %s", command, out)
			}
			continue
		}
		seen[a.Tenant]++
		country := ""
		for _, s := range list {
			if s.Slug == a.Tenant {
				country = s.Country
			}
		}
		if want := invoicesOf(t, d, country); !reflect.DeepEqual(a.Invoices, want) {
			t.Errorf("%s: %d invoices, want %d", command, len(a.Invoices), len(want))
		}
	}
	if len(seen) != 3 {
		t.Errorf("the lines are for %v, want three tenants", seen)
	}
	for slug, n := range seen {
		if n != 3 {
			t.Errorf("%d lines for %s, want three", n, slug)
		}
	}
}

func testWays(t *testing.T, d *demo, list []shop) {
	for _, s := range list {
		host := strings.ReplaceAll(s.Slug, "_", "-") + ".localhost"
		for _, c := range []call{
			get("/invoices", "Host", host),
			get("/invoices", "Host", strings.ToUpper(host)+":8080"),
			get("/invoices", "X-Tenant-ID", " "+s.Slug+" "),
			get("/invoices", "X-Tenant-ID", strings.ToUpper(s.ID)),
			get("/t/" + s.Slug + "/invoices"),
			get("/t/" + s.ID + "/invoices"),
			get("/t/"+s.ID+"/invoices", "Host", host, "X-Tenant-ID", s.Slug), // all agree
		} {
			if a := d.do(t, c); a.status != 200 || a.Tenant != s.Slug {
				t.Errorf("%v: %d %.200s", c, a.status, a.raw)
			}
		}
	}
}

func testRefusals(t *testing.T, d *demo, list []shop) {
	a, b := list[0].Slug, list[1].Slug
	hostA := strings.ReplaceAll(a, "_", "-") + ".localhost"
	for _, path := range []string{"/invoices", "/invoices/1", "/report", "/"} {
		d.refused(t, get(path), 400, "MISSING_TENANT", "")
		d.refused(t, get(path, "Host", "localhost", "X-Tenant-ID", ""), 400, "MISSING_TENANT", "")
		d.refused(t, get(path, "X-Tenant-ID", "nobody_here"), 404, "TENANT_NOT_FOUND", "")
		d.refused(t, get(path, "Host", "nobody.localhost"), 404, "TENANT_NOT_FOUND", "")
		d.refused(t, get("/t/nobody_here"+path), 404, "TENANT_NOT_FOUND", "")
		d.refused(t, get(path, "Host", hostA, "X-Tenant-ID", b), 400, "TENANT_AMBIGUOUS", "")
		d.refused(t, get("/t/"+a+path, "X-Tenant-ID", b), 400, "TENANT_AMBIGUOUS", "")
		d.refused(t, get("/t/"+b+path, "Host", hostA), 400, "TENANT_AMBIGUOUS", "")
		d.refused(t, get(path, "X-Tenant-ID", a, "X-Tenant-ID", a), 400, "TENANT_AMBIGUOUS", "")
		d.refused(t, get(path, "X-Tenant-ID", a+","+b), 400, "TENANT_REF_INVALID", "")
		d.refused(t, get(path, "X-Tenant-ID", "' or true --"), 400, "TENANT_REF_INVALID", "")
	}
	for _, id := range []string{"x", "1.5", "1e3", "+1", "-", "0x1", "1%20", "%27"} {
		d.refused(t, get("/invoices/"+id, as(a)...), 400, "VALIDATION_ERROR", "id")
	}
	for _, id := range []string{"0", "-1", "2147483648", "9223372036854775808"} {
		d.refused(t, get("/invoices/"+id, as(a)...), 404, "INVOICE_NOT_FOUND", "")
	}
	for _, path := range []string{"/", "/nothing", "/invoices/", "/invoices/1/lines", "/t/" + a, "/t/" + a + "/", "/t/" + a + "//invoices"} {
		d.refused(t, get(path, as(a)...), 404, "NOT_FOUND", "")
	}
	for _, c := range []call{{"DELETE", "/invoices", "", as(a)}, {"POST", "/invoices/1", "", as(a)}, {"PUT", "/t/" + a + "/report", "", nil}} {
		d.refused(t, c, 405, "METHOD_NOT_ALLOWED", "")
		if allow := d.do(t, c).header.Get("Allow"); !strings.Contains(allow, "GET") {
			t.Errorf("%v: Allow: %s", c, allow)
		}
	}
}

// testManyAtOnce mixes tenants on the same connections: each answer must be the
// tenant's own, whole.
func testManyAtOnce(t *testing.T, d *demo, list []shop) {
	want := map[string][]invoice{}
	for _, s := range list {
		want[s.Slug] = invoicesOf(t, d, s.Country)
	}
	var wg sync.WaitGroup
	for worker := range 16 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 0))
			for range 60 {
				slug := list[rng.IntN(len(list))].Slug
				a := d.do(t, get("/invoices", as(slug)...))
				if a.status != 200 || a.Tenant != slug || len(want[slug]) > 0 && !reflect.DeepEqual(a.Invoices, want[slug]) {
					t.Errorf("%s: %d %.200s", slug, a.status, a.raw)
				}
				owner := list[rng.IntN(len(list))].Slug
				if theirs := want[owner]; owner != slug && len(theirs) > 0 {
					path := fmt.Sprintf("/invoices/%d", theirs[rng.IntN(len(theirs))].ID)
					d.refused(t, get(path, as(slug)...), 404, "INVOICE_NOT_FOUND", "")
				}
			}
		})
	}
	wg.Wait()
}

// testSuspension changes the status as an operator would, in psql.
func testSuspension(t *testing.T, d *demo, list []shop) {
	target, other := list[0].Slug, list[1].Slug
	path := "/t/" + target + "/invoices"
	for _, step := range []struct {
		status, code string
		http         int
	}{
		{"suspended", "TENANT_SUSPENDED", 403},
		{"archived", "TENANT_ARCHIVED", 410},
		{"active", "", 200},
	} {
		if d.do(t, get(path)).status == step.http {
			t.Fatalf("%d before it is %s", step.http, step.status)
		}
		if _, err := d.admin.Exec(t.Context(), "update stratum.tenants set status = '"+step.status+"' where slug = $1", target); err != nil {
			t.Fatal(err)
		}
		a, took := d.until(t, get(path), step.http)
		if a.status != step.http || a.Error.Code != step.code {
			t.Fatalf("%s: %d %.200s", step.status, a.status, a.raw)
		}
		if took > 5*time.Second { // the TTL is one second; a slow machine gets a few more
			t.Errorf("%s: seen after %v", step.status, took)
		}
		if a := d.do(t, get("/invoices", as(other)...)); a.status != 200 {
			t.Errorf("another tenant: %d %.200s", a.status, a.raw)
		}
	}
}

// until repeats a request until it is answered with a status, for ten seconds at most.
func (d *demo) until(t *testing.T, c call, status int) (a answer, took time.Duration) {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for a = d.do(t, c); a.status != status && time.Since(began) < 10*time.Second; a = d.do(t, c) {
		<-tick.C
	}
	return a, time.Since(began)
}

// testCatalogue makes sure that sharing is for reading, and for the catalogue only.
func testCatalogue(t *testing.T, d *demo, _ []shop) {
	tx, err := d.admin.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	for sql, allowed := range map[string]bool{
		"select from track":                    true,
		"select from genre":                    true,
		"select from employee":                 false,
		"select from stratum.tenants":          false,
		"update track set unit_price = 0":      false,
		"truncate invoice_line":                false,
		"select from stratum.goose_version":    false,
		"create table public.mine (id int)":    false,
		"alter table invoice add column x int": false,
	} {
		err := pgx.BeginFunc(t.Context(), tx, func(tx pgx.Tx) error {
			if _, err := tx.Exec(t.Context(), "set local role stratum_app"); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), sql)
			return errors.Join(err, pgx.ErrTxClosed) // never keep it
		})
		if ok := err != nil && err.Error() == pgx.ErrTxClosed.Error(); ok != allowed {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// testDatabase goes to the tables directly: what a handler with a mistake could do.
func testDatabase(t *testing.T, d *demo, list []shop) {
	mine, foreign := customerOf(t, d, list[0].Country), customerOf(t, d, list[1].Country)
	tx, err := d.admin.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(t.Context(), "set local role stratum_app"); err != nil {
		t.Fatal(err)
	}
	seen := func(want int) {
		t.Helper()
		for _, table := range []string{"customer", "invoice", "invoice_line"} {
			var n int
			err := tx.QueryRow(t.Context(), "select count(*) from "+table+" where tenant_id is distinct from nullif(current_setting('app.current_tenant_id', true), '')::uuid").Scan(&n)
			if err != nil || n != want {
				t.Errorf("%s: %d rows of others, %v", table, n, err)
			}
		}
	}
	seen(0) // of nobody, without a tenant
	if _, err := tx.Exec(t.Context(), "select set_config('app.current_tenant_id', $1, true)", list[0].ID); err != nil {
		t.Fatal(err)
	}
	seen(0)
	const insert = "insert into invoice (customer_id, invoice_date, total) values ($1, now(), 1)"
	for customer, allowed := range map[int]bool{mine: true, foreign: false} {
		err := pgx.BeginFunc(t.Context(), tx, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), insert, customer)
			return err
		})
		if (err == nil) != allowed {
			t.Errorf("an invoice for the customer %d: %v", customer, err)
		}
	}
	tag, err := tx.Exec(t.Context(), "update customer set city = 'x' where customer_id = $1", foreign)
	if err != nil || tag.RowsAffected() != 0 {
		t.Errorf("another tenant's customer: %v, %v", tag, err)
	}
}

// jsonOf is the body of an order.
func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
