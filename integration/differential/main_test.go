package differential_test

import (
	"context"
	"database/sql"
	_ "embed"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	stratumpgx "github.com/stratum-hq/stratum-go/adapters/pgx"
	"github.com/stratum-hq/stratum-go/adapters/pgx/rls"
	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

//go:embed schema.sql
var schema string

var tenant = core.Tenant{ID: core.MustParseID("0190a000-0000-7000-8000-00000000000a"), Slug: "acme", Name: "Acme", Status: core.Active}

// A side is one of the two databases with the program that runs on it.
type side struct {
	t      testing.TB
	ctx    context.Context
	db     *sql.DB
	client client
	admin  *pgx.Conn // a superuser in the same database
	trace  trace
}

// A testCase is a program. Its trace on the plain driver must match want, so that two sides
// that fail alike for another reason than the one meant do not pass.
type testCase struct {
	name string
	want string
	run  func(s *side)

	differs string // why the scoped driver differs on purpose; it must then
}

// compare runs the cases on both sides, each in turn.
func compare(t *testing.T, open func(t testing.TB, db *sql.DB) client, cases []testCase) {
	plain, scoped := newSide(t, openPlain), newSide(t, openScoped)
	plain.client, scoped.client = open(t, plain.db), open(t, scoped.db)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, s := plain.play(t, c), scoped.play(t, c)
			if !regexp.MustCompile(c.want).MatchString(strings.Join(p, "\n")) {
				t.Errorf("the plain driver does not show %q:\n%s", c.want, strings.Join(p, "\n"))
			}
			diff := cmp.Diff(p, s)
			switch {
			case diff != "" && c.differs == "":
				t.Errorf("plain (-) and scoped (+) differ:\n%s", diff)
			case diff == "" && c.differs != "":
				t.Errorf("no difference, where one is by design: %s", c.differs)
			}
		})
	}
}

// play runs one case with an empty trace.
func (s *side) play(t *testing.T, c testCase) []string {
	once := *s
	once.t, once.trace = t, nil
	c.run(&once)
	return once.trace
}

func newSide(t *testing.T, open func(t testing.TB, db *pgtest.Database) *sql.DB) *side {
	t.Helper()
	database := pgtest.NewWith(t, "differential", prepare)
	return &side{
		t:     t,
		ctx:   core.NewContext(t.Context(), &tenant),
		db:    open(t, database),
		admin: database.Conn(t, embedpg.Superuser),
	}
}

// prepare makes the tables as their owner, and rows of two tenants.
func prepare(ctx context.Context, conn *pgx.Conn) error {
	for _, do := range []func() error{
		func() error { return exec(ctx, conn, "set session authorization "+embedpg.Owner) },
		func() error { return exec(ctx, conn, schema) },
		func() error {
			return rls.Protect(ctx, conn, rls.Table{Name: "items", Tenant: tenant.ID}, rls.Table{Name: "notes", Tenant: tenant.ID})
		},
		func() error {
			return exec(ctx, conn, "grant select, insert, update, delete on all tables in schema public to "+embedpg.App+
				"; grant usage on all sequences in schema public to "+embedpg.App+"; reset session authorization")
		},
		func() error {
			return exec(ctx, conn, "insert into items (tenant_id, code, qty) values (gen_random_uuid(), 'not ours', 1)")
		},
	} {
		if err := do(); err != nil {
			return err
		}
	}
	return nil
}

func exec(ctx context.Context, conn *pgx.Conn, query string) error {
	_, err := conn.Exec(ctx, query, pgx.QueryExecModeSimpleProtocol)
	return err
}

func openPlain(t testing.TB, database *pgtest.Database) *sql.DB {
	config, err := pgx.ParseConfig(database.URL(embedpg.App))
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["app.current_tenant_id"] = tenant.ID.String()
	db := stdlib.OpenDB(*config)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func openScoped(t testing.TB, database *pgtest.Database) *sql.DB {
	db, err := stratumpgx.Open(t.Context(), database.URL(embedpg.App), stratumpgx.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db.SQL()
}
