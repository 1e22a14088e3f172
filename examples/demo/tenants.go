package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/tenant"
)

// country becomes a tenant.
type country struct {
	name, slug string
}

// countries are those of the customers, the one with the most of them first.
func countries(ctx context.Context, conn *pgx.Conn) ([]country, error) {
	rows, _ := conn.Query(ctx, `select country from public.customer group by country order by count(*) desc, country collate "C"`)
	names, err := pgx.CollectRows(rows, pgx.RowTo[*string])
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, errors.New("it has no customers, and so there would be no tenants")
	}
	var found []country
	seen := make(map[string]string, len(names))
	for _, name := range names {
		if name == nil {
			return nil, errors.New("a customer has no country, and so would have no tenant")
		}
		slug := slugOf(*name)
		if !core.ValidSlug(slug) {
			return nil, fmt.Errorf("the country %q gives no slug: %q would be none", *name, slug)
		}
		if other, taken := seen[slug]; taken {
			return nil, fmt.Errorf("the countries %q and %q give the same slug, %s", other, *name, slug)
		}
		seen[slug] = *name
		found = append(found, country{name: *name, slug: slug})
	}
	return found, nil
}

// slugOf is the country in lower case, with an underscore for every other character.
func slugOf(name string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'A' && c <= 'Z':
			return c + 'a' - 'A'
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			return c
		}
		return '_'
	}, name)
}

// introduceTenants makes a tenant for each country, and gives every row to one of them.
// owner is the URL of the role that owns the tables.
func introduceTenants(ctx context.Context, tenants *tenant.Service, owner string, countries []country) error {
	var mapping [][]any
	for _, c := range countries {
		t, err := tenants.Create(ctx, tenant.New{Name: c.name, Slug: c.slug})
		if err != nil {
			return fmt.Errorf("making the tenant %s: %w", c.slug, err)
		}
		mapping = append(mapping, []any{c.name, t.ID.String()})
	}
	return connected(ctx, owner, func(conn *pgx.Conn) error {
		// Gone with the connection. CopyFrom speaks binary, hence the column of type text.
		if _, err := conn.Exec(ctx, "create temporary table country_tenant (country text primary key, id text not null)"); err != nil {
			return err
		}
		if _, err := conn.CopyFrom(ctx, pgx.Identifier{"country_tenant"}, []string{"country", "id"}, pgx.CopyFromRows(mapping)); err != nil {
			return err
		}
		return protect(ctx, conn)
	})
}

// protect is all that it takes to make a single-tenant database a multi-tenant one: which
// tables, and whose the rows are that exist already. New ones are stamped by the database.
func protect(ctx context.Context, conn *pgx.Conn) error {
	return rls.Protect(ctx, conn,
		rls.Table{
			Name:         "customer",
			Backfill:     "m.id::uuid from country_tenant m where m.country = customer.country",
			CompositeKey: true,
		},
		rls.Table{
			Name:         "invoice",
			Backfill:     "c.tenant_id from customer c where c.customer_id = invoice.customer_id",
			CompositeKey: true,
			ForeignKeys:  true, // an invoice cannot name the customer of another tenant
		},
		rls.Table{
			Name:        "invoice_line",
			Backfill:    "i.tenant_id from invoice i where i.invoice_id = invoice_line.invoice_id",
			ForeignKeys: true,
		},
	)
}
