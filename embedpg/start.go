package embedpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	template1    = "template1" // what the empty databases of our own servers are copied from
	defaultPort  = 5432        // names the socket of a server without TCP
	portAttempts = 20          // free ports to try
	startTimeout = time.Minute
	pollInterval = 2 * time.Millisecond
)

// Start starts a server and returns when it answers, with its roles made. It needs about 0.2
// seconds, or one second when initdb has to run. ctx limits the start only: when it has
// returned, [Server.Stop] ends the server. When Start fails, it has cleaned up.
//
// The error is [ErrNotInstalled] if there is no PostgreSQL; the errors of a
// server that does not come up quote the end of its log.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s, err := start(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("embedpg: starting PostgreSQL: %w", err)
	}
	return s, nil
}

func start(ctx context.Context, cfg Config) (_ *Server, err error) {
	if !supported {
		return nil, errPlatform
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	log := &tail{to: cfg.Log}
	programs, err := newPrograms(ctx, cfg.BinDir, log)
	if err != nil {
		return nil, err
	}
	parent, err := filepath.Abs(cmp.Or(cfg.Dir, defaultDir()))
	if err != nil {
		return nil, err
	}
	sweep(parent)
	f, err := newFolder(parent, programs.id)
	if err != nil {
		return nil, err
	}
	s := &Server{folder: f, log: log, super: Superuser, database: cfg.Database, empty: template1}
	s.stop = s.stopOnce()
	defer func() {
		if err != nil {
			_ = s.stop() // whatever it says, err is why
		}
	}()
	if err := programs.fillData(ctx, f); err != nil {
		return nil, err
	}
	conn, err := s.boot(ctx, cfg, programs)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, conn, cfg); err != nil {
		return nil, explain(err, log)
	}
	return s, nil
}

// boot starts the server process, on another port as long as the chosen one turns out to be taken.
func (s *Server) boot(ctx context.Context, cfg Config, p *programs) (*pgx.Conn, error) {
	for attempt := 1; ; attempt++ {
		conn, err := s.bootOnce(ctx, cfg, p)
		taken := err != nil && strings.Contains(s.log.String(), "Address already in use")
		if taken && cfg.Port == 0 && attempt < portAttempts {
			continue
		}
		if err != nil {
			err = explain(err, s.log)
		}
		return conn, err
	}
}

func (s *Server) bootOnce(ctx context.Context, cfg Config, p *programs) (*pgx.Conn, error) {
	port := defaultPort
	if cfg.TCP {
		var err error
		if port, err = choosePort(cfg.Port); err != nil {
			return nil, err
		}
		s.address.host = localhost
	}
	s.address.port, s.address.socketDir = port, s.folder.sockets()
	admin, err := pgx.ParseConfig(s.URL(Superuser, "postgres"))
	if err != nil {
		return nil, err
	}
	s.admins.config = admin

	s.log.reset()
	// The server outlives ctx, which is why it gets another.
	cmd := p.command(context.WithoutCancel(ctx), s.folder.path, "postgres", cfg.arguments(s.folder, port)...)
	if s.proc, err = launch(cmd); err != nil {
		return nil, p.id.denied(err, "enter", s.folder.path)
	}
	pid := strconv.Itoa(cmd.Process.Pid)
	if err := os.WriteFile(s.folder.serverFile(), []byte(pid), 0o600); err != nil {
		return nil, err
	}
	first := admin.Copy()
	first.Database = template1
	return s.await(ctx, first)
}

// choosePort returns the port, or a free one for 0. It may be taken again before the server has it.
func choosePort(port int) (int, error) {
	if port != 0 {
		return port, nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(localhost, "0"))
	if err != nil {
		return 0, err
	}
	port = l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// await connects as soon as the server lets it.
func (s *Server) await(ctx context.Context, config *pgx.ConnConfig) (*pgx.Conn, error) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		conn, err := pgx.ConnectConfig(ctx, config)
		if err == nil {
			return conn, nil
		}
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code != "57P03" { // cannot_connect_now
			return nil, err
		}
		select {
		case <-s.proc.done:
			return nil, s.deathOf(s.proc)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// deathOf says how a server ended that was not asked to.
func (*Server) deathOf(p *process) error {
	if p.err == nil {
		return errors.New("the server ended by itself")
	}
	return fmt.Errorf("the server died: %w", p.err)
}

// prepare makes roles and database. conn is to template1, is closed, and was the only one.
func (s *Server) prepare(ctx context.Context, conn *pgx.Conn, cfg Config) error {
	defer s.admins.discard(ctx, conn)
	if cfg.TCP {
		s.passwords = randomPasswords()
	}
	if err := s.adopt(ctx, conn); err != nil {
		return err
	}
	if err := grantPublic(ctx, conn); err != nil {
		return err
	}
	s.prepared.Store(template1, true)
	s.admins.discard(ctx, conn) // nobody may be connected to what is copied
	if cfg.Database == "" {
		return nil
	}
	return s.admins.lend(ctx, func(c *pgx.Conn) error { return s.createDatabase(ctx, c, cfg.Database, "") })
}

// adopt reads the version and makes the roles.
func (s *Server) adopt(ctx context.Context, conn *pgx.Conn) error {
	const q = "SELECT pg_catalog.current_setting('server_version_num')::int"
	if err := conn.QueryRow(ctx, q).Scan(&s.version); err != nil {
		return err
	}
	return createRoles(ctx, conn, s.super, s.passwords)
}
