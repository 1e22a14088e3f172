package ormtest

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/embedpg"
	"github.com/stratum-hq/stratum-go/embedpg/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// protection is by hand: the suite knows no adapter.
const protection = `
do $$
declare
	t text;
	mine constant text := 'tenant_id = nullif(current_setting(''app.current_tenant_id'', true), '''')::uuid';
begin
	foreach t in array array['customer', 'invoice', 'line', 'tag', 'invoice_tag'] loop
		execute format('alter table %I alter tenant_id set default nullif(current_setting(''app.current_tenant_id'', true), '''')::uuid', t);
		execute format('alter table %I enable row level security', t);
		execute format('create policy app on %I to stratum_app using (%s)', t, mine);
		execute format('create policy system on %I to stratum_system using (true)', t);
		execute format('grant select, insert, update, delete on %I to stratum_app, stratum_system', t);
	end loop;
end $$;
alter table customer add unique (tenant_id, id);
alter table invoice add foreign key (tenant_id, customer_id) references customer (tenant_id, id);`

// handmade is database/sql with the scope set by hand, in a transaction for each piece
// of work: the correct implementation that the suite's own tests need.
type handmade struct{ app, system *sql.DB }

// open opens it on a new database.
func open(t testing.TB, conns int) DB {
	t.Helper()
	d := pgtest.NewWith(t, "ormtest", func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "set role stratum_owner;"+Schema+protection)
		return err
	})
	connect := func(role string, wire *Wire) *sql.DB {
		cfg, err := pgx.ParseConfig(d.URL(role))
		if err != nil {
			t.Fatal(err)
		}
		if wire != nil {
			cfg.AfterNetConnect = func(_ context.Context, _ *pgconn.Config, c net.Conn) (net.Conn, error) { return wire.Wrap(c), nil }
		}
		db := stdlib.OpenDB(*cfg)
		db.SetMaxOpenConns(conns)
		t.Cleanup(func() { _ = db.Close() })
		return db
	}
	wire := new(Wire)
	h := handmade{connect(embedpg.App, wire), connect(embedpg.System, nil)}
	return DB{Admin: connect(embedpg.Superuser, nil), Wire: wire, Shapes: h.shapes()}
}

// do runs fn in a transaction in the scope of ctx.
func (h handmade) do(ctx context.Context, fn func(tx *sql.Tx) error) error {
	scope, err := core.ScopeFrom(ctx)
	if err != nil {
		return err
	}
	db := h.app
	if scope.Mode == core.ModeSystem {
		db = h.system
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if scope.Mode == core.ModeTenant {
		if _, err := tx.ExecContext(ctx, "select set_config('app.current_tenant_id', $1, true)", scope.Tenant.String()); err != nil {
			return err
		}
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// query returns a shape that runs a query for one column of text.
func (h handmade) query(query string, args func(Args) []any) Shape {
	return func(ctx context.Context, a Args) (out []string, err error) {
		err = h.do(ctx, func(tx *sql.Tx) error {
			out, err = column(ctx, tx, query, args(a)...)
			return err
		})
		return out, err
	}
}

func column(ctx context.Context, tx *sql.Tx, query string, args ...any) (out []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// inserted returns a shape that inserts customers, in the tenant that stated says, and then
// goes on with then.
func (h handmade) inserted(stated func(Args) core.ID, then func(context.Context, *sql.Tx, Args) ([]string, error), suffixes ...string) Shape {
	return func(ctx context.Context, a Args) (out []string, err error) {
		id := stated(a)
		if err := core.Stamp(ctx, &id); err != nil {
			return nil, err
		}
		err = h.do(ctx, func(tx *sql.Tx) error {
			for _, s := range suffixes {
				if _, err := tx.ExecContext(ctx, "insert into customer (tenant_id, email, marker) values ($1, $2, $2)", id.String(), a.Fresh+s); err != nil {
					return err
				}
				out = append(out, a.Fresh+s)
			}
			if then == nil {
				return nil
			}
			more, err := then(ctx, tx, a)
			out = append(out, more...)
			return err
		})
		if errors.Is(err, errUndo) {
			err = nil
		}
		return out, err
	}
}

// errUndo rolls back without being an error.
var errUndo = errors.New("undo")
