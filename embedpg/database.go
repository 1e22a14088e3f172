package embedpg

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// maxName is the length of a PostgreSQL name; longer ones would be cut silently.
const maxName = 63

// checkName refuses names that PostgreSQL would change.
func checkName(name string) error {
	if name == "" || len(name) > maxName || strings.Contains(name, "\x00") {
		return fmt.Errorf("%q is no name of a database: 1 to %d bytes", name, maxName)
	}
	return nil
}

// CreateDatabase makes a database as a copy of another, which nobody may be connected to;
// an empty template means an empty database. It belongs to [Owner] with its schema
// public. Nobody else has rights in it, except:
//
//   - [Lib] may connect and create schemas;
//   - [App], [System] and [Subtree] may connect, make temporary tables (which COPY
//     needs) and use the schema public, but create nothing there.
//
// Rights on tables come with the template, or with the migrations that [Owner] runs. If this Server
// made the template, the rights on its schema public come with it as well, as they are by then.
func (s *Server) CreateDatabase(ctx context.Context, name, template string) error {
	err := errors.Join(checkName(name), s.admins.lend(ctx, func(conn *pgx.Conn) error {
		return s.createDatabase(ctx, conn, name, template)
	}))
	if err != nil {
		return fmt.Errorf("embedpg: creating database %q: %w", name, err)
	}
	return nil
}

// DropDatabase removes a database; open connections to it are ended. A database that does not exist is no error.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	err := checkName(name)
	if err == nil {
		err = s.admins.lend(ctx, func(conn *pgx.Conn) error { return s.drop(ctx, conn, name) })
	}
	if err != nil {
		return fmt.Errorf("embedpg: dropping database %q: %w", name, err)
	}
	return nil
}

// createDatabase works on a superuser's connection to another database.
func (s *Server) createDatabase(ctx context.Context, conn *pgx.Conn, name, template string) error {
	if template == "" {
		template = s.empty
	}
	if err := errors.Join(checkName(name), checkName(template)); err != nil {
		return err
	}
	if err := vacate(ctx, conn, "SELECT pid", template); err != nil {
		return err
	}
	sql := "CREATE DATABASE " + quote(name) + " OWNER " + quote(Owner) + " TEMPLATE " + quote(template) + s.strategy()
	if _, err := conn.Exec(ctx, sql); err != nil {
		return err
	}
	err := s.grant(ctx, conn, name, template)
	if err == nil {
		s.prepared.Store(name, true)
		return nil
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	// The connection may have died with ctx: another one cleans up.
	return errors.Join(err, s.admins.lend(after, func(c *pgx.Conn) error { return s.drop(after, c, name) }))
}

// strategy picks how CREATE DATABASE copies. Copying files is four times faster than writing
// the copy into the log, which is the default since 15 (15 ms instead of 60 for 40 tables), but
// needs checkpoints: free with fsync off, rude on a server that is not ours.
func (s *Server) strategy() string {
	if s.folder == nil || s.version < 150000 {
		return ""
	}
	return " STRATEGY FILE_COPY"
}

// grant sets the rights that [Server.CreateDatabase] promises. Those on the database itself are not
// copied with it, those on its schemas are.
func (s *Server) grant(ctx context.Context, conn *pgx.Conn, name, template string) error {
	db := quote(name)
	_, err := conn.PgConn().Exec(ctx, strings.Join([]string{
		"REVOKE ALL ON DATABASE " + db + " FROM PUBLIC",
		"GRANT CONNECT, CREATE ON DATABASE " + db + " TO " + quote(Lib),
		"GRANT CONNECT, TEMPORARY ON DATABASE " + db + " TO " + users(),
	}, ";")).ReadAll()
	if _, done := s.prepared.Load(template); err != nil || done {
		return err
	}
	config := s.admins.config.Copy()
	config.Database = name
	inside, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = inside.Close(context.WithoutCancel(ctx)) }()
	return grantPublic(ctx, inside)
}

// grantPublic sets the rights on the schema public, if there is one. Since 15 it belongs to
// pg_database_owner; that is not enough for an owner who inherits nothing.
func grantPublic(ctx context.Context, inside *pgx.Conn) error {
	_, err := inside.PgConn().Exec(ctx, `DO $$ BEGIN
		IF pg_catalog.to_regnamespace('public') IS NULL THEN
			RETURN;
		END IF;
		ALTER SCHEMA public OWNER TO `+quote(Owner)+`;
		REVOKE ALL ON SCHEMA public FROM PUBLIC, `+quote(Lib)+`, `+users()+`;
		GRANT USAGE ON SCHEMA public TO `+users()+`;
	END $$`).ReadAll()
	return err
}

// users are the roles that work with the application's tables.
func users() string { return strings.Join([]string{quote(App), quote(System), quote(Subtree)}, ", ") }

func (s *Server) drop(ctx context.Context, conn *pgx.Conn, name string) error {
	s.prepared.Delete(name)
	if err := vacate(ctx, conn, "SELECT pg_catalog.pg_terminate_backend(pid)", name); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
	return err
}

// leaving is how long vacate waits.
const leaving = time.Second

// vacate waits until nobody is connected to a database; sql is run for those who still are. If they stay, it is left to
// the server to wait or to refuse. The server waits too, but looks only ten times a second, and a
// connection that was just closed takes a few milliseconds to be gone.
func vacate(ctx context.Context, conn *pgx.Conn, sql, name string) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for patience := time.Now().Add(leaving); time.Now().Before(patience); {
		tag, err := conn.Exec(ctx, sql+" FROM pg_catalog.pg_stat_activity WHERE datname = $1", name)
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
	return nil
}
