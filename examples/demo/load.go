package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
)

// catalogue are the tables that all tenants share: what is for sale. The shop's
// employees are nobody's business, so the application gets no rights on them.
func catalogue() []string {
	return []string{"artist", "album", "track", "genre", "media_type", "playlist", "playlist_track"}
}

// needed are the columns that this program works with.
func needed() []string {
	return []string{
		"customer.customer_id", "customer.address", "customer.city", "customer.state", "customer.country", "customer.postal_code",
		"invoice.invoice_id", "invoice.customer_id", "invoice.invoice_date", "invoice.total", "invoice.billing_address",
		"invoice.billing_city", "invoice.billing_state", "invoice.billing_country", "invoice.billing_postal_code",
		"invoice_line.invoice_line_id", "invoice_line.invoice_id", "invoice_line.track_id", "invoice_line.unit_price", "invoice_line.quantity",
		"track.track_id", "track.name", "track.genre_id", "track.unit_price", "genre.genre_id", "genre.name",
	}
}

// copyIn is a COPY whose rows would follow in the file, as pg_dump writes it: the server
// would wait for them for ever.
var copyIn = regexp.MustCompile(`(?im)^\s*copy\s[^;]*\sfrom\s+stdin`)

// load runs the script as the owner, and returns the countries found in it. What it
// leaves is an application's database on the day before it adopts tenancy.
func load(ctx context.Context, owner string, data source) ([]country, error) {
	if copyIn.MatchString(data.sql) {
		return nil, data.blame(ctx, errors.New("COPY FROM STDIN is not supported; dump it with pg_dump --inserts"))
	}
	err := connected(ctx, owner, func(conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, data.sql).ReadAll()
		return err
	})
	if err != nil {
		return nil, data.blame(ctx, err)
	}
	var found []country
	// On another connection: the script may have changed the settings of its own.
	err = connected(ctx, owner, func(conn *pgx.Conn) error {
		if err := inspect(ctx, conn); err != nil {
			return err
		}
		if err := grant(ctx, conn); err != nil {
			return err
		}
		found, err = countries(ctx, conn)
		return err
	})
	return found, data.blame(ctx, err)
}

// inspect makes sure that the tables are those of a music shop, and that the keys of new
// rows come after those that the script may have given itself.
func inspect(ctx context.Context, conn *pgx.Conn) error {
	var missing []string
	err := conn.QueryRow(ctx, `
		select coalesce(array_agg(w.name order by w.n), '{}')
		from unnest($1::text[]) with ordinality w(name, n)
		where not exists (
			select from pg_attribute a
			where a.attrelid = to_regclass('public.' || split_part(w.name, '.', 1))
				and a.attname = split_part(w.name, '.', 2) and not a.attisdropped)`, needed()).Scan(&missing)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fmt.Errorf("this is not the database of a music shop: it has no %s", strings.Join(missing, ", "))
	}
	for _, table := range []string{"invoice", "invoice_line"} {
		var sequence *string
		if err := conn.QueryRow(ctx, "select pg_get_serial_sequence($1, $2)", "public."+table, table+"_id").Scan(&sequence); err != nil {
			return err
		}
		if sequence == nil {
			return fmt.Errorf("%s.%s_id gets no number by itself", table, table)
		}
		_, err := conn.Exec(ctx, fmt.Sprintf("select setval($1::text::regclass, m) from (select max(%s_id) as m from public.%s) t where m > 0", table, table), *sequence)
		if err != nil {
			return err
		}
	}
	return nil
}

// grant lets the application read the catalogue.
func grant(ctx context.Context, conn *pgx.Conn) error {
	rows, _ := conn.Query(ctx, `select format('grant select on table %s to stratum_app;', oid::regclass) from pg_class
		where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname = any ($1)`, catalogue())
	grants, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	_, err = conn.PgConn().Exec(ctx, strings.Join(grants, "\n")).ReadAll()
	return err
}

// connected runs fn on a connection of its own.
func connected(ctx context.Context, url string, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(conn)
}
