package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
)

// invoice is one as it is listed. Amounts are JSON numbers with the digits that the
// database has.
type invoice struct {
	ID         int64       `json:"invoice_id"`
	CustomerID int64       `json:"customer_id"`
	Date       time.Time   `json:"invoice_date"`
	Total      json.Number `json:"total"`
}

type line struct {
	ID        int64       `json:"invoice_line_id"`
	TrackID   int64       `json:"track_id"`
	Track     string      `json:"track"`
	UnitPrice json.Number `json:"unit_price"`
	Quantity  int64       `json:"quantity"`
}

// bill is an invoice with its lines.
type bill struct {
	Tenant string `json:"tenant"`
	invoice
	Lines []line `json:"lines"`
}

// listInvoices is GET /invoices. The query has no condition: the database shows the
// invoices of the request's tenant, and no others.
func (s *shop) listInvoices(w http.ResponseWriter, r *http.Request) error {
	rows, err := s.db.Query(r.Context(), `select invoice_id, customer_id, invoice_date, total::text from invoice order by invoice_id`)
	if err != nil {
		return err
	}
	invoices, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (i invoice, err error) {
		return i, row.Scan(&i.ID, &i.CustomerID, &i.Date, &i.Total)
	})
	if err != nil {
		return err
	}
	tenant, err := core.FromContext(r.Context())
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, struct {
		Tenant   string    `json:"tenant"`
		Count    int       `json:"count"`
		Invoices []invoice `json:"invoices"`
	}{tenant.Slug, len(invoices), invoices})
	return nil
}

// getInvoice is GET /invoices/{id}. Another tenant's invoice is not found, like one that
// does not exist.
func (s *shop) getInvoice(w http.ResponseWriter, r *http.Request) error {
	id, err := integer(r.PathValue("id"))
	if err != nil {
		return err
	}
	b, err := readBill(r.Context(), s.db, id)
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, b)
	return nil
}

// integer reads an id. One that is too large for the database is nobody's.
func integer(s string) (int64, error) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, invalid("id", "the id of an invoice is an integer")
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, noInvoice()
	}
	return id, nil
}

func noInvoice() failure {
	return failure{status: http.StatusNotFound, Code: "INVOICE_NOT_FOUND", Message: "there is no such invoice"}
}

// querier is the database, or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

const selectBill = `
select i.invoice_id, i.customer_id, i.invoice_date, i.total::text,
	l.invoice_line_id, l.track_id, t.name, l.unit_price::text, l.quantity
from invoice i
left join invoice_line l on l.invoice_id = i.invoice_id
left join track t on t.track_id = l.track_id
where i.invoice_id = $1::bigint
order by l.invoice_line_id`

func readBill(ctx context.Context, q querier, id int64) (*bill, error) {
	tenant, err := core.FromContext(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, selectBill, id)
	if err != nil {
		return nil, err
	}
	b := &bill{Tenant: tenant.Slug, Lines: []line{}}
	found := false
	var lineID, trackID, quantity *int64
	var track, price *string
	_, err = pgx.ForEachRow(rows, []any{&b.ID, &b.CustomerID, &b.Date, &b.Total, &lineID, &trackID, &track, &price, &quantity}, func() error {
		found = true
		if lineID == nil { // an invoice without lines
			return nil
		}
		if track == nil {
			return errors.New("a line has no track")
		}
		b.Lines = append(b.Lines, line{*lineID, *trackID, *track, json.Number(*price), *quantity})
		return nil
	})
	if err == nil && !found {
		err = noInvoice()
	}
	return b, err
}

// sales are those of one genre; the tracks that have none make up one of their own.
type sales struct {
	Genre    *string     `json:"genre"`
	Quantity int64       `json:"quantity"`
	Total    json.Number `json:"total"`
}

// report is GET /report: tables of the tenant, joined with tables that all share.
func (s *shop) report(w http.ResponseWriter, r *http.Request) error {
	rows, err := s.db.Query(r.Context(), `
		select g.name, sum(l.quantity), sum(l.unit_price * l.quantity)::text
		from invoice i
		join invoice_line l on l.invoice_id = i.invoice_id
		join track t on t.track_id = l.track_id
		left join genre g on g.genre_id = t.genre_id
		group by g.name
		order by sum(l.unit_price * l.quantity) desc, g.name collate "C"`)
	if err != nil {
		return err
	}
	genres, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (g sales, err error) {
		return g, row.Scan(&g.Genre, &g.Quantity, &g.Total)
	})
	if err != nil {
		return err
	}
	tenant, err := core.FromContext(r.Context())
	if err != nil {
		return err
	}
	reply(w, http.StatusOK, struct {
		Tenant string  `json:"tenant"`
		Genres []sales `json:"genres"`
	}{tenant.Slug, genres})
	return nil
}
