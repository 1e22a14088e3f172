package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// call is a request: method, path, body, and headers as pairs.
type call struct {
	method, path, body string
	headers            []string
}

func get(path string, headers ...string) call { return call{"GET", path, "", headers} }

func post(path, body string, headers ...string) call { return call{"POST", path, body, headers} }

func as(slug string) []string { return []string{"X-Tenant-ID", slug} }

// answer is what comes back, with the fields of every kind of body.
type answer struct {
	status int
	header http.Header
	raw    string

	Tenant   string
	Count    *int
	Invoices []invoice
	Genres   []sales
	invoice
	Lines []line
	Error struct {
		Code, Message string
		Details       map[string]any
	}
}

type invoice struct {
	ID       int         `json:"invoice_id"`
	Customer int         `json:"customer_id"`
	Date     string      `json:"invoice_date"`
	Total    json.Number `json:"total"`
}

type line struct {
	ID       int         `json:"invoice_line_id"`
	TrackID  int         `json:"track_id"`
	Track    string      `json:"track"`
	Price    json.Number `json:"unit_price"`
	Quantity int         `json:"quantity"`
}

type sales struct {
	Genre    *string     `json:"genre"`
	Quantity int         `json:"quantity"`
	Total    json.Number `json:"total"`
}

// do sends a request. It may be called by several goroutines, and reports errors
// without ending the test.
func (d *demo) do(t *testing.T, c call) (a answer) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), c.method, d.base+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Error(err)
		return a
	}
	for i := 0; i+1 < len(c.headers); i += 2 {
		if c.headers[i] == "Host" {
			r.Host = c.headers[i+1]
		} else {
			r.Header.Add(c.headers[i], c.headers[i+1])
		}
	}
	w, err := d.client.Do(r)
	if err != nil {
		t.Error(err)
		return a
	}
	defer func() { _ = w.Body.Close() }()
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		t.Error(err)
	}
	a = parse(t, string(raw))
	a.status, a.header = w.StatusCode, w.Header
	if kind := w.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") {
		t.Errorf("%s %s: the answer is %s: %s", c.method, c.path, kind, raw)
	}
	return a
}

func parse(t *testing.T, raw string) (a answer) {
	t.Helper()
	if err := json.Unmarshal([]byte(raw), &a); err != nil {
		t.Errorf("%v: %q", err, raw)
	}
	a.raw = raw
	return a
}

// refused checks status, code and, unless it is empty, the field that an error names.
func (d *demo) refused(t *testing.T, c call, status int, code, field string) {
	t.Helper()
	a := d.do(t, c)
	if a.status != status || a.Error.Code != code || a.Error.Message == "" || field != "" && a.Error.Details["field"] != field {
		t.Errorf("%s %s %v: %d %s, want %d %s %s", c.method, c.path, c.headers, a.status, a.raw, status, code, field)
	}
}

// rows runs SQL as superuser, which row-level security does not bind.
func rows[T any](t *testing.T, d *demo, sql string, args ...any) []T {
	t.Helper()
	result, err := d.admin.Query(t.Context(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(result, pgx.RowToStructByPos[T])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// number runs SQL that yields one number.
func number(t *testing.T, d *demo, sql string, args ...any) (n int) {
	t.Helper()
	if err := d.admin.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// tenants are those that there should be, from the customers' countries alone: the rule
// for slugs is written down a second time, in SQL.
type shop struct{ Country, Slug, ID string }

func shops(t *testing.T, d *demo) []shop {
	t.Helper()
	list := rows[shop](t, d, `select c.country, t.slug, t.id::text
		from (select distinct country from customer) c
		left join stratum.tenants t on t.slug = regexp_replace(lower(c.country collate "C"), '[^a-z0-9]', '_', 'g')
		order by c.country`)
	if n := number(t, d, "select count(*) from stratum.tenants"); n != len(list) || n < 3 {
		t.Fatalf("%d tenants, %d countries", n, len(list))
	}
	return list
}
