package tenant

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// scanner is a row.
type scanner = pgx.Row

// columns are those of a row t that [row] reads.
const columns = `t.id, t.slug, t.name, t.status, t.ancestors,
	array(select d.domain from stratum.tenant_domains d where d.tenant_id = t.id order by d.domain),
	t.strategy, t.schema_name, t.role_name, t.database_key, t.region, t.statement_timeout_ms, t.max_concurrency`

// row reads columns. All of them may be NULL, which an outer join makes them.
type row struct {
	id                                   pgtype.UUID
	slug, name, status                   pgtype.Text
	ancestors                            []pgtype.UUID
	domains                              []string
	strategy, schema, role, base, region pgtype.Text
	timeout, concurrency                 pgtype.Int4
}

// into are the places for columns.
func (r *row) into() []any {
	return []any{&r.id, &r.slug, &r.name, &r.status, &r.ancestors, &r.domains,
		&r.strategy, &r.schema, &r.role, &r.base, &r.region, &r.timeout, &r.concurrency}
}

// tenant is nil if there was no row.
func (r *row) tenant() *core.Tenant {
	if !r.id.Valid {
		return nil
	}
	t := &core.Tenant{
		ID:     r.id.Bytes,
		Slug:   r.slug.String,
		Name:   r.name.String,
		Status: core.Status(r.status.String),
		Placement: core.Placement{
			Strategy:         core.Strategy(r.strategy.String),
			Schema:           r.schema.String,
			Role:             r.role.String,
			Database:         r.base.String,
			Region:           r.region.String,
			StatementTimeout: time.Duration(r.timeout.Int32) * time.Millisecond,
			MaxConcurrency:   int(r.concurrency.Int32),
		},
	}
	for _, id := range r.ancestors {
		t.Ancestors = append(t.Ancestors, id.Bytes)
	}
	if len(r.domains) > 0 {
		t.Domains = r.domains
	}
	return t
}

// read collects the tenants that a query yields.
func (s *Service) read(ctx context.Context, sql string, args ...any) ([]*core.Tenant, error) {
	return db.Rows(ctx, s.db, func(in pgx.CollectableRow) (*core.Tenant, error) {
		var r row
		if err := in.Scan(r.into()...); err != nil {
			return nil, err
		}
		return r.tenant(), nil
	}, sql, args...)
}
