package fleet

import (
	"context"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
)

// Places migrates one place. placement.Provisioner is the one of this library.
type Places interface {
	// Migrate applies what a place lacks and returns the version that it found and the one
	// that it left, 0 if that is not known. If somebody else is at work there it waits, or
	// returns placement.ErrBusy.
	Migrate(ctx context.Context, at core.Placement, files fs.FS, wait bool) (from, to int64, err error)
}

// Service migrates the fleet. It is safe for concurrent use.
type Service struct {
	db     *db.DB
	places Places
}

// NewService is for package stratum, which opens the database. Without places there is
// nothing to migrate.
func NewService(db *db.DB, places Places) *Service { return &Service{db: db, places: places} }

// Place is the place of a tenant, as the table knows it.
type Place struct {
	Tenant    core.ID
	Slug      string
	Placement core.Placement
	Version   int64
}

// list has the places below a version, or those that are named, in the order of ids.
const list = `select f.tenant_id, t.slug, t.strategy, t.schema_name, t.role_name, t.database_key, f.version
	from stratum.fleet f join stratum.tenants t on t.id = f.tenant_id
	where f.version < $1 and ($2::uuid[] is null or f.tenant_id = any ($2)) and ($3::uuid is null or f.tenant_id > $3)
	order by f.tenant_id limit $4`

const (
	known   = "select tenant_id from stratum.fleet where tenant_id = any ($1::uuid[])"
	current = "select version from stratum.fleet where tenant_id = $1"
	correct = `before as (select * from stratum.fleet where tenant_id = @id),
		after as (update stratum.fleet set version = @version, migrated_at = now() where tenant_id = @id and version <> @version returning *)`
)

// below returns up to limit places below a version, 0 meaning all of them.
func (s *Service) below(ctx context.Context, version int64, only []core.ID, after core.ID, limit int) ([]Place, error) {
	return db.Rows(ctx, s.db, func(in pgx.CollectableRow) (p Place, err error) {
		var id pgtype.UUID
		var strategy string
		err = in.Scan(&id, &p.Slug, &strategy, &p.Placement.Schema, &p.Placement.Role, &p.Placement.Database, &p.Version)
		p.Tenant, p.Placement.Strategy = id.Bytes, core.Strategy(strategy)
		return p, err
	}, list, version, db.UUIDs(only), db.UUID(after), pgtype.Int8{Int64: int64(limit), Valid: limit > 0})
}

// exist makes sure that each tenant has a place of its own: a name that is wrong would
// be no canary at all.
func (s *Service) exist(ctx context.Context, field string, ids []core.ID) error {
	if len(ids) == 0 {
		return nil
	}
	found, err := db.Rows(ctx, s.db, db.ID, known, db.UUIDs(ids))
	if err != nil {
		return err
	}
	there := make(map[core.ID]bool, len(found))
	for _, id := range found {
		there[id] = true
	}
	for _, id := range ids {
		if !there[id] {
			return invalid(field, "Config.%s has %s, which is no tenant with a place of its own", field, id)
		}
	}
	return nil
}

// version is what the table says now; ok is false if the tenant is gone.
func (s *Service) version(ctx context.Context, id core.ID) (version int64, ok bool, err error) {
	found, err := db.Rows(ctx, s.db, pgx.RowTo[int64], current, db.UUID(id))
	if err != nil || len(found) == 0 {
		return 0, false, err
	}
	return found[0], true, nil
}

// record makes the table say what is true in a place, with an audit row and an event if
// that is something else. Of a tenant that is gone there is nothing to say.
func (s *Service) record(ctx context.Context, id core.ID, version int64) error {
	m := db.Mutation{
		Action: "tenant.migrated",
		Lock:   []string{"select from stratum.fleet where tenant_id = @id for no key update"},
		With:   correct,
		Key:    "tenant_id",
		Select: "select count(*) from after",
		Args:   pgx.NamedArgs{"id": db.UUID(id), "version": version},
	}
	// An idempotency key is for one change. Of these there is one for each place, and repeating
	// them is harmless.
	ctx = core.Idempotent(ctx, "")
	return s.db.Mutate(ctx, m, func(r pgx.Row) error { return r.Scan(new(int)) })
}
