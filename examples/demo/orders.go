package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Limits of an order.
const (
	maxBody     = 1 << 20
	maxItems    = 1000
	maxQuantity = 10_000
)

// order is the body of POST /invoices. Pointers tell what is missing from what is 0.
type order struct {
	CustomerID *int64 `json:"customer_id"`
	Items      []item `json:"items"`
}

type item struct {
	TrackID  *int64 `json:"track_id"`
	Quantity *int64 `json:"quantity"`
}

// createInvoice is POST /invoices. It does not say whose the new rows are: the database
// stamps them.
func (s *shop) createInvoice(w http.ResponseWriter, r *http.Request) error {
	o, err := readOrder(w, r)
	if err != nil {
		return err
	}
	var made *bill
	// One snapshot, so that total and lines see the same prices.
	err = s.db.BeginTxFunc(r.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		made, err = o.place(r.Context(), tx)
		return err
	})
	if err != nil {
		return err
	}
	w.Header().Set("Location", fmt.Sprintf("%s/%d", r.URL.EscapedPath(), made.ID)) // with the prefix it came with
	reply(w, http.StatusCreated, made)
	return nil
}

// place writes the order.
func (o order) place(ctx context.Context, tx pgx.Tx) (*bill, error) {
	tracks, quantities := make([]int64, len(o.Items)), make([]int64, len(o.Items))
	for i, it := range o.Items {
		tracks[i], quantities[i] = *it.TrackID, *it.Quantity
	}
	var unknown int
	err := tx.QueryRow(ctx, `select coalesce(min(w.n), 0) from unnest($1::bigint[]) with ordinality w(id, n)
		where not exists (select from track t where t.track_id = w.id)`, tracks).Scan(&unknown)
	if err != nil {
		return nil, err
	}
	var id int64
	err = tx.QueryRow(ctx, `
		insert into invoice (customer_id, invoice_date, billing_address, billing_city, billing_state, billing_country, billing_postal_code, total)
		select c.customer_id, date_trunc('second', now() at time zone 'UTC'), c.address, c.city, c.state, c.country, c.postal_code,
			(select coalesce(sum(t.unit_price * w.quantity), 0)
			from unnest($2::bigint[], $3::bigint[]) w(id, quantity) join track t on t.track_id = w.id)
		from customer c where c.customer_id = $1::bigint
		returning invoice_id`, *o.CustomerID, tracks, quantities).Scan(&id)
	var pg *pgconn.PgError
	switch {
	case errors.Is(err, pgx.ErrNoRows): // unknown, or another tenant's
		return nil, failure{http.StatusNotFound, "CUSTOMER_NOT_FOUND", "there is no such customer", map[string]string{"field": "customer_id"}}
	case errors.As(err, &pg) && pg.Code == "22003": // numeric_value_out_of_range
		return nil, invalid("items", "the total is more than an invoice can have")
	case err != nil:
		return nil, err
	case unknown > 0:
		return nil, invalid(fmt.Sprintf("items[%d].track_id", unknown-1), "there is no such track")
	}
	_, err = tx.Exec(ctx, `
		insert into invoice_line (invoice_id, track_id, unit_price, quantity)
		select $1::bigint, t.track_id, t.unit_price, w.quantity
		from unnest($2::bigint[], $3::bigint[]) with ordinality w(id, quantity, n) join track t on t.track_id = w.id
		order by w.n`, id, tracks, quantities)
	if err != nil {
		return nil, err
	}
	return readBill(ctx, tx, id)
}

// readOrder reads the body and checks what needs no database.
func readOrder(w http.ResponseWriter, r *http.Request) (o order, err error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return o, failure{status: http.StatusRequestEntityTooLarge, Code: "PAYLOAD_TOO_LARGE", Message: fmt.Sprintf("a body has at most %d bytes", maxBody)}
	}
	if err != nil {
		return o, invalid("body", "the body ended early")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&o); err != nil {
		return o, malformed(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return o, invalid("body", "the body goes on after the order")
	}
	return o, o.check()
}

// malformed says what is wrong with a body that is no order.
func malformed(err error) failure {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		return invalid(kind.Field, "this cannot be "+kind.Value)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return invalid(strings.Trim(name, `"`), "an order has no such field")
	}
	return invalid("body", "the body must be a JSON object: {\"customer_id\", \"items\": [{\"track_id\", \"quantity\"}]}")
}

func (o order) check() error {
	if o.CustomerID == nil {
		return invalid("customer_id", "the customer is missing")
	}
	if len(o.Items) == 0 {
		return invalid("items", "an order has at least one item")
	}
	if len(o.Items) > maxItems {
		return invalid("items", fmt.Sprintf("an order has at most %d items", maxItems))
	}
	for i, it := range o.Items {
		field := fmt.Sprintf("items[%d].", i)
		if it.TrackID == nil {
			return invalid(field+"track_id", "the track is missing")
		}
		if it.Quantity == nil || *it.Quantity < 1 || *it.Quantity > maxQuantity {
			return invalid(field+"quantity", fmt.Sprintf("a quantity is a number from 1 to %d", maxQuantity))
		}
	}
	return nil
}
