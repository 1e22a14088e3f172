package db_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
	"github.com/stratum-hq/stratum-go/stratum/internal/db"
	"github.com/stratum-hq/stratum-go/stratum/migrations"
)

func open(t *testing.T) (*db.DB, *pgtest.Database) {
	t.Helper()
	d := pgtest.New(t)
	if err := migrations.Up(t.Context(), d.URL(embedpg.Lib)); err != nil {
		t.Fatal(err)
	}
	base, err := db.Open(t.Context(), d.URL(embedpg.Lib), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(base.Close)
	return base, d
}

// created is the change that makes a tenant.
func created(slug string) db.Mutation {
	return db.Mutation{
		Action:  "tenant.created",
		Creates: true,
		With:    `after as (insert into stratum.tenants (id, slug, name) values (@id, @slug, 'N') returning *)`,
		Tenant:  "id",
		Select:  "select id::text from after",
		Args:    pgx.NamedArgs{"id": core.NewID().String(), "slug": slug},
		Input:   slug,
	}
}

func text(d *db.DB, ctx context.Context, m db.Mutation) (s string, err error) {
	err = d.Mutate(ctx, m, func(r pgx.Row) error { return r.Scan(&s) })
	return s, err
}

func number(t *testing.T, d *pgtest.Database, sql string, args ...any) (n int) {
	t.Helper()
	if err := d.Conn(t, embedpg.Lib).QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The records name whoever the context names, and what it was of; one for each row.
func TestRecords(t *testing.T) {
	t.Parallel()
	base, d := open(t)
	who := core.Actor{Type: "user", ID: "ada", RequestID: "r-1", SourceIP: netip.MustParseAddr("2001:db8::1%eth0")}
	ctx := core.WithActor(t.Context(), who)
	a, err := text(base, ctx, created("a"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := text(base, t.Context(), created("b")); err != nil {
		t.Fatal(err)
	}
	m := db.Mutation{
		Action: "tenant.hidden",
		With: `before as (select * from stratum.tenants for no key update),
			after as (update stratum.tenants t set name = 'secret ' || t.slug from before where t.id = before.id returning t.*)`,
		Tenant: "id",
		Record: `to_jsonb(r) || '{"name": "[hidden]"}'`,
		Select: "select count(*)::text from after",
	}
	if n, err := text(base, ctx, m); n != "2" || err != nil {
		t.Error(n, err)
	}
	m = db.Mutation{Action: "tenant.purged", With: `after as (delete from stratum.tenants returning *)`, Tenant: "id", Removes: true,
		Record: m.Record, Select: "select count(*)::text from after"}
	if n, err := text(base, t.Context(), m); n != "2" || err != nil {
		t.Error(n, err)
	}
	for sql, want := range map[string]int{
		`select count(*) from stratum.audit_log where action = 'tenant.created' and actor_type = 'user' and actor = 'ada' and request_id = 'r-1'
			and source_ip = '2001:db8::1' and resource_type = 'tenant' and resource_id = $1 and before is null and after ->> 'slug' = 'a'`: 1,
		`select count(*) from stratum.audit_log where action = 'tenant.created' and actor_type = 'system' and actor = 'stratum_lib' and request_id is null and $1 <> ''`:                              1,
		`select count(*) from stratum.audit_log where action = 'tenant.hidden' and before ->> 'id' = after ->> 'id' and resource_id = before ->> 'id' and tenant_id::text = resource_id and $1 <> ''`: 2,
		`select count(*) from stratum.audit_log where action = 'tenant.purged' and before ->> 'slug' in ('a', 'b') and after is null and $1 <> ''`:                                                    2,
		`select count(*) from stratum.audit_log where (before::text || coalesce(after::text, '')) like '%secret%' and $1 <> ''`:                                                                       0,
		`select count(*) from stratum.events where data::text like '%secret%' and $1 <> ''`:                                                                                                           0,
		`select count(distinct id) from stratum.events where substring(id::text from 15 for 1) = '7' and tenant_id = (data ->> 'id')::uuid and $1 <> ''`:                                              6,
	} {
		if got := number(t, d, sql, a); got != want {
			t.Errorf("%d, want %d: %s", got, want, sql)
		}
	}
}

func TestBatchIsOneChange(t *testing.T) {
	t.Parallel()
	base, d := open(t)
	var ids []string
	collect := func(_ int, r pgx.Row) error {
		var id string
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}
	if err := base.Batch(t.Context(), []db.Mutation{created("a"), created("b"), created("a")}, collect); err == nil {
		t.Error("the same slug twice")
	}
	if n := number(t, d, "select count(*) from stratum.tenants, stratum.audit_log, stratum.events"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	ids = nil
	ms := []db.Mutation{created("a"), created("b"), created("c")}
	if err := base.Batch(t.Context(), ms, collect); err != nil || len(ids) != 3 || ids[2] != ms[2].Args["id"] {
		t.Error(ids, err)
	}
	if n := number(t, d, "select count(*) from stratum.tenants join stratum.audit_log a on a.tenant_id = tenants.id"); n != 3 {
		t.Errorf("%d records", n)
	}
}

// Whatever the repetitions meet, the change happens once.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	base, d := open(t)
	ctx := core.Idempotent(t.Context(), "k1")
	var once atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			id, err := text(base, ctx, created("a"))
			if err == nil {
				once.Add(1)
				return
			}
			if ids, repeated := db.Repeats(err); !repeated || len(ids) != 1 || id != "" && id != ids[0] {
				t.Errorf("%v, %v", ids, err)
			}
		})
	}
	all.Wait()
	if once.Load() != 1 || number(t, d, "select count(*) from stratum.audit_log") != 1 {
		t.Errorf("it happened %d times", once.Load())
	}
	if _, err := text(base, ctx, created("other")); !errors.Is(err, core.ErrIdempotencyReused) {
		t.Error(err)
	}
	// Another actor's keys are others.
	if _, err := text(base, core.WithActor(ctx, core.Actor{ID: "ada"}), created("b")); err != nil {
		t.Error(err)
	}
	// A change that failed was not made.
	ctx = core.Idempotent(t.Context(), "k2")
	if _, err := text(base, ctx, created("a")); err == nil || errors.Is(err, core.ErrIdempotencyReused) {
		t.Error(err)
	}

	batch := []db.Mutation{created("c"), created("d")}
	if err := base.Batch(ctx, batch, func(int, pgx.Row) error { return nil }); err != nil {
		t.Error(err)
	}
	err := base.Batch(ctx, batch, func(int, pgx.Row) error { return nil })
	if ids, _ := db.Repeats(err); !slices.Equal(ids, []string{batch[1].Args["id"].(string)}) {
		t.Error(ids, err)
	}
	if err := base.Batch(ctx, []db.Mutation{created("x"), created("d")}, func(int, pgx.Row) error { return nil }); !errors.Is(err, core.ErrIdempotencyReused) {
		t.Error(err)
	}
	no := created("e")
	no.Input = nil
	for key, m := range map[string]db.Mutation{strings.Repeat("k", 256): created("e"), "k3": no} {
		if _, err := text(base, core.Idempotent(t.Context(), key), m); !errors.Is(err, core.ErrValidation) {
			t.Error(err)
		}
	}
	// Old ones are forgotten.
	d.Exec(t, embedpg.Lib, "update stratum.idempotency set created_at = now() - interval '8 days'")
	if _, err := text(base, core.Idempotent(t.Context(), "k1"), created("f")); err != nil {
		t.Error(err)
	}
}

// Two changes that take the same rows in opposite orders both happen.
func TestDeadlocksAreRepeated(t *testing.T) {
	t.Parallel()
	base, _ := open(t)
	ids := []string{}
	for _, slug := range []string{"a", "b"} {
		id, err := text(base, t.Context(), created(slug))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			for n := range 3 {
				m := renamed(ids[i], fmt.Sprint("n", n))
				m.Lock = []string{
					"select from stratum.tenants where id = @id for no key update", "select pg_sleep(0.02)::text",
					"select from stratum.tenants where id = @other for no key update",
				}
				m.Args["other"] = ids[1-i]
				if _, err := text(base, t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestErrorsHaveCodes(t *testing.T) {
	t.Parallel()
	base, _ := open(t)
	if _, err := text(base, t.Context(), created("a")); err != nil {
		t.Fatal(err)
	}
	var pg *pgconn.PgError
	_, err := text(base, t.Context(), created("NO SLUG"))
	if !errors.Is(err, core.ErrValidation) || !errors.As(err, &pg) || strings.Contains(err.Error(), "NO SLUG") {
		t.Error(err)
	}
	_, err = text(base, t.Context(), created("a"))
	if name, ok := db.Violates(err); !ok || name != "tenants_slug_key" || !errors.Is(err, core.ErrInternal) {
		t.Error(name, err)
	}
	if err := base.Exec(t.Context(), "delete from nothing"); !errors.Is(err, core.ErrInternal) {
		t.Error(err)
	}
	one := func(r pgx.CollectableRow) (n int, err error) { return n, r.Scan(&n) }
	if _, err := db.Rows(t.Context(), base, one, "select from nothing"); !errors.Is(err, core.ErrInternal) {
		t.Error(err)
	}
	if _, err := db.Rows(t.Context(), base, one, "select 1 / (1 - x) from generate_series(0, 1) x"); !errors.Is(err, core.ErrValidation) {
		t.Error(err)
	}
	if got, err := db.Rows(t.Context(), base, one, "select x from generate_series(1, 2) x"); err != nil || !slices.Equal(got, []int{1, 2}) {
		t.Error(got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := text(base, ctx, created("b")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	m := renamed(core.NewID().String(), "n")
	m.Lock = []string{"select pg_terminate_backend(pg_backend_pid())"}
	if _, err := text(base, t.Context(), m); !errors.Is(err, core.ErrDatabaseDown) {
		t.Error(err)
	}
}
