package stratumpgx_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
)

// replicated are databases of which some have a replica.
type replicated struct{ primary, replica map[string]string }

func (r replicated) ConnectionString(_ context.Context, key string) (string, error) {
	return r.primary[key], nil
}

func (r replicated) ReplicaConnectionString(_ context.Context, key string) (string, error) {
	return r.replica[key], nil
}

const nowhere = "postgres://app@127.0.0.1:1/nothing?sslmode=disable"

// A database stands in for the replica, with one note more of each tenant, by which it
// is known.
func TestReadOnlyWorkGoesToTheReplica(t *testing.T) {
	primary, replica := database(t), database(t)
	replica.Exec(t, embedpg.Superuser, "insert into note (tenant_id, body) select distinct tenant_id, 'of the replica' from note")
	db := open(t, primary, "", stratumpgx.Config{
		Replica: replica.URL(embedpg.App),
		Databases: replicated{
			map[string]string{"both": primary.URL(embedpg.App), "one": primary.URL(embedpg.App), "down": primary.URL(embedpg.App)},
			map[string]string{"both": replica.URL(embedpg.App), "down": nowhere},
		},
	})
	withoutReplica := open(t, primary, "", stratumpgx.Config{})
	withDeadReplica := open(t, primary, "", stratumpgx.Config{Replica: nowhere})
	for name, test := range map[string]struct {
		db   *stratumpgx.DB
		who  *core.Tenant
		want int
	}{
		"shared tables":             {db, tenantA, notesOfA + 1},
		"no replica":                {withoutReplica, tenantA, notesOfA},
		"a replica that is down":    {withDeadReplica, tenantA, notesOfA},
		"own database":              {db, inDatabase(tenantB, "both"), notesOfB + 1},
		"own database, none":        {db, inDatabase(tenantB, "one"), notesOfB},
		"own database, one is down": {db, inDatabase(tenantB, "down"), notesOfB},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := core.ReadOnly(as(test.who))
			for range 3 {
				if n := count(t, ctx, test.db); n != test.want {
					t.Errorf("%d notes, want %d", n, test.want)
				}
				if n, err := sqlCount(ctx, test.db.SQL()); err != nil || n > test.want {
					t.Errorf("database/sql: %d notes, %v", n, err)
				}
			}
			for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
				var pe *pgconn.PgError
				if _, err := test.db.Exec(ctx, "insert into note (body) values ('x')", mode); !errors.As(err, &pe) || pe.Code != "25006" {
					t.Errorf("a write: %v", err)
				}
			}
			if _, err := test.db.Exec(as(test.who), "update note set body = body"); err != nil {
				t.Errorf("work that says nothing: %v", err)
			}
		})
	}
}

// A connection that is held moves between the servers as its contexts say.
func TestHeldConnectionsChangeServers(t *testing.T) {
	primary, replica := database(t), database(t)
	replica.Exec(t, embedpg.Superuser, "delete from note")
	db := open(t, primary, "", stratumpgx.Config{Replica: replica.URL(embedpg.App)})
	conn, err := db.SQL().Conn(as(tenantA))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for range 3 {
		if n, err := sqlCount(as(tenantA), conn); n != notesOfA || err != nil {
			t.Errorf("the primary has %d notes, %v", n, err)
		}
		if n, err := sqlCount(core.ReadOnly(as(tenantA)), conn); n != 0 || err != nil {
			t.Errorf("the replica has %d notes, %v", n, err)
		}
	}
}

func TestReplicasOfSchemas(t *testing.T) {
	d, a, _ := schemas(t)
	other := database(t)
	schema := pgx.Identifier{a.Placement.Schema}.Sanitize()
	other.Exec(t, embedpg.Superuser, "create schema "+schema)
	other.Exec(t, embedpg.Superuser, "create table "+schema+".note (body text)")
	other.Exec(t, embedpg.Superuser, "grant usage on schema "+schema+" to "+schema)
	other.Exec(t, embedpg.Superuser, "grant select on "+schema+".note to "+schema)
	db := open(t, d, "", stratumpgx.Config{Replica: other.URL(embedpg.App)})
	if n := count(t, core.ReadOnly(as(a)), db); n != 0 {
		t.Errorf("the replica has %d notes", n)
	}
	if n := count(t, as(a), db); n != notesOfA {
		t.Errorf("the primary has %d notes", n)
	}
	other.Exec(t, embedpg.Superuser, "drop schema "+schema+" cascade")
}

func TestBadReplica(t *testing.T) {
	_, err := stratumpgx.Open(t.Context(), database(t).URL(embedpg.App), stratumpgx.Config{Replica: "postgres://u:hunter2@:::/"})
	var e *core.Error
	if !errors.As(err, &e) || e.Details["field"] != "Replica" {
		t.Error(err)
	}
}
