package placement

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/lock"
)

// Make makes a place that is not there, with its rights and the application's tables, and
// returns the version of goose that they are at, 0 if they were made without it. If it
// fails, a part may be there: [Provisioner.Remove] removes it.
func (p *Provisioner) Make(ctx context.Context, at core.Placement) (reached int64, err error) {
	fill := func(conn *pgx.Conn) error {
		if err := p.fill(ctx, conn, at); err != nil {
			return err
		}
		reached, err = version(ctx, conn, at)
		return err
	}
	switch at.Strategy {
	case core.SchemaPerTenant:
		err = p.connected(ctx, within(p.owner, "", at.Schema), at.Schema, func(conn *pgx.Conn) error {
			if err := p.makeSchema(ctx, conn, at); err != nil {
				return fmt.Errorf("making the schema %s: %w", at.Schema, err)
			}
			return fill(conn)
		})
	case core.DatabasePerTenant:
		err = p.connected(ctx, p.databases, at.Database, func(conn *pgx.Conn) error {
			if err := p.makeDatabase(ctx, conn, at); err != nil {
				return fmt.Errorf("making the database %s: %w", at.Database, err)
			}
			return p.connected(ctx, within(p.databases, at.Database, "public"), at.Database, func(inside *pgx.Conn) error {
				if err := p.openDatabase(ctx, inside); err != nil {
					return fmt.Errorf("the rights in the database %s: %w", at.Database, err)
				}
				return fill(inside)
			})
		})
	default:
		err = unsupported(at)
	}
	return reached, err
}

// Remove removes a place with all that is in it. What is not there, or not any more, is no
// error. It waits for a [Provisioner.Make] of the place, also for what the server still
// does of one whose process is gone.
func (p *Provisioner) Remove(ctx context.Context, at core.Placement) error {
	switch at.Strategy {
	case core.SchemaPerTenant:
		return p.connected(ctx, p.owner, at.Schema, func(conn *pgx.Conn) error {
			if err := removeSchema(ctx, conn, at); err != nil {
				return fmt.Errorf("removing the schema %s: %w", at.Schema, err)
			}
			return nil
		})
	case core.DatabasePerTenant:
		return p.connected(ctx, p.databases, at.Database, func(conn *pgx.Conn) error {
			if _, err := conn.Exec(ctx, "drop database if exists "+quote(at.Database)+" with (force)"); err != nil {
				return fmt.Errorf("removing the database %s: %w", at.Database, err)
			}
			return nil
		})
	}
	return unsupported(at)
}

// fill runs the application's migrations.
func (p *Provisioner) fill(ctx context.Context, conn *pgx.Conn, at core.Placement) error {
	if p.migrate == nil {
		return nil
	}
	if err := p.migrate(ctx, conn, at); err != nil {
		return fmt.Errorf("the application's migrations in %s: %w", at.Schema+at.Database, err)
	}
	return nil
}

// connected runs fn on a connection of its own that holds the lock of the place. The lock
// ends with the connection's backend, so that whoever gets it next finds all that this one
// did: a backend whose client was killed finishes its statement first.
func (p *Provisioner) connected(ctx context.Context, config *pgx.ConnConfig, place string, fn func(*pgx.Conn) error) error {
	return p.locked(ctx, config, place, true, fn)
}

// locked is connected; it returns [ErrBusy] if it would have to wait and is not to.
func (p *Provisioner) locked(ctx context.Context, config *pgx.ConnConfig, place string, wait bool, fn func(*pgx.Conn) error) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("placement: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = conn.Close(ctx)
	}()
	got := true
	if wait {
		err = lock.Wait(ctx, conn, "place "+place)
	} else {
		got, err = lock.Try(ctx, conn, "place "+place)
	}
	if err != nil {
		return fmt.Errorf("placement: the lock of %s: %w", place, err)
	}
	if !got {
		return ErrBusy
	}
	return fn(conn)
}

// within is a configuration for work inside a place: names without a schema mean that of
// the tenant, and never one of public's.
func within(config *pgx.ConnConfig, database, schema string) *pgx.ConnConfig {
	config = config.Copy()
	if database != "" {
		config.Database = database
	}
	config.RuntimeParams["search_path"] = quote(schema) + ", pg_temp"
	return config
}

// all runs statements in one transaction and one round trip.
func all(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	_, err := conn.PgConn().Exec(ctx, strings.Join(statements, ";\n")).ReadAll()
	return err
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func unsupported(at core.Placement) error {
	return core.Errorf(core.ScopeUnsupported, "there is no place to make or remove for the strategy %q", at.Strategy)
}
