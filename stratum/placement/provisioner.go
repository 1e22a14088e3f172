package placement

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stratum-hq/stratum-go/core"
	"github.com/stratum-hq/stratum-go/stratum/internal/lock"
	"github.com/stratum-hq/stratum-go/stratum/placement/internal/clone"
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
		return reached, err
	case core.DatabasePerTenant:
		server, name, err := p.server(at)
		if err != nil {
			return 0, err
		}
		err = p.connected(ctx, server, name, func(conn *pgx.Conn) error {
			if err := p.makeDatabase(ctx, conn, name); err != nil {
				return fmt.Errorf("making the database %s: %w", name, err)
			}
			return p.connected(ctx, within(server, name, "public"), name, func(inside *pgx.Conn) error {
				if err := p.openDatabase(ctx, inside); err != nil {
					return fmt.Errorf("the rights in the database %s: %w", name, err)
				}
				return fill(inside)
			})
		})
		return reached, err
	}
	return 0, unsupported(at)
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
		server, name, err := p.server(at)
		if err != nil {
			return err
		}
		return p.connected(ctx, server, name, func(conn *pgx.Conn) error {
			if _, err := conn.Exec(ctx, "drop database if exists "+quote(name)+" with (force)"); err != nil {
				return fmt.Errorf("removing the database %s: %w", name, err)
			}
			return nil
		})
	}
	return unsupported(at)
}

// grantee is who has the rights of the tenant in a place.
func (p *Provisioner) grantee(at core.Placement) string {
	if at.Role == "" { // a database, or a schema without
		return p.app
	}
	return at.Role
}

// fill makes the application's tables, from the template and with the migrations.
func (p *Provisioner) fill(ctx context.Context, conn *pgx.Conn, at core.Placement) error {
	if err := p.copyTemplate(ctx, conn, at); err != nil {
		return err
	}
	var err error
	switch {
	case p.migrate != nil:
		err = p.migrate(ctx, conn, at)
	case p.migrations != nil:
		err = p.up(ctx, conn, at, p.migrations)
	}
	if err != nil {
		return fmt.Errorf("the application's migrations in %s: %w", at.Schema+at.Database, err)
	}
	return nil
}

// copyTemplate copies the template schema, if there is one; a database is a copy from the
// beginning. It finds out whether migrations can go on from there.
func (p *Provisioner) copyTemplate(ctx context.Context, conn *pgx.Conn, at core.Placement) error {
	template := p.templateDatabase
	if at.Strategy == core.SchemaPerTenant {
		template = p.templateSchema
	}
	if template == "" {
		return nil
	}
	if at.Strategy == core.SchemaPerTenant {
		if err := clone.Schema(ctx, conn, template, at.Schema); err != nil {
			return err
		}
	}
	there, err := versioned(ctx, conn, at)
	switch {
	case err != nil:
		return err
	case there:
		return p.hide(ctx, conn, at)
	case p.migrations != nil:
		return core.Errorf(core.ScopeUnsupported, "the template %q has no goose_db_version, which says which migrations it lacks", template)
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
